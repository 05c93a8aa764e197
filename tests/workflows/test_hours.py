"""A run works for so many hours and no longer, without being asked; what it waits for does not count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.model.task import BudgetChange, Gate, TaskStatus
from tests.support.histories import replay_and_keep
from tests.support.loop import FIX_TURNS, QUICK, RED_TURNS, Handle, Loop, running_loop, script, tell
from workflows.autonomous_dev import AutonomousDev
from workflows.measuring import Stopwatch, hours_worked

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_what_is_waited_for_is_no_work() -> None:
    watch = Stopwatch()
    watch.turn(True, NOON + timedelta(hours=1))
    watch.turn(False, NOON + timedelta(hours=49))
    assert hours_worked(NOON, watch, NOON + timedelta(hours=50)) == 2
    watch.turn(True, NOON + timedelta(hours=50))
    assert hours_worked(NOON, watch, NOON + timedelta(days=30)) == 2


MORE = BudgetChange(add_hours=1, by="ada")


async def out_of_time(loop: Loop, handle: Handle) -> None:
    seen = await loop.until(handle, lambda view: view.waiting_for)
    assert seen.waiting_for is not None
    assert (seen.waiting_for.gate, seen.status) == (Gate.TIME, TaskStatus.PAUSED)
    assert "tamma budget add TASK --hours 4" in seen.waiting_for.hint


async def test_out_of_time_it_waits_and_more_lets_it_go_on(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await loop.submit(limits=replace(QUICK, max_hours=1e-9))
        await out_of_time(loop, handle)
        assert "hours of work" in await tell(handle, "add_budget", MORE)
        assert (await handle.result()).status is TaskStatus.COMPLETED
        await replay_and_keep({"run": await handle.fetch_history()}, [AutonomousDev])


@pytest.mark.slow
async def test_an_agent_that_is_at_work_is_stopped_before_its_next_call(
    client: Client, tmp_path: Path
) -> None:
    slow = [{**RED_TURNS[0], "delay_ms": 6000}, *RED_TURNS[1:], *FIX_TURNS]
    async with running_loop(client, tmp_path, turns=script(agent=slow)) as loop:
        handle = await loop.submit(limits=replace(QUICK, max_hours=5 / 3600))
        await out_of_time(loop, handle)
        await tell(handle, "add_budget", MORE)
        assert (await handle.result()).status is TaskStatus.COMPLETED


async def test_nought_is_as_long_as_it_takes(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await loop.submit(limits=replace(QUICK, max_hours=0))
        assert (await handle.result()).status is TaskStatus.COMPLETED
