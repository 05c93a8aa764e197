"""What may happen to an A/B test or a benchmark from outside: it goes on, or it ends in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle

from tamma.errors import StoreUnavailable
from tamma.model.ab_run import MOST_NOTES, ABAccepted, ABAnswer, ABProgress
from tamma.model.agent import Agent, AgentId
from tamma.model.bench import BENCH_WORKFLOW, BenchArm, BenchId, BenchRequest, BenchState, BenchView
from tamma.model.experiment import ABTestId, ABTestPlan, Assignment, Canary, LookPlan, Mode
from tamma.model.ids import uuid7
from tamma.model.metrics import Cell, RunMetrics
from tamma.model.task import TASK_QUEUE
from tamma.model.trial import TrialResult, trial_id
from tamma.model.verdict import ABTestResult, ABTestState, Look
from tamma.store.memory import MemoryStore
from tests.support.experiments import Handle, Lab, add_agent, lab, production_run
from tests.workflows.test_absurd_messages import ABSURD, failed_tasks


class HeldStore(MemoryStore):
    """Keeps the first measurements waiting for good, so that their trials are under way."""

    def __init__(self, holds: int) -> None:
        super().__init__()
        self.held: asyncio.Queue[Cell] = asyncio.Queue()
        self._left = holds

    async def record_run(self, run: RunMetrics) -> None:
        if run.cell is not None and self._left:
            self._left -= 1
            self.held.put_nowait(run.cell)
            await asyncio.Event().wait()
        await super().record_run(run)


@asynccontextmanager
async def awaiting(
    client: Client, folder: Path, store: MemoryStore | None = None
) -> AsyncGenerator[tuple[Lab, Handle]]:
    """A test whose winner waits for an answer."""
    async with lab(client, folder, tasks=12, store=store, control=0.01, candidate=0.99) as it:
        handle = await it.start(it.plan(concurrency=3, looks=1, canary=Canary(runs=0)))
        await it.until(handle, lambda view: view.state is ABTestState.AWAITING_APPROVAL)
        yield it, handle


async def bench_of(it: Lab) -> BenchRequest:
    return BenchRequest(BenchId(uuid7()), it.suite, (BenchArm("plain", it.control),), concurrency=3)


async def until_ended(handle: WorkflowHandle[Any, BenchView], trials: int) -> None:
    async with asyncio.timeout(120):
        while True:
            seen = await handle.query("progress", result_type=BenchView)
            if seen.request.tally.ended >= trials:
                return
            await asyncio.sleep(0.05)


async def test_trials_that_somebody_ends_are_missing_and_hold_up_nothing(
    client: Client, tmp_path: Path
) -> None:
    store = HeldStore(2)
    async with lab(client, tmp_path, tasks=8, store=store) as it:
        handle = await it.start(it.plan(concurrency=3, looks=1))
        first, second = await store.held.get(), await store.held.get()
        await client.get_workflow_handle(trial_id(first)).cancel()
        await client.get_workflow_handle(trial_id(second)).terminate("somebody was tired of it")
        async with asyncio.timeout(120):
            result = await handle.result()
    assert result.state is ABTestState.ENDED
    assert result.units == 8 - len({first.unit, second.unit})
    # What they spent is unknown, and counts as all that they might have: 3 dollars each.
    assert result.spent_usd > 6


async def test_a_cancelled_test_leaves_nothing_alive(client: Client, tmp_path: Path) -> None:
    store = HeldStore(1)
    async with lab(client, tmp_path, tasks=8, store=store) as it:
        handle = await it.start(it.plan(concurrency=2))
        trial = client.get_workflow_handle(trial_id(await store.held.get()))
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            async with asyncio.timeout(120):
                await handle.result()
        (result,) = await store.list_results()
        assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
        assert (await trial.describe()).status is WorkflowExecutionStatus.CANCELED
    assert result.state is ABTestState.STOPPED
    assert "cancelled its workflow" in result.note


async def test_a_benchmark_bears_the_same(client: Client, tmp_path: Path) -> None:
    store = HeldStore(2)
    async with lab(client, tmp_path, tasks=8, store=store) as it:
        request = await bench_of(it)
        handle = await client.start_workflow(
            BENCH_WORKFLOW,
            request,
            id=f"bench/{request.bench_id}",
            task_queue=TASK_QUEUE,
            result_type=BenchView,
        )
        await client.get_workflow_handle(trial_id(await store.held.get())).cancel()
        second = client.get_workflow_handle(trial_id(await store.held.get()))
        await until_ended(handle, 7)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        kept = await store.find_bench(request.bench_id)
        assert (await second.describe()).status is WorkflowExecutionStatus.CANCELED
    assert kept is not None
    assert kept.state is BenchState.STOPPED
    assert (kept.request.tally.ended, kept.request.tally.lost) == (8, 2)


@pytest.mark.slow
async def test_absurd_messages_do_not_stop_a_test(client: Client, tmp_path: Path) -> None:
    async with awaiting(client, tmp_path) as (_, handle):
        odd = ABAnswer("a\x00lice\x1b[2J\u202e" + "x" * 300_000, "because\n\x00" + "y" * 300_000)
        for arguments in ABSURD:
            for name in ("pause", "run_ended", "no_such"):
                await handle.signal(name, args=arguments)
            if arguments not in ((), (None,), ({},)) and not isinstance(arguments[0], dict):
                for name in ("approve", "reject", "stop"):
                    await handle.signal(name, args=arguments)
        await handle.signal("approve", {"by": {"no": "text"}})
        await handle.signal("approve", odd)
        async with asyncio.timeout(120):
            result = await handle.result()
        assert await failed_tasks(handle) == []
    assert result.state is ABTestState.APPLIED
    assert result.approver is not None
    assert result.approver.name.startswith("a lice [2J xx")
    assert (len(result.approver.name), len(result.approver.text)) == (200, 2000)
    assert (result.approver.name + result.approver.text).isprintable()


async def test_who_stops_what_is_being_applied_is_not_told_that_nothing_is(
    client: Client, tmp_path: Path
) -> None:
    async with awaiting(client, tmp_path) as (it, handle):
        said = await asyncio.gather(
            it.say(handle, "approve", ABAnswer("alice")), it.say(handle, "stop", ABAnswer("bob"))
        )
        result = await handle.result()
        agent = await it.store.find_agent("plain")
        assert agent is not None
    if result.state is ABTestState.APPLIED:
        assert said[0] == "approved: plain@2 is active"
        assert "alice has approved it already" in said[1] or "the test is over" in said[1]
        assert agent.active == 2
    else:
        assert "bob has stopped the test" in said[0]
        assert agent.active == 1


@pytest.mark.slow
async def test_a_live_test_of_an_agent_that_was_deleted_or_a_workflow_that_is_gone_takes_no_runs(
    client: Client, tmp_path: Path
) -> None:
    async with lab(client, tmp_path, tasks=6) as it:
        plan = it.plan(mode=Mode.LIVE, suite=None, repos=("memory:acme/*",), sample_size=60, looks=3)
        handle = await it.start(plan)
        await accepted(handle)
        run = production_run(it.control, datetime.now(UTC), True)
        assert (await it.assign(run)).cell is not None
        bold = await it.store.find_agent("bold")
        assert bold is not None
        await it.store.delete_agent(bold.agent_id, revision=bold.revision, author="carol", reason="unsafe")
        assert (await it.assign(replace(run, issue="2"))).cell is None
        second = await it.start(replace(plan, name="second", candidate=await add_agent(it.store, "new", "x")))
        await accepted(second)
        assert (await it.assign(replace(run, issue="3"))).test == "second"
        await second.signal("run_ended")
        await it.until(second, lambda view: view.trials_running == 1)  # which goes on: nobody waits for it
        await second.cancel()
        with pytest.raises(WorkflowFailureError):
            await second.result()
        assert (await it.assign(replace(run, issue="4"))).cell is None


class FlickeringStore(MemoryStore):
    """Every write is done, and its answer is lost the first time: as when a worker dies, or a connection."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def _lose(self, key: str) -> None:
        if key not in self._seen:
            self._seen.add(key)
            raise StoreUnavailable("the connection broke")

    async def create_test(
        self,
        test_id: ABTestId,
        plan: ABTestPlan,
        looks: tuple[LookPlan, ...],
        assignments: tuple[Assignment, ...],
    ) -> None:
        await super().create_test(test_id, plan, looks, assignments)
        self._lose("create")

    async def record_run(self, run: RunMetrics) -> None:
        await super().record_run(run)
        self._lose(str(run.cell))

    async def record_look(self, test_id: ABTestId, look: Look) -> None:
        await super().record_look(test_id, look)
        self._lose(f"look {look.number}")

    async def save_result(self, result: ABTestResult) -> None:
        await super().save_result(result)
        self._lose(f"{result.state} {result.verdict is None}")

    async def activate(
        self, agent_id: AgentId, number: int, *, author: str, reason: str, revision: int
    ) -> Agent:
        agent = await super().activate(agent_id, number, author=author, reason=reason, revision=revision)
        if author == "alice":
            self._lose("activate")
        return agent


@pytest.mark.slow
async def test_answers_of_the_store_that_are_lost_repeat_nothing(client: Client, tmp_path: Path) -> None:
    store = FlickeringStore()
    async with awaiting(client, tmp_path, store) as (it, handle):
        assert await it.say(handle, "approve", ABAnswer("alice")) == "approved: plain@2 is active"
        result = await handle.result()
        cells = [run.cell for run in await store.cell_runs(result.test_id)]
        agent = await store.find_agent("plain")
        assert agent is not None
    assert len(cells) == len(set(cells)) == 24
    assert (agent.latest, agent.active) == (2, 2)
    for kind in ("started", "look", "applied", "completed"):
        assert len(await it.events(f"abtest.{kind}")) == 1, kind


async def test_an_id_is_one_plan_and_one_test(client: Client, tmp_path: Path) -> None:
    async with lab(client, tmp_path, tasks=6) as it:
        handle = await it.start(it.plan(looks=1))
        test_id = (await handle.result()).test_id
        runs = len(await it.store.cell_runs(test_id))
        for plan, words in ((it.plan(looks=1), "is over"), (it.plan(looks=2), "another plan")):
            with pytest.raises(WorkflowFailureError) as caught:
                await (await it.start(plan, test_id=test_id)).result()
            assert words in str(caught.value.cause)
        assert len(await it.store.cell_runs(test_id)) == runs


@pytest.mark.parametrize(("unpriced", "charged"), [(0, "0.75"), (1, "3")])
def test_calls_of_unknown_price_use_a_budget_up(unpriced: int, charged: str) -> None:
    result = TrialResult(
        "r", True, Decimal("0.5"), 1000, grading_usd=Decimal("0.25"), unpriced_calls=unpriced
    )
    assert result.charge(Decimal(3)) == Decimal(charged)


async def accepted(handle: Handle) -> ABAccepted:
    return await handle.execute_update("accepted", result_type=ABAccepted)  # pyright: ignore[reportUnknownMemberType] - untyped overload


def test_notes_do_not_grow_without_end() -> None:
    progress = ABProgress()
    for number in range(10_000):
        progress.add_note(f"a trial of task-{number} left no measurements")
    assert len(progress.notes) == MOST_NOTES
    assert "task-9999 " in progress.notes[-1]
