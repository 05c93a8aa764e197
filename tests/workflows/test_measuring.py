"""Every run is measured, however it ends; and measuring it changes nothing of its end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle

from tamma.errors import StoreError, StoreUnavailable
from tamma.model.metrics import RunMetrics
from tamma.model.session import SessionProgress
from tamma.model.task import ApprovePolicy, Control, Gate, Reply, TaskStatus, Waiting
from tamma.store.memory import MemoryStore
from tests.support.loop import QUICK, Handle, call, running_loop, script, turn
from workflows.measuring import Stopwatch, why_cancelled

ISSUES = {"acme/calc": dict.fromkeys("123", "# Docs: say what mean() does\n\nIt is not said.")}
USAGE = {"input_total": 1000, "output_total": 100}


class Troubled(MemoryStore):
    """Away for the first attempts, or refusing for good."""

    def __init__(self, *errors: StoreError) -> None:
        super().__init__()
        self.errors = list(errors)
        self.attempts = 0

    async def record_run(self, run: RunMetrics) -> None:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)
        await super().record_run(run)


async def cancel(handle: Handle) -> None:
    await handle.execute_update("cancel", Control(), result_type=Reply)  # pyright: ignore[reportUnknownMemberType] - an overload of the SDK


async def test_a_cancelled_session_keeps_what_it_spent(client: Client, tmp_path: Path) -> None:
    slow = [turn(call("view", path="calc.py"), usage=USAGE), turn(text="hm", delay_ms=60_000)]
    async with running_loop(client, tmp_path, turns=script(agent=slow)) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.session_workflow)
        await until_it_asks_again(client.get_workflow_handle(seen.session_workflow))
        await cancel(handle)
        result = await handle.result()
        run = (await loop.view(handle)).measured
    assert result.status is TaskStatus.CANCELLED
    assert run is not None
    assert (run.success, run.error_type) == (False, "cancelled")
    assert [(step.step, step.error_type) for step in run.steps] == [("plan", ""), ("test", "cancelled")]
    assert run.steps[1].turns == 1
    assert run.input_tokens == result.spend.input_tokens >= 1000
    assert run.quality is None


async def test_a_store_that_is_away_is_waited_for(client: Client, tmp_path: Path) -> None:
    store = Troubled(StoreUnavailable("away"), StoreUnavailable("away"))
    async with running_loop(client, tmp_path, store=store) as loop:
        handle = await loop.submit()
        result = await handle.result()
    assert result.status is TaskStatus.COMPLETED
    assert store.attempts == 3
    assert await store.latest_run() is not None


async def test_measuring_that_fails_for_good_changes_no_outcome(client: Client, tmp_path: Path) -> None:
    store = Troubled(StoreError("it refuses the statement"))
    async with running_loop(client, tmp_path, store=store) as loop:
        handle = await loop.submit()
        result = await handle.result()
        notes = (await loop.view(handle)).notes
    assert result.status is TaskStatus.COMPLETED
    assert "what was measured could not be kept: it refuses the statement" in notes


async def test_where_nobody_answers_a_gate_ends_the_run(client: Client, tmp_path: Path) -> None:
    talk = [turn(text="let me think")] * 8
    async with running_loop(client, tmp_path, turns=script(agent=talk), issues=ISSUES) as loop:
        gated = await loop.submit("1", approve=ApprovePolicy.PLAN, unattended=0.0)
        stuck = await loop.submit("2", unattended=0.0)
        poor = await loop.submit("3", unattended=0.0, limits=replace(QUICK, budget_usd=Decimal(0)))
        ends = {
            name: ((await handle.result()).status, (await loop.view(handle)).measured)
            for name, handle in (("plan", gated), ("stuck", stuck), ("budget", poor))
        }
    assert {status for status, _ in ends.values()} == {TaskStatus.CANCELLED}
    for gate, (_, run) in ends.items():
        assert run is not None
        assert run.error_type == Gate(gate).value
        assert run.task_type == "documentation"
    stuck_run = ends["stuck"][1]
    assert stuck_run is not None
    assert stuck_run.steps[-1].error_type == "stuck"


async def test_an_issue_that_is_not_there_is_not_measured(client: Client, tmp_path: Path) -> None:
    store = MemoryStore()
    async with running_loop(client, tmp_path, store=store) as loop:
        handle = await loop.submit("99")
        await loop.until(handle, lambda view: view.status is TaskStatus.FAILED)
    assert await store.latest_run() is None


async def until_it_asks_again(session: WorkflowHandle[Any, Any]) -> None:
    """Until the session has had one turn and waits for the model's next."""
    async with asyncio.timeout(120):
        while True:
            progress = await session.query("progress", result_type=SessionProgress)
            if progress.spend.turns and progress.doing == "model":
                return
            await asyncio.sleep(0.05)


NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)


def test_waiting_is_counted_apart_however_often_it_is_told() -> None:
    watch = Stopwatch()
    for seconds, waits in ((10, True), (15, True), (20, False), (20, False), (50, True)):
        watch.turn(waits, NOON + timedelta(seconds=seconds))
    assert watch.waited(NOON + timedelta(seconds=60)) == timedelta(seconds=20)


@pytest.mark.parametrize(
    ("waiting", "error_type"),
    [
        (None, "cancelled"),
        (Waiting(Gate.PAUSED, "", ""), "cancelled"),
        (Waiting(Gate.OUTAGE, "", "", person=False), "cancelled"),
        (Waiting(Gate.BUDGET, "", ""), "budget"),
        (Waiting(Gate.TESTS, "", ""), "tests"),
    ],
)
def test_whoever_ends_a_run_at_a_gate_ends_it_for_that(waiting: Waiting | None, error_type: str) -> None:
    assert why_cancelled(waiting) == error_type
