"""Places in line: whoever claims a file first comes first, whoever looks when; the end of a run gives way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.coordination import CoordinationActivities, ids_begin_with
from activities.interface.coordination import AwaitIssues, AwaitTurn, OpenIssues, Turn
from tamma.errors import StackError, TammaError
from tamma.model.coordination import FILES_CLAIMED, Ahead
from tamma.model.ids import TaskId, WorkflowId
from tamma.model.references import PLAIN_GIT, RepoRef
from tamma.model.selection import KnownRun
from tamma.model.task import TaskStatus
from tamma.platforms.interface import PlatformSettings
from tamma.pools import Platforms
from tamma.store.interface import EventQuery
from tamma.store.memory import MemoryStore
from tamma.temporal.run_errors import ServerSilent

REPO = RepoRef("memory", "Acme", "Calc")
CALC, DOCS = ("src/calc.py",), ("docs/guide.md",)
ISSUES = {"1": "# one\n\nIt fails.\n", "2": "---\nstate: closed\n---\n# two\n\nIt failed.\n"}


class Open:
    """The runs that are open, as the server's index would say."""

    def __init__(self, *issues: str, fails: TammaError | None = None) -> None:
        self.issues = list(issues)
        self.fails = fails
        self.asked: list[str] = []

    async def live(self, prefix: str) -> tuple[KnownRun, ...]:
        self.asked.append(prefix)
        if self.fails is not None:
            raise self.fails
        began = datetime(2026, 5, 1, tzinfo=UTC)
        return tuple(
            KnownRun(WorkflowId(prefix + issue), task(issue), issue.split("/")[0], TaskStatus.RUNNING, began)
            for issue in self.issues
        )


def task(issue: str) -> TaskId:
    return TaskId(f"task-{issue}")


def claim(issue: str, *files: str) -> AwaitTurn:
    return AwaitTurn(task(issue), REPO, issue.split("/")[0], files or CALC, poll=0.1)


class Line:
    """The activities over a store of their own. Nobody waits between attempts: each call is one look."""

    def __init__(self, runs: Open, issues: Mapping[str, str] = ISSUES) -> None:
        platform = PlatformSettings(
            "memory",
            "memory",
            options={"repositories": {"Acme/Calc": "none"}, "issues": {"Acme/Calc": issues}},
        )
        self.store = MemoryStore()
        self.platforms = Platforms(lambda _: platform)
        self._ours = CoordinationActivities(self.platforms, runs, self.store)

    async def turn(self, given: AwaitTurn, attempt: int = 1) -> Turn:
        return await self._on(attempt).run(self._ours.await_turn, given)

    async def open(
        self,
        *issues: str,
        known: tuple[str, ...] | None = None,
        issue: str = "",
        known_circle: tuple[str, str] | None = None,
    ) -> OpenIssues:
        given = AwaitIssues(REPO, issues, 0.1, known, issue, known_circle)
        return await self._on(1).run(self._ours.await_issues, given)

    def _on(self, attempt: int) -> ActivityEnvironment:
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt, workflow_id="dev/memory/acme/calc/1")
        return environment


def ahead(turn: Turn) -> list[str]:
    return [each.issue for each in turn.ahead]


async def test_of_runs_that_claim_at_one_moment_each_is_behind_all_earlier_ones() -> None:
    issues = [str(number) for number in range(1, 9)]
    line = Line(Open(*issues))
    turns = await asyncio.gather(*(line.turn(claim(issue)) for issue in issues))
    behind = sorted((set(ahead(turn)) for turn in turns), key=len)
    assert [len(each) for each in behind] == list(range(8)), "one begins, and nobody waits for a later one"
    assert all(one < other for one, other in pairwise(behind))


async def test_the_first_claim_counts_however_often_it_is_repeated() -> None:
    line = Line(Open("1", "2"))
    assert ahead(await line.turn(claim("1"))) == []
    (one,) = (await line.turn(claim("2"))).ahead
    assert one == Ahead("1", task("1"), "src/calc.py")
    assert ahead(await line.turn(claim("1"))) == []
    assert len(await line.store.read_events(EventQuery((FILES_CLAIMED,)))) == 2


async def test_a_run_is_not_behind_other_files_ended_runs_or_forks_of_itself() -> None:
    runs = Open("1", "2", "3", "3/fork")
    line = Line(runs)
    await line.turn(claim("1"))
    await line.turn(claim("2", *DOCS))
    assert ahead(await line.turn(claim("3", "other.py", *DOCS, *CALC))) == ["1", "2"]
    assert ahead(await line.turn(claim("3/fork"))) == ["1"]
    runs.issues.remove("1")
    assert ahead(await line.turn(claim("3", *DOCS, *CALC))) == ["2"]


async def test_plans_name_one_file_in_full_and_in_short() -> None:
    line = Line(Open("1", "2", "3"))
    await line.turn(claim("1", "src/calc.py"))
    (one,) = (await line.turn(claim("2", "calc.py"))).ahead
    assert one == Ahead("1", task("1"), "calc.py")
    assert ahead(await line.turn(claim("3", "src/app/calc.py"))) == ["2"]


async def test_a_look_says_nothing_until_the_line_has_changed() -> None:
    runs = Open("1", "2", "3")
    line = Line(runs)
    await line.turn(claim("1"))
    await line.turn(claim("2"))
    known = replace(claim("3"), known=(await line.turn(claim("3"))).ahead)
    with pytest.raises(ApplicationError, match="the same runs are ahead"):
        await line.turn(known)
    runs.issues.remove("1")
    assert ahead(await line.turn(known)) == ["2"]


async def test_nobody_waits_for_what_the_server_cannot_tell() -> None:
    line = Line(Open(fails=StackError("Temporal refused: no index")))
    turn = await line.turn(claim("1"))
    assert (turn.ahead, turn.note) == (
        (),
        "whether other runs change the same files is not known: Temporal refused: no index",
    )


async def test_a_server_that_is_away_is_asked_again_and_who_waits_goes_on_waiting() -> None:
    line = Line(Open(fails=ServerSilent("Temporal does not answer")))
    for attempt, given in ((1, claim("1")), (2, claim("1")), (99, replace(claim("1"), known=()))):
        with pytest.raises(ApplicationError, match="Temporal does not answer") as failed:
            await line.turn(given, attempt)
        assert not failed.value.non_retryable
    assert "does not answer" in (await line.turn(claim("1"), 3)).note


async def test_issues_are_open_closed_or_missing() -> None:
    line = Line(Open())
    try:
        found = await line.open("1", "2", "3")
        assert (found.issues, found.missing) == (("1",), ("3",))
        with pytest.raises(ApplicationError, match="the same issues are open"):
            await line.open("1", "2", known=("1",))
        await (await line.platforms.get("memory")).close_issue(REPO, "1")
        assert (await line.open("1", "2", known=("1",))).issues == ()
    finally:
        await line.platforms.close()


CIRCLES = {
    "1": "# one\n\nDepends on #2.\n",
    "2": "# two\n\nDepends on #3.\n",
    "3": "# three\n\nDepends on #1, #4, #77.\n",
    "4": "---\nstate: closed\n---\n# four\n\nDepends on #5.\n",
    "5": "# five\n\nDepends on #4.\n",
    "6": "# six\n\nDepends on #1.\n",
    "7": "# seven\n\nDepends on #5.\n",
}


@pytest.mark.parametrize(
    ("issue", "first", "circle"),
    [("1", "2", ("2", "3")), ("6", "1", ("1", "2")), ("7", "5", None)],
)
async def test_issues_that_depend_on_each_other_are_told(
    issue: str, first: str, circle: tuple[str, str] | None
) -> None:
    line = Line(Open(), CIRCLES)
    try:
        found = await line.open(first, issue=issue)
        assert (found.issues, found.circle) == ((first,), circle)
        with pytest.raises(ApplicationError, match="the same issues are open"):
            await line.open(first, issue=issue, known=found.issues, known_circle=circle)
        if circle:
            await (await line.platforms.get("memory")).close_issue(REPO, "3")
            assert (
                await line.open(first, issue=issue, known=found.issues, known_circle=circle)
            ).circle is None
    finally:
        await line.platforms.close()


def test_the_runs_of_a_repository_have_ids_with_one_beginning() -> None:
    assert ids_begin_with("dev/memory/acme/calc/1", REPO) == "dev/memory/acme/calc/"
    plain = RepoRef(PLAIN_GIT, "", "/home/ada/calc")
    assert ids_begin_with("dev/plain-git/0a1b2c/issue/fork-1", plain) == "dev/plain-git/0a1b2c/"
