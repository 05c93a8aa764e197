"""A pull request that nobody looks at for weeks, or whose checks take as long: the run goes on looking, and
does what is to be done when something comes. That it waits costs no history."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from tamma.model.conventions import Conventions
from tamma.model.repository import Check, CheckState, Review, ReviewEvent, Target
from tamma.model.task import Approval, ApprovePolicy, Gate, Limits, Phase, TaskStatus
from tests.support.histories import replay_and_keep
from tests.support.loop import FIX_TURNS, QUICK, RED_TURNS, REPO, Handle, git, running_loop, script
from tests.support.skipping import skipping_time
from tests.workflows.test_comments_in_runs import at_gate
from tests.workflows.test_gates import tell
from tests.workflows.test_reviews_of_people import ANSWERED, forge, remark
from workflows.autonomous_dev import AutonomousDev

DAYS = 16
"""More than the two weeks that one activity may look."""
POLL = timedelta(hours=6)
BETWEEN = timedelta(hours=15)
"""So that neither a look nor a reminder falls to where two of the days meet."""
PATIENT = replace(
    QUICK,
    poll=POLL.total_seconds(),
    remind_after=Limits().remind_after,
    escalate_after=Limits().escalate_after,
)
LOOKING = 2
"""Activities: one looks for comments; the other for reviews, or at checks."""
A_FEW = 25
"""Events of a day on which people are called, or on which another activity begins to look, at most."""

PATIENCE = 240
"""Seconds for what takes a few: the machine may be busy."""

pytestmark = pytest.mark.timeout(600)


@pytest.mark.slow
async def test_a_review_after_sixteen_days_is_answered_and_merged(tmp_path: Path) -> None:
    turns = script(agent=[*RED_TURNS, *FIX_TURNS, *ANSWERED])
    ada = Conventions(people=("ada",))
    async with (
        skipping_time() as env,
        running_loop(env.client, tmp_path, turns=turns, conventions=ada) as loop,
    ):
        platform = await forge(loop)
        handle = await loop.submit(approve=ApprovePolicy.MERGE, limits=PATIENT)
        pull = await at_gate(loop, handle, Gate.MERGE)
        run = (await handle.describe()).run_id
        await env.sleep(BETWEEN)
        grown = [await a_day(env, handle) for _ in range(DAYS)]
        assert [day for day, events in enumerate(grown, 1) if events] == [1, 3, 14]
        assert max(grown) <= A_FEW
        written = [each.body for each in await platform.list_comments(REPO, Target("pull_request", pull))]
        assert [("waits for you" in body, body.startswith("@ada")) for body in written] == [
            (True, False),
            (False, True),
        ]
        # The time-skipping server has no list of runs, which the order among them is read from.
        notes = (await loop.view(handle)).notes
        assert [note for note in notes if "UNIMPLEMENTED" not in note] == []

        # Nobody wakes the run: its next look finds what people say.
        await platform.add_thread(REPO, pull, *remark(1, "say why", "ada"))
        await platform.add_review(
            REPO, pull, Review("r1", "ada", ReviewEvent.REQUEST_CHANGES, "not yet", trusted=True)
        )
        await env.sleep(POLL)
        view = await loop.until(
            handle,
            lambda view: view.waiting_for and "# reviewed" in loop.show(f"{view.branch}:calc.py"),
            seconds=PATIENCE,
        )
        assert view.waiting_for is not None
        assert view.waiting_for.gate is Gate.MERGE
        (thread,) = await platform.list_threads(REPO, pull)
        assert thread.comments[-1].body.startswith("done")
        await looked(handle)
        await tell(handle, "approve", Approval(Gate.MERGE, "approve", by="ada"))
        with env.auto_time_skipping_disabled():
            result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert "# reviewed" in loop.show("main:calc.py")
        assert loop.effects("merge_pr") == 1
        assert (await handle.describe()).run_id == run
        await replay_and_keep({"run": await handle.fetch_history()}, [AutonomousDev])


@pytest.mark.slow
async def test_checks_of_sixteen_days_are_waited_for_and_nobody_is_asked(tmp_path: Path) -> None:
    async with skipping_time() as env, running_loop(env.client, tmp_path, checks="pending") as loop:
        handle = await loop.submit(limits=PATIENT)
        seen = await loop.until(
            handle, lambda view: view.phase is Phase.CHECKS and view.pull_request, seconds=PATIENCE
        )
        await env.sleep(BETWEEN)
        grown = [await a_day(env, handle) for _ in range(DAYS)]
        assert sum(grown) <= A_FEW
        assert (await loop.view(handle)).waiting_for is None
        sha = git(loop.remote, "rev-parse", seen.branch)
        await (await forge(loop)).set_checks(REPO, sha, (Check("ci", CheckState.SUCCESS),))
        await looked(handle)
        await handle.signal("platform_event")
        with env.auto_time_skipping_disabled():
            result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert loop.effects("merge_pr") == 1


async def a_day(env: WorkflowEnvironment, handle: Handle) -> int:
    """Wait for a day; by how many events the run's history has grown."""
    before = (await handle.describe()).history_length
    await env.sleep(timedelta(days=1))
    return (await handle.describe()).history_length - before


async def looked(handle: Handle) -> None:
    """What looks for news has begun to, found none, and looks again in hours."""
    async with asyncio.timeout(PATIENCE):
        while True:
            looking = (await handle.describe()).raw_description.pending_activities
            if len(looking) == LOOKING and all(each.attempt > 1 for each in looking):
                return
            await asyncio.sleep(0.05)
