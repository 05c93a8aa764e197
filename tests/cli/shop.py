"""A working loop with a repository of its own name, so that runs of different tests do not meet."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from temporalio.client import Client

from tamma.cli.reference import IssueName
from tamma.model.ids import new_task_id
from tamma.model.repository import RepoRef
from tamma.model.task import AgentChoice, DevRequest
from tests.support.loop import ISSUE, QUICK, Loop, running_loop


@dataclass(frozen=True)
class Shop:
    """The repository and how its issues are ordered."""

    owner: str

    @property
    def repo(self) -> RepoRef:
        return RepoRef("memory", self.owner, "calc")

    def name(self, issue: str = "1") -> IssueName:
        return IssueName(self.repo, issue)

    def request(self, issue: str = "1", **changes: Any) -> DevRequest:
        made = DevRequest(new_task_id(), self.repo, issue, AgentChoice("scripted"), limits=QUICK)
        return replace(made, **changes)

    @asynccontextmanager
    async def worker(
        self,
        client: Client,
        folder: Path,
        turns: Mapping[str, object] | None = None,
        **platform: Any,
    ) -> AsyncGenerator[Loop]:
        """A worker for this shop's repository; its place on disk is `folder`. `platform`: more options."""
        full = self.repo.full_name
        async with running_loop(
            client,
            folder,
            turns=turns,
            repositories={full: str(folder / "calc.git")},
            issues={full: {"1": ISSUE, "2": ISSUE}},
            **platform,
        ) as loop:
            yield loop


def shop_of(folder: Path) -> Shop:
    return Shop(f"o{folder.name.replace('_', '-')}"[:39])


def configure(home: Path, address: str, monkeypatch: Any) -> None:
    """Let commands of this test talk to the test's server, with the loop's worker instead of their own."""
    platforms = {"available": [{"platformId": "memory", "platformType": "memory"}]}
    run = {"checks": {"grace": 0.2, "poll": 0.1}}  # these repositories have none
    (home / "config.json").write_text(json.dumps({"platforms": platforms, "run": run}))
    monkeypatch.setenv("TAMMA_MODE", "orchestrator")
    monkeypatch.setenv("TAMMA_TEMPORAL_ADDRESS", address)
    monkeypatch.setenv("TAMMA_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
