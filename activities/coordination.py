"""The order among the runs of one repository: which issues and which runs come before one.

A run's place in line is the position of its claim in the event log, which one lock gives out. Each claims
first and looks then: of two runs that claim the same file, the later one sees the claim of the earlier. What
makes a claim void is the end of its run, which the server knows, however that came about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol, cast

from temporalio import activity

from activities.failures import failing_well, not_yet
from activities.heartbeat import heard
from activities.interface.coordination import (
    AWAIT_ISSUES,
    AWAIT_TURN,
    FIND_BASE,
    AwaitIssues,
    AwaitTurn,
    FindBase,
    OpenIssues,
    Turn,
)
from activities.issues import find_issue
from activities.looking import pause_after
from activities.pools import PlatformPool
from tamma.errors import TammaError
from tamma.model.coordination import FILES_CLAIMED, Ahead
from tamma.model.ids import TaskId, forge_run_id
from tamma.model.references import PLAIN_GIT, RepoRef
from tamma.model.repository import Branch
from tamma.model.selection import KnownRun
from tamma.platforms.interface import Platform
from tamma.selection.dependencies import circles, issues_before
from tamma.selection.files import meeting
from tamma.store.interface import Event, EventQuery, EventStore, NewEvent

LONGEST_LOOK = 60.0
"""Seconds between looks at the runs ahead: it takes the server and the store milliseconds."""
MOST_FOLLOWED = 20
"""Issues that a look reads beyond those that the run's own depends on."""
TRIES = 3
"""Attempts to learn which runs are open, until a run goes on without."""


class OpenRuns(Protocol):
    """Where the open runs of a repository are looked up."""

    async def live(self, prefix: str) -> tuple[KnownRun, ...]:
        """Runs whose workflow ids begin with `prefix`, and that have not ended. Raises TammaError."""
        ...


class CoordinationActivities:
    """Holds the platform accounts, the index of runs and the event log."""

    def __init__(self, platforms: PlatformPool, runs: OpenRuns, events: EventStore) -> None:
        self._platforms = platforms
        self._runs = runs
        self._events = events

    @activity.defn(name=AWAIT_ISSUES.name)
    @failing_well
    @heard
    async def await_issues(self, given: AwaitIssues) -> OpenIssues:
        """One look at each of the issues, and at what those depend on; `not_yet` while the same are open."""
        platform = await self._platforms.get(given.repo.platform_id)
        before: dict[str, tuple[str, ...]] = {}
        missing: list[str] = []
        for number in given.issues:
            issue = await find_issue(platform, given.repo, number)
            if issue is None:
                missing.append(number)
            elif issue.state == "open":
                before[number] = issues_before(issue.body, given.repo.full_name, number)
        still = tuple(before)
        if given.issue:
            before[given.issue] = still
            await _follow(platform, given.repo, before)
        found = OpenIssues(still, next(iter(circles(before)), None), tuple(missing))
        if (found.issues, found.circle) == (given.known, given.known_circle):
            raise not_yet("the same issues are open", pause_after(activity.info().attempt, given.poll))
        return found

    @activity.defn(name=AWAIT_TURN.name)
    @failing_well
    @heard
    async def await_turn(self, given: AwaitTurn) -> Turn:
        """Claim the files, once; then one look at the open runs; `not_yet` while the same ones are ahead.

        Where the server cannot say which runs are open (some have no index), nobody waits for them.
        """
        position = await self._position(given)
        try:
            live = await self._runs.live(ids_begin_with(activity.info().workflow_id or "", given.repo))
        except TammaError as error:
            if given.known is not None or (error.may_retry and activity.info().attempt < TRIES):
                raise not_yet(error.message, _pause_of_runs(given.poll)) from None
            return Turn(note=f"whether other runs change the same files is not known: {error.message}")
        ahead = await self._ahead(given, position, live)
        if ahead == given.known:
            raise not_yet("the same runs are ahead", _pause_of_runs(given.poll))
        return Turn(ahead)

    @activity.defn(name=FIND_BASE.name)
    @failing_well
    @heard
    async def find_base(self, given: FindBase) -> Branch:
        """The branch as it is now. Raises NotFound."""
        platform = await self._platforms.get(given.repo.platform_id)
        return await platform.get_branch(given.repo, given.branch)

    async def _position(self, given: AwaitTurn) -> int:
        """The place in line. Claiming again keeps the first claim."""
        if (before := await self._claim(given.task_id)) is not None:
            return before.position
        tags = (f"task:{given.task_id}", f"repo:{given.repo.full_name}", f"issue:{given.issue}")
        event = NewEvent(
            f"{FILES_CLAIMED}/{given.task_id}",
            FILES_CLAIMED,
            tags,
            "tamma",
            {"files": list(given.files)},
            correlation_id=given.task_id,
        )
        await self._events.append_events((event,))
        claim = await self._claim(given.task_id)
        assert claim is not None
        return claim.position

    async def _ahead(self, given: AwaitTurn, position: int, live: Sequence[KnownRun]) -> tuple[Ahead, ...]:
        """Runs of the same issue (forks of one another) are meant to change the same files."""
        others = [run for run in live if run.issue != given.issue and run.task_id != given.task_id]
        claims = await asyncio.gather(*(self._claim(run.task_id) for run in others))
        found = [
            (claim.position, Ahead(run.issue, run.task_id, path))
            for run, claim in zip(others, claims, strict=True)
            if claim is not None and claim.position < position and (path := _shared(given.files, claim))
        ]
        return tuple(ahead for _, ahead in sorted(found, key=lambda each: each[0]))

    async def _claim(self, task_id: TaskId) -> Event | None:
        found = await self._events.read_events(EventQuery((FILES_CLAIMED,), (f"task:{task_id}",)), limit=1)
        return found[0] if found else None


async def _follow(platform: Platform, repo: RepoRef, before: dict[str, tuple[str, ...]]) -> None:
    """Look up what the open issues depend on in turn; at most `MOST_FOLLOWED` of them."""
    looked_up: set[str] = set()
    while todo := [
        each
        for numbers in before.values()
        for each in numbers
        if each not in before and each not in looked_up
    ]:
        if len(looked_up) >= MOST_FOLLOWED:
            return
        number = todo[0]
        looked_up.add(number)
        issue = await find_issue(platform, repo, number)
        if issue is not None and issue.state == "open":
            before[number] = issues_before(issue.body, repo.full_name, number)


def ids_begin_with(workflow_id: str, repo: RepoRef) -> str:
    """What the workflow ids of all runs of the run's repository begin with. A plain repository is called by
    a hash of its path, which the run's own id knows."""
    if repo.platform_id == PLAIN_GIT:
        return "/".join(workflow_id.split("/")[:3]) + "/"
    return forge_run_id(repo, "") + "/"


def _pause_of_runs(poll: float) -> float:
    return pause_after(activity.info().attempt, poll, longest=LONGEST_LOOK)


def _shared(files: Sequence[str], claim: Event) -> str:
    """The first of the files that is claimed; empty where none is. Plans may shorten paths."""
    theirs = cast("list[object]", claim.data["files"])
    return meeting(files, map(str, theirs)) or ""
