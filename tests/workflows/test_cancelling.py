"""A cancellation that comes while an activity ends as if nothing had been said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle

from tamma.errors import StoreUnavailable
from tamma.model.experiment import Mode
from tamma.model.task import Control, TaskStatus
from tamma.model.verdict import ABTestState
from tamma.store.interface import AppendCondition, NewEvent
from tamma.store.memory import MemoryStore
from tests.support.experiments import lab, production_run
from tests.support.loop import running_loop

Tell = Callable[[], Awaitable[Any]]


class TellingStore(MemoryStore):
    """Does what it is given in `then` when an event of this kind comes, and only then keeps it."""

    def __init__(self, kind: str, *, fails: bool = False) -> None:
        super().__init__()
        self._kind = kind
        self._fails = fails
        self._told = False
        self.then: asyncio.Future[Tell] = asyncio.get_running_loop().create_future()

    async def append_events(
        self, events: tuple[NewEvent, ...], condition: AppendCondition | None = None
    ) -> int:
        if not self._told and any(event.type == self._kind for event in events):
            self._told = True
            await (await self.then)()
            if self._fails:
                raise StoreUnavailable("the connection broke")
        return await super().append_events(events, condition)


def until_asked(handle: WorkflowHandle[Any, Any], tell: Tell) -> Tell:
    """Tell it to end, and wait until the workflow has asked what is under way to stop."""

    async def told() -> None:
        await tell()
        while True:
            events = (await handle.fetch_history()).events
            if any(event.HasField("activity_task_cancel_requested_event_attributes") for event in events):
                return
            await asyncio.sleep(0.01)

    return told


@pytest.mark.parametrize("fails", [False, True], ids=["done", "failed"])
@pytest.mark.parametrize("kind", ["phase.plan", "phase.merge"])
async def test_a_run_goes_no_further(client: Client, tmp_path: Path, kind: str, *, fails: bool) -> None:
    store = TellingStore(kind, fails=fails)
    async with running_loop(client, tmp_path, store=store) as loop:
        handle = await loop.submit()
        given = Control(by="ada", reason="enough")
        store.then.set_result(until_asked(handle, lambda: handle.signal("cancel", given)))
        async with asyncio.timeout(120):
            result = await handle.result()
        assert result.status is TaskStatus.CANCELLED
        assert "enough" in result.summary
        kinds = [event.type for event in await store.read_events()]
        assert kinds[-1] == "task.cancelled"
        phases = [each for each in kinds if each.startswith("phase.")]
        assert phases[-1] == kind if not fails else kind not in phases
        assert loop.effects("merge") == 0


async def test_a_test_goes_no_further(client: Client, tmp_path: Path) -> None:
    store = TellingStore("abtest.started")
    async with lab(client, tmp_path, tasks=6, store=store) as it:
        handle = await it.start(
            it.plan(mode=Mode.LIVE, suite=None, repos=("memory:acme/*",), sample_size=60, looks=3)
        )
        store.then.set_result(until_asked(handle, handle.cancel))
        with pytest.raises(WorkflowFailureError):
            async with asyncio.timeout(120):
                await handle.result()
        assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
        (result,) = await store.list_results()
        assert result.state is ABTestState.STOPPED
        run = production_run(it.control, datetime.now(UTC), True)
        assert (await it.assign(run)).cell is None
