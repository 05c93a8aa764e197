"""A/B tests from the plan to the rollback, with rehearsal agents of known rates and skipped time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.testing import WorkflowEnvironment

from tamma.model.ab_run import ABAnswer
from tamma.model.agent import AgentConfig
from tamma.model.experiment import Canary, Mode
from tamma.model.metrics import RunMetrics
from tamma.model.suite import TaskLimits
from tamma.model.verdict import ABTestState, Decision, Reason, StopReason
from tamma.store.memory import MemoryStore
from tests.support.experiments import Handle, Lab, add_agent, lab, production_run
from tests.support.skipping import skipping_time

ALICE, BOB = ABAnswer("alice", "looks right"), ABAnswer("bob")
WORSE, BETTER = 0.1, 0.95
"""True rates so far apart that 24 tasks tell them apart, whatever the seed."""


@asynccontextmanager
async def skipped(
    folder: Path, tasks: int = 24, **options: Any
) -> AsyncGenerator[tuple[WorkflowEnvironment, Lab]]:
    async with skipping_time() as env, lab(env.client, folder, tasks=tasks, **options) as it:
        yield env, it


async def awaiting(it: Lab, handle: Handle) -> None:
    await it.until(handle, lambda view: view.state is ABTestState.AWAITING_APPROVAL)


async def test_of_two_approvals_one_wins_and_the_other_hears_who_did(tmp_path: Path) -> None:
    async with skipped(tmp_path, control=WORSE, candidate=BETTER) as (_, it):
        handle = await it.start(it.plan(canary=Canary(runs=0)))
        early = await it.say(handle, "approve", ALICE)
        assert "there is no verdict yet" in early
        await awaiting(it, handle)
        said = await asyncio.gather(it.say(handle, "approve", ALICE), it.say(handle, "reject", BOB))
        result = await handle.result()
    won, lost = sorted(said, key=lambda words: words.startswith("refused"))
    assert result.approver is not None
    assert result.approver.authenticated
    assert f"{result.approver.name} has {result.approver.decision}" in lost
    assert won.startswith(result.approver.decision)
    assert result.state is (ABTestState.APPLIED if result.approver.name == "alice" else ABTestState.REJECTED)


async def test_a_stopped_test_applies_nothing(tmp_path: Path) -> None:
    async with skipped(tmp_path, control=WORSE, candidate=BETTER) as (_, it):
        handle = await it.start()
        await awaiting(it, handle)
        said = await it.say(handle, "stop", BOB)
        result = await handle.result()
        agent = await it.store.find_agent("plain")
    assert "nothing is applied" in said
    assert (result.state, result.note) == (ABTestState.STOPPED, "stopped by bob")
    assert agent is not None
    assert agent.active == 1


@pytest.mark.slow
async def test_an_agent_that_changed_meanwhile_is_not_overwritten_unknowingly(tmp_path: Path) -> None:
    async with skipped(tmp_path, control=WORSE, candidate=BETTER) as (_, it):
        handle = await it.start(it.plan(canary=Canary(runs=0)))
        await awaiting(it, handle)
        agent = await it.store.find_agent("plain")
        assert agent is not None
        other = await it.store.add_version(
            agent.agent_id,
            AgentConfig("plain", model="newer"),
            parent=1,
            author="carol",
            reason="quicker",
            revision=agent.revision,
        )
        agent = await it.store.find_agent("plain")
        assert agent is not None
        await it.store.activate(
            agent.agent_id, other.number, author="carol", reason="go", revision=agent.revision
        )
        refused = await it.say(handle, "approve", ALICE)
        assert "version 2 is active of 'plain' by now, and it was version 1" in refused
        seen = await it.view(handle)
        assert seen.state is ABTestState.AWAITING_APPROVAL
        assert "Approve again" in seen.waiting
        assert await it.say(handle, "approve", BOB) == "approved: plain@3 is active"
        result = await handle.result()
    assert (result.state, result.applied_version) == (ABTestState.APPLIED, 3)
    assert len(await it.events("abtest.not_applied")) == 1


@pytest.mark.slow
async def test_a_verdict_that_nobody_answers_expires(tmp_path: Path) -> None:
    async with skipped(tmp_path, control=WORSE, candidate=BETTER) as (_, it):
        handle = await it.start(it.plan(approval_days=2.5, reminder_hours=24))
        result = await handle.result()
    assert (result.state, result.applied_version) == (ABTestState.EXPIRED, None)
    assert result.note == "nobody answered within 2.5 days"
    assert len(await it.events("abtest.reminder")) == 2


@pytest.mark.slow
async def test_the_plan_may_approve_by_itself_what_the_interval_proves(tmp_path: Path) -> None:
    async with skipped(tmp_path, control=WORSE, candidate=BETTER) as (_, it):
        handle = await it.start(it.plan(auto_approve=True, canary=Canary(runs=20, days=1)))
        result = await handle.result()
    assert (result.state, result.applied_version) == (ABTestState.APPLIED, 2)
    assert result.approver is not None
    assert result.approver.name == "tamma"


async def test_a_budget_is_never_overspent(tmp_path: Path) -> None:
    limits = TaskLimits(budget_usd=Decimal("0.5"))
    async with skipped(tmp_path) as (_, it):
        handle = await it.start(it.plan(budget_usd=Decimal("2.2"), limits=limits))
        result = await handle.result()
    assert result.stop_reason is StopReason.BUDGET
    assert result.spent_usd <= Decimal("2.2")
    assert result.spent_usd > Decimal("1.7"), "what trials left of their own budgets paid for more"
    assert 6 < result.units < 24
    assert result.verdict is not None


@pytest.mark.slow
async def test_a_paused_test_begins_nothing_and_ends_on_its_last_day(tmp_path: Path) -> None:
    async with skipped(tmp_path) as (env, it):
        handle = await it.start(it.plan(concurrency=1, duration_days=5))
        await it.until(handle, lambda view: view.trials_ended >= 2)
        assert "no trial begins" in await it.say(handle, "pause", ALICE)
        before = await it.until(handle, lambda view: view.trials_running == 0)
        await env.sleep(timedelta(days=1))
        seen = await it.view(handle)
        assert (seen.paused, seen.trials_ended) == (True, before.trials_ended)
        await env.sleep(timedelta(days=5))
        result = await handle.result()
    assert result.stop_reason is StopReason.DEADLINE
    assert (result.state, result.units) == (ABTestState.ENDED, before.units)


class LossyStore(MemoryStore):
    """Loses most measurements of the candidate: as a crash would that one arm's runs have more often."""

    async def record_run(self, run: RunMetrics) -> None:
        if run.cell is None or run.cell.arm == "control" or run.cell.unit.endswith("3"):
            await super().record_run(run)


class OtherModelStore(MemoryStore):
    """Behind the candidate's model name there is another model from the 9th run on."""

    seen = 0

    async def record_run(self, run: RunMetrics) -> None:
        if run.cell is not None and run.cell.arm == "candidate":
            self.seen += 1
            if self.seen > 8:
                run = replace(run, served_models=("scripted:renamed",))
        await super().record_run(run)


class OtherConfigStore(MemoryStore):
    """From the 20th run on the candidate works with another configuration than the one that was frozen."""

    seen = 0

    async def record_run(self, run: RunMetrics) -> None:
        if run.cell is not None and run.cell.arm == "candidate":
            self.seen += 1
            if self.seen > 20:
                assert run.agent is not None
                run = replace(run, agent=replace(run.agent, hash="sha256:" + "0" * 64))
        await super().record_run(run)


@pytest.mark.slow
async def test_arms_of_different_size_make_the_test_invalid(tmp_path: Path) -> None:
    async with skipped(tmp_path, tasks=40, store=LossyStore(), control=WORSE, candidate=BETTER) as (_, it):
        result = await (await it.start()).result()
    assert (result.state, result.stop_reason) == (ABTestState.ENDED, StopReason.INVALID)
    assert result.verdict is not None
    assert result.verdict.decision is Decision.INVALID
    assert {Reason.SRM, Reason.MISSINGNESS_DIFFERS} & set(result.verdict.reasons)


@pytest.mark.slow
async def test_trials_that_leave_no_measurements_are_paid_and_missing(tmp_path: Path) -> None:
    limits = TaskLimits(budget_usd=Decimal("0.5"))
    async with skipped(tmp_path) as (_, it):
        lost = await add_agent(it.store, "lost", "scripted", active=False)
        handle = await it.start(it.plan(candidate=lost, limits=limits))
        seen = await it.until(handle, lambda view: view.failed_trials > 0)
        result = await handle.result()
    assert "left no measurements" in seen.notes[0]
    assert result.verdict is not None
    assert result.verdict.decision is Decision.INVALID
    assert result.spent_usd > Decimal("0.5"), "nobody knows what they spent: all of their budgets"


@pytest.mark.slow
async def test_a_model_that_changes_behind_its_name_makes_the_test_invalid(tmp_path: Path) -> None:
    async with skipped(tmp_path, store=OtherModelStore()) as (_, it):
        result = await (await it.start(it.plan(looks=4, concurrency=4))).result()
    assert result.stop_reason is StopReason.INVALID
    assert result.verdict is not None
    assert result.verdict.reasons[0] is Reason.MODEL_CHANGED
    assert result.applied_version is None


@pytest.mark.slow
async def test_a_configuration_that_changes_in_mid_test_makes_it_invalid(tmp_path: Path) -> None:
    # The candidate would win by far: what it was when it won is not what was tested.
    async with skipped(tmp_path, store=OtherConfigStore(), control=WORSE, candidate=BETTER) as (_, it):
        result = await (await it.start(it.plan(looks=1))).result()
    assert (result.state, result.stop_reason) == (ABTestState.ENDED, StopReason.COMPLETED)
    assert result.verdict is not None
    assert (result.verdict.decision, result.verdict.reasons[0]) == (Decision.INVALID, Reason.CONFIG_CHANGED)
    assert result.applied_version is None


async def test_a_bad_plan_is_refused_before_anything_runs(tmp_path: Path) -> None:
    async with skipped(tmp_path, tasks=6) as (_, it):
        handle = await it.start(it.plan(power=2.0, sample_size=50, candidate=it.control))
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        assert await it.store.list_results() == ()
    words = str(caught.value.cause)
    assert "power: 2.0 is out of range" in words
    assert "sampleSize: the plan asks for 50 tasks, the suite has 6 tasks" in words
    assert "the same configuration" in words


@pytest.mark.slow
async def test_a_live_test_gives_runs_their_arm_and_looks_as_they_end(tmp_path: Path) -> None:
    async with skipped(tmp_path) as (env, it):
        plan = it.plan(mode=Mode.LIVE, suite=None, repos=("memory:acme/*",), sample_size=60, looks=3)
        handle = await it.start(plan)
        await it.until(handle, lambda view: view.state is ABTestState.RUNNING)
        now = await env.get_current_time()
        arms: list[str] = []
        for number in range(60):
            run = production_run(it.control, now + timedelta(seconds=number), True, issue=str(number))
            assigned = await it.assign(run)
            if assigned.cell is None:
                break
            arms.append(assigned.cell.arm)
            good = number % 10 == 0 if assigned.cell.arm == "control" else number % 10 < 7
            await it.store.record_run(
                replace(
                    run,
                    agent=assigned.agent.pin if assigned.agent else run.agent,
                    cell=assigned.cell,
                    success=good,
                )
            )
            if number in (19, 39):
                await handle.signal("run_ended")
                await it.until(handle, lambda view, number=number: view.looks and view.units > number)
        seen = await it.until(handle, lambda view: view.state is ABTestState.AWAITING_APPROVAL)
        elsewhere = await it.assign(production_run(it.control, now, True, repo="memory:other/x"))
    assert elsewhere.cell is None
    assert abs(arms.count("control") - arms.count("candidate")) <= 3
    assert seen.verdict is not None
    assert seen.verdict.decision is Decision.WINNER
