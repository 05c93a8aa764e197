"""Benchmarks of rehearsals: all cells once, whatever dies; budgets, pauses, stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle

from tamma.model.bench import (
    BENCH_WORKFLOW,
    BenchArm,
    BenchId,
    BenchRequest,
    BenchState,
    BenchView,
    bench_cell,
    bench_workflow_id,
)
from tamma.model.ids import uuid7
from tamma.model.task import TASK_QUEUE
from tamma.providers.interface import ProviderSettings
from tamma.store.memory import MemoryStore
from tamma.suites.content import ref_of
from tamma.suites.rehearsal import rehearsal_suite
from tests.support.loop import running_loop
from tests.support.trials import stored_agent

Handle = WorkflowHandle[Any, BenchView]


def rehearser(name: str, success: float, cost: float = 0.1) -> ProviderSettings:
    """A provider entry whose outcomes are drawn."""
    return ProviderSettings(
        name, "scripted", options={"rehearsal": {"success": success, "costUsd": cost, "seconds": 30}}
    )


GOOD, POOR = rehearser("good", 0.9), rehearser("poor", 0.3)


async def begin(client: Client, store: MemoryStore, tasks: int, **changes: Any) -> Handle:
    """Start a benchmark of the two agents on so many rehearsals."""
    suite = rehearsal_suite("rehearsal", tasks)
    await store.put_suite(suite)
    pins = [await stored_agent(store, name) for name in ("good", "poor")]
    arms = tuple(BenchArm(f"{pin.name}@{pin.version}", pin) for pin in pins)
    request = BenchRequest(BenchId(uuid7()), ref_of(suite), arms, **changes)
    return await client.start_workflow(
        BENCH_WORKFLOW,
        request,
        id=bench_workflow_id(request.bench_id),
        task_queue=TASK_QUEUE,
        result_type=BenchView,
    )


async def until(handle: Handle, condition: Callable[[BenchView], bool]) -> BenchView:
    """The first progress that satisfies the condition."""
    async with asyncio.timeout(120):
        while True:
            seen = await handle.query("progress", result_type=BenchView)
            if condition(seen):
                return seen
            await asyncio.sleep(0.02)


async def test_every_cell_is_tried_once_and_the_better_agent_wins(client: Client, tmp_path: Path) -> None:
    store = MemoryStore()
    async with running_loop(client, tmp_path, store=store, accounts=(GOOD, POOR)):
        handle = await begin(client, store, 10, repeats=2, concurrency=8)
        view = await handle.result()
    bench = view.request.bench_id
    assert view.state is BenchState.COMPLETED
    runs = await store.cell_runs(bench)
    assert len({run.cell for run in runs}) == len(runs) == 40 == view.request.tally.ended
    solved = Counter(run.cell.arm for run in runs if run.cell and run.success)
    assert solved["good@1"] > solved["poor@1"]
    assert view.request.tally.solved == solved.total()
    assert view.request.tally.spent_usd == sum(run.cost_usd for run in runs)
    kept = await store.find_bench(bench)
    assert kept is not None
    assert (kept.state, kept.request.tally.ended) == (BenchState.COMPLETED, 40)


async def test_a_budget_is_never_passed_and_says_so(client: Client, tmp_path: Path) -> None:
    store = MemoryStore()
    async with running_loop(client, tmp_path, store=store, accounts=(GOOD, POOR)):
        handle = await begin(client, store, 50, concurrency=1, budget_usd=Decimal("1.00"))
        view = await handle.result()
    assert view.state is BenchState.BUDGET
    assert "USD are spent" in view.reason
    assert 0 < view.request.tally.ended < 100
    last = (await store.cell_runs(view.request.bench_id))[-1].cost_usd
    assert view.request.tally.spent_usd - last < 1


async def test_pause_resume_and_stop(client: Client, tmp_path: Path) -> None:
    store = MemoryStore()
    async with running_loop(client, tmp_path, store=store, accounts=(GOOD, POOR)):
        handle = await begin(client, store, 400, concurrency=2)
        await until(handle, lambda view: view.request.tally.ended > 2)
        await handle.signal("pause")
        paused = await until(handle, lambda view: view.state is BenchState.PAUSED and not view.running)
        assert (await until(handle, lambda _: True)).request.tally == paused.request.tally
        await handle.signal("resume")
        await until(handle, lambda view: view.request.tally.ended > paused.request.tally.ended)
        await handle.signal("stop")
        view = await handle.result()
    assert view.state is BenchState.STOPPED
    assert view.request.tally.ended < 800
    assert len(await store.cell_runs(view.request.bench_id)) == view.request.tally.ended


@pytest.mark.slow
async def test_a_worker_that_goes_and_comes_loses_and_repeats_nothing(client: Client, tmp_path: Path) -> None:
    store = MemoryStore()
    accounts = (GOOD, POOR)
    async with running_loop(client, tmp_path / "one", store=store, accounts=accounts):
        handle = await begin(client, store, 60, concurrency=4)
        await until(handle, lambda view: view.request.tally.ended > 5)
    async with running_loop(client, tmp_path / "two", store=store, accounts=accounts):
        view = await handle.result()
    assert view.state is BenchState.COMPLETED
    assert len(await store.cell_runs(view.request.bench_id)) == 120 == view.request.tally.ended
    assert view.request.tally.lost == 0


@pytest.mark.slow
async def test_a_long_benchmark_continues_as_new(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamma.model.bench.MOST_EVENTS", 200)
    store = MemoryStore()
    async with running_loop(client, tmp_path, store=store, accounts=(GOOD, POOR)):
        handle = await begin(client, store, 40, concurrency=4)
        view = await handle.result()
        first = await client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id).describe()
    assert view.state is BenchState.COMPLETED
    assert len(await store.cell_runs(view.request.bench_id)) == 80 == view.request.tally.ended
    assert first.history_length < 400


async def test_a_refusing_provider_ends_it_early(client: Client, tmp_path: Path) -> None:
    from tests.support.trials import Bench, actor

    refusing = actor("good", plan=[{"error": {"type": "AuthFailed"}, "text": ""}])
    store = MemoryStore()
    async with running_loop(client, tmp_path, store=store, accounts=(refusing,)) as loop:
        bench = await Bench.of(loop)
        pin = await stored_agent(store, "good")
        request = BenchRequest(
            BenchId(uuid7()), ref_of(bench.suite), (BenchArm("good@1", pin),), repeats=20, concurrency=1
        )
        handle = await client.start_workflow(
            BENCH_WORKFLOW, request, id=bench_workflow_id(request.bench_id), task_queue=TASK_QUEUE,
            result_type=BenchView,
        )  # fmt: skip
        view = await handle.result()
    assert view.state is BenchState.REFUSED
    assert view.request.tally.ended == 3


def test_cells_are_numbered_task_by_task_and_every_arm_goes_first_equally_often() -> None:
    cells = [bench_cell(number, 3, 2) for number in range(9 * 6)]
    assert len(set(cells)) == 9 * 6
    assert [unit for unit, _, _ in cells] == sorted(unit for unit, _, _ in cells)
    firsts = Counter(cells[start][1] for start in range(0, 54, 3))
    assert firsts == {0: 6, 1: 6, 2: 6}
