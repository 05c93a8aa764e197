"""`tamma bench from-history`: merged changes of a repository as a suite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tamma.cli import output
from tamma.errors import NotFound

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig
    from tamma.model.suite import SuiteTask
    from tamma.suites.history import Change

ReadIssue = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for, and where."""

    repository: Path
    branch: str = "HEAD"
    looked_at: int = 200
    most: int = 50
    messages: bool = False
    verified: bool = False


@dataclass(slots=True)
class Harvest:
    """What was found, and why the rest was not taken."""

    tasks: list[SuiteTask] = field(default_factory=list["SuiteTask"])
    skipped: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def words(self) -> str:
        counts: dict[str, int] = {}
        for _, why in self.skipped:
            kind = why.partition(":")[0]
            counts[kind] = counts.get(kind, 0) + 1
        return ", ".join(f"{count} x {kind}" for kind, count in counts.items())


async def harvest(wanted: Wanted, loaded: LoadedConfig, read_issue: ReadIssue) -> Harvest:
    """The tasks that a repository's history makes, newest first. Raises ConfigError."""
    from tamma.suites import history

    found = Harvest()
    listed = await asyncio.to_thread(
        history.changes, wanted.repository, branch=wanted.branch, limit=wanted.looked_at
    )
    for change in listed:
        if len(found.tasks) >= wanted.most:
            break
        issue = await read_issue(change.issue) if change.issue else None
        made = await asyncio.to_thread(_made, wanted, change, issue)
        if isinstance(made, str):
            found.skipped.append((change.commit, made))
        else:
            found.tasks.append(made)
    if wanted.verified:
        await _verify(found, loaded)
    return found


def _made(wanted: Wanted, change: Change, issue: str | None) -> SuiteTask | str:
    from tamma.suites import history

    address = str(wanted.repository)
    made = history.task_of(wanted.repository, address, change, issue, messages=wanted.messages)
    return made.why if isinstance(made, history.Skipped) else made


async def _verify(found: Harvest, loaded: LoadedConfig) -> None:
    """Keep the tasks whose tests fail at the base and pass with the solution."""
    from tamma.config.resolve import workspaces_dir
    from tamma.store.memory import MemoryStore
    from tamma.suites.verify import verify
    from tamma.workspace.local import LocalWorkspaces
    from tamma.workspace.sandbox.profile import SandboxPolicy

    workspaces = LocalWorkspaces(
        workspaces_dir(loaded),
        MemoryStore(),
        sandbox=SandboxPolicy(allow_none=loaded.config.run.sandbox.allow_none),
        install_hosts=loaded.config.worker.install_hosts,
    )
    kept: list[SuiteTask] = []
    try:
        for number, task in enumerate(found.tasks, 1):
            output.note(f"verifying {number} of {len(found.tasks)}: {task.id} {task.title[:60]}")
            checked = await verify(workspaces, task, lambda _: None)
            if checked.task is None:
                found.skipped.append((task.id, checked.why))
                output.note(f"  left out: {checked.why}")
            else:
                kept.append(checked.task)
    finally:
        await workspaces.aclose()
    found.tasks = kept


@asynccontextmanager
async def issues_of(loaded: LoadedConfig, where: str | None) -> AsyncGenerator[ReadIssue]:
    """Reads issues of `owner/repo` on its platform; without one, none can be read."""
    if where is None:
        yield _none
        return
    from tamma.cli.linking import accounts
    from tamma.cli.reference import parse_issue
    from tamma.config.platform_settings import tracking_for_platform
    from tamma.config.resolve import settings_for_platform
    from tamma.pools import Platforms

    known, default = accounts(loaded)
    repo = parse_issue(f"{where}#1", accounts=known, default=default).repo
    platforms = Platforms(
        lambda name: settings_for_platform(loaded, name), lambda name: tracking_for_platform(loaded, name)
    )

    async def read(number: str) -> str | None:
        platform = await platforms.get(repo.platform_id)
        try:
            issue = await platform.get_issue(repo, number)
        except NotFound:
            return None
        # Not its comments: they mostly tell how it was solved.
        return f"# {issue.title}\n\n{issue.body}".strip() + "\n"

    try:
        yield read
    finally:
        await platforms.close()


async def _none(_number: str) -> str | None:
    return None
