"""What may happen to an A/B test or a benchmark from outside: it goes on, or it ends in words."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError

from tamma.model.bench import BENCH_WORKFLOW, BenchArm, BenchId, BenchRequest, BenchState, BenchView
from tamma.model.experiment import ABTestState
from tamma.model.ids import uuid7
from tamma.model.metrics import Cell, RunMetrics
from tamma.model.task import TASK_QUEUE
from tamma.model.trial import trial_id
from tamma.store.memory import MemoryStore
from tests.support.experiments import Lab, lab


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


async def bench_of(it: Lab) -> BenchRequest:
    return BenchRequest(BenchId(uuid7()), it.suite, (BenchArm("plain", it.control),), concurrency=3)


async def test_trials_that_somebody_ends_are_missing_and_hold_up_nothing(
    client: Client, tmp_path: Path
) -> None:
    store = HeldStore(2)
    async with lab(client, tmp_path, tasks=8, store=store) as it:
        handle = await it.start(it.plan(concurrency=3, looks=1))
        first, second = await store.held.get(), await store.held.get()
        await client.get_workflow_handle(trial_id(first)).cancel()
        await client.get_workflow_handle(trial_id(second)).terminate("somebody was tired of it")
        async with asyncio.timeout(60):
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
            async with asyncio.timeout(60):
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
        async with asyncio.timeout(60):
            while (await handle.query("progress", result_type=BenchView)).request.tally.ended < 7:
                await asyncio.sleep(0.05)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        kept = await store.find_bench(request.bench_id)
        assert (await second.describe()).status is WorkflowExecutionStatus.CANCELED
    assert kept is not None
    assert kept.state is BenchState.STOPPED
    assert (kept.request.tally.ended, kept.request.tally.lost) == (8, 2)
