"""npm's emulate: another author's idea of GitHub. People act on it through the same API."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import Any

from tamma.model.repository import ChangeKind, CheckState, FileChange, RepoRef
from tamma.platforms.interface import PlatformSettings
from tests.platforms.harness import Harness, make_platform

TOKEN = "bot-token"


class EmulateHarness(Harness):
    name = "emulate"
    many = 250

    def __init__(self, url: str, repo: RepoRef) -> None:
        self.url = url
        self.repo = repo
        options = {"commit_statuses": False}  # emulate has none
        settings = PlatformSettings("github", "github", url, TOKEN, timeout=10, options=options)
        self.platform = make_platform(settings)

    def login(self, name: str) -> str:
        return {"octo": "other", "writer": "other"}.get(name, name)

    async def add_issues(self, count: int, title: str = "A bug", body: str = "It fails") -> list[str]:
        made = [await self._call("POST", "/issues", {"title": title, "body": body}) for _ in range(count)]
        return [str(issue["number"]) for issue in made]

    async def push(self, branch: str, path: str, content: bytes) -> str:
        head = (await self.platform.get_branch(self.repo, branch)).sha
        change = (FileChange(path, ChangeKind.WRITE, content),)
        return (await self.platform.commit_files(self.repo, branch, change, "by another", head, head)).sha

    async def close_pr(self, number: str) -> None:
        await self._call("PATCH", f"/pulls/{number}", {"state": "closed"})

    async def report(self, sha: str, name: str, state: CheckState) -> None:
        done = {} if state is CheckState.PENDING else {"conclusion": state.value}
        status = "in_progress" if state is CheckState.PENDING else "completed"
        await self._call("POST", "/check-runs", {"name": name, "head_sha": sha, "status": status, **done})

    async def _call(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        url = f"{self.url}/repos/{self.repo.full_name}{path}"
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)

        def send() -> dict[str, Any]:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)

        return await asyncio.to_thread(send)
