"""One handle on each platform under test: the adapter, and what other people and CI do to the platform."""

from __future__ import annotations

import asyncio
import json
import subprocess
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import pygit2

from tamma.model.repository import ChangeKind, Check, CheckState, Comment, FileChange, Issue, RepoRef
from tamma.platforms.git import objects as gitdb
from tamma.platforms.github.platform import GitHub
from tamma.platforms.interface import Platform, PlatformSettings
from tamma.platforms.memory.platform import MemoryPlatform
from tamma.platforms.memory.state import read_ledger
from tamma.platforms.plain.platform import PlainGit
from tests.support.github_server import GitHubServer


class Harness(Protocol):
    """What the contract suite needs beside the protocol."""

    platform: Platform
    repo: RepoRef

    def lossy(self, op: str) -> Platform:
        """A platform on the same account whose next `op` acts, and whose answer is lost."""
        ...

    def effects(self, op: str) -> int:
        """How often `op` changed something."""
        ...

    async def add_issues(self, count: int, title: str = "A bug", body: str = "It fails") -> list[str]: ...

    async def push(self, branch: str, path: str, content: bytes) -> str:
        """Somebody pushes a commit; its sha."""
        ...

    async def close_pr(self, number: str) -> None: ...

    async def report(self, sha: str, name: str, state: CheckState) -> None: ...


def git(*arguments: str, cwd: Path) -> str:
    """Run git, as a person would in a terminal."""
    done = subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def make_checkout(path: Path, files: dict[str, str] | None = None) -> Path:
    """A repository with one commit on main, checked out."""
    path.mkdir(parents=True)
    git("init", "-q", "-b", "main", cwd=path)
    git("config", "user.name", "Mona", cwd=path)
    git("config", "user.email", "mona@example.test", cwd=path)
    for name, text in (files or {"README.md": "hello\n", "src/app.py": "print(1)\n"}).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text, encoding="utf-8")
    git("add", ".", cwd=path)
    git("commit", "-q", "-m", "first", cwd=path)
    return path


def make_bare(folder: Path) -> Path:
    """A bare repository with one commit on main."""
    path = folder / "hello.git"
    repo = pygit2.init_repository(str(path), bare=True, initial_head="main")
    index = pygit2.Index()
    for name, text in {"README.md": "hello\n", "src/app.py": "print(1)\n"}.items():
        blob = repo.create_blob(text.encode())
        index.add(pygit2.IndexEntry(name, blob, pygit2.enums.FileMode.BLOB))
    author = pygit2.Signature("Mona", "mona@example.test")
    repo.create_commit("refs/heads/main", author, author, "first", index.write_tree(repo), [])
    return path


def push_to(path: Path, branch: str, file: str, content: bytes) -> str:
    """A commit of somebody else's, straight into a repository that is on this disk."""
    repo = gitdb.open_repository(str(path))
    head = gitdb.require_branch(repo, branch)
    made = gitdb.commit_changes(repo, head, [FileChange(file, ChangeKind.WRITE, content)], "by another")
    gitdb.move_branch(repo, branch, head, made, "push")
    return made


class PlainGitHarness:
    def __init__(self, folder: Path) -> None:
        self.path = make_bare(folder)
        issues = {"12": "# A bug\nIt fails"}
        self.platform: Platform = PlainGit(PlatformSettings("git", "plain-git", options={"issues": issues}))
        self.repo = RepoRef("git", "", str(self.path))

    async def push(self, branch: str, path: str, content: bytes) -> str:
        return push_to(self.path, branch, path, content)

    def lossy(self, op: str) -> Platform:
        """Nothing travels: an answer that is lost here is a killed process, which test_checkout kills."""
        return self.platform


class MemoryHarness:
    def __init__(self, folder: Path) -> None:
        self.path = make_bare(folder)
        self.ledger = folder / "ledger.jsonl"
        self._options = {
            "repositories": {"octo/hello": str(self.path)},
            "state": str(folder / "state.json"),
            "ledger": str(self.ledger),
        }
        self._settings = PlatformSettings("memory", "memory", options=self._options)
        self.memory = MemoryPlatform(self._settings)
        self.platform: Platform = self.memory
        self.repo = RepoRef("memory", "octo", "hello")

    def lossy(self, op: str) -> Platform:
        fault = {"on": op, "when": "after", "times": 1, "error": "Transient"}
        return MemoryPlatform(replace(self._settings, options={**self._options, "faults": [fault]}))

    def effects(self, op: str) -> int:
        return sum(entry.effect for entry in read_ledger(self.ledger) if entry.op == op)

    async def add_issues(self, count: int, title: str = "A bug", body: str = "It fails") -> list[str]:
        numbers = [str(index + 1) for index in range(count)]
        for number in numbers:
            await self.memory.add_issue(self.repo, Issue(number, title, body, "open"))
        return numbers

    async def add_comment(self, number: str, body: str, author: str) -> None:
        await self.memory.add_comment(self.repo, number, Comment("c1", author, body))

    async def push(self, branch: str, path: str, content: bytes) -> str:
        return push_to(self.path, branch, path, content)

    async def close_pr(self, number: str) -> None:
        await self.memory.close_pr(self.repo, number)

    async def report(self, sha: str, name: str, state: CheckState) -> None:
        await self.memory.set_checks(self.repo, sha, (Check(name, state),))


_R = "/repos/{owner}/{repo}"
_WRITES = {
    "ensure_branch": ("POST", f"{_R}/git/refs", r"/git/refs$"),
    "delete_branch": ("DELETE", f"{_R}/git/refs/{{ref}}", "/git/refs/"),
    "commit_files": ("PATCH", f"{_R}/git/refs/{{ref}}", "/git/refs/"),
    "ensure_comment": ("POST", f"{_R}/issues/{{issue_number}}/comments", "/comments$"),
    "set_labels": ("POST", f"{_R}/issues/{{issue_number}}/labels", "/labels$"),
    "set_assignees": ("POST", f"{_R}/issues/{{issue_number}}/assignees", "/assignees$"),
    "close_issue": ("PATCH", f"{_R}/issues/{{issue_number}}", r"/issues/\d+$"),
    "ensure_pr": ("POST", f"{_R}/pulls", "/pulls$"),
    "update_pr": ("PATCH", f"{_R}/pulls/{{pull_number}}", r"/pulls/\d+$"),
    "merge_pr": ("PUT", f"{_R}/pulls/{{pull_number}}/merge", "/merge$"),
}
"""The request by which each write has its effect: method, operation, and a pattern of the path."""


class GitHubHarness:
    def __init__(self, server: GitHubServer) -> None:
        self.server = server
        settings = PlatformSettings("github", "github", server.url, server.token, timeout=10)
        self.platform: Platform = GitHub(settings)
        self.repo = RepoRef("github", "octo", "hello")

    def lossy(self, op: str) -> Platform:
        method, _, pattern = _WRITES[op]
        self.server.fail(method, pattern, "lost_answer")
        return self.platform

    def effects(self, op: str) -> int:
        method, template, _ = _WRITES[op]
        return self.server.effects[f"{method} {template}"]

    async def add_issues(self, count: int, title: str = "A bug", body: str = "It fails") -> list[str]:
        return [str(self.server.world.add_issue(title, body).number) for _ in range(count)]

    async def push(self, branch: str, path: str, content: bytes) -> str:
        return self.server.world.push(branch, path, content)

    async def close_pr(self, number: str) -> None:
        self.server.world.issues[int(number)].state = "closed"

    async def report(self, sha: str, name: str, state: CheckState) -> None:
        runs = self.server.world.check_runs
        runs[sha] = [run for run in runs.get(sha, []) if run["name"] != name]
        if state is CheckState.PENDING:
            self.server.world.report(sha, name, "in_progress")
        else:
            self.server.world.report(sha, name, "completed", state.value)


@dataclass
class EmulateHarness:
    """npm's emulate: another author's idea of GitHub. People act on it through the same API."""

    url: str
    repo: RepoRef
    token: str = "bot-token"

    def __post_init__(self) -> None:
        options = {"commit_statuses": False}  # emulate has none
        settings = PlatformSettings("github", "github", self.url, self.token, timeout=10, options=options)
        self.platform: Platform = GitHub(settings)

    def lossy(self, op: str) -> Platform:
        """emulate answers always."""
        return self.platform

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
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)

        def send() -> dict[str, Any]:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)

        return await asyncio.to_thread(send)


AnyHarness = MemoryHarness | GitHubHarness | EmulateHarness
