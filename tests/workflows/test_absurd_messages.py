"""Anyone who may talk to Temporal may say anything: a run answers, or ignores it, and goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError

from tamma.model.task import BudgetChange, Gate, Limits, TaskStatus
from tests.support.loop import Handle, running_loop

ABSURD: tuple[tuple[object, ...], ...] = (
    (),
    (None,),
    ({},),
    ("x",),
    (5,),
    ([],),
    ({}, {}),
    ({"waiting": {"gate": "nowhere"}},),
    ({"gate": "nowhere", "decision": "approve"},),
    ({"gate": "turns", "decision": "approve", "text": "x" * 200_000},),
    ({"order": "nonsense"},),
    ({"order": "budget", "add_usd": "-1000", "add_turns": -1000},),
    ({"order": "budget", "add_usd": "9E+999999"},),
    ({"order": "steer", "text": "x" * 200_000},),
    ({"text": "x" * 200_000},),
    *(({"add_usd": value},) for value in ("NaN", "sNaN", "Infinity", "-1", "9E+999999", "many", None)),
    *(({"add_turns": value},) for value in (-1, 10**40, "many", None)),
)
MESSAGES = ("approve", "answer", "steer", "add_budget", "resume", "session_news", "platform_event", "no_such")


async def ask(handle: Handle, name: str, *arguments: object) -> None:
    await handle.execute_update(name, args=arguments)  # pyright: ignore[reportUnknownMemberType] - an overload of the SDK


async def failed_tasks(handle: WorkflowHandle[Any, Any]) -> list[str]:
    return [
        event.workflow_task_failed_event_attributes.failure.message
        async for event in handle.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    ]


async def test_absurd_messages_do_not_stop_a_run(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await loop.submit(
            limits=Limits(max_turns=3, worker_lost_after=10, checks_grace=0.1, poll=0.1)
        )
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.TURNS
        session: Handle = client.get_workflow_handle(seen.session_workflow)
        for arguments in ABSURD:
            for name in MESSAGES:
                await handle.signal(name, args=arguments)
            await session.signal("message", args=arguments)
            for name in ("approve", "steer", "add_budget"):
                with pytest.raises(WorkflowUpdateFailedError):
                    await ask(handle, name, *arguments)
        seen = await loop.view(handle)
        assert (seen.limits.max_turns, seen.limits.budget_usd) == (3, Limits().budget_usd)
        # As the Web UI sends them: without a payload.
        await handle.signal("pause")
        await ask(handle, "resume")
        await ask(handle, "add_budget", BudgetChange(add_turns=50))
        await handle.signal("resume")
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert await failed_tasks(handle) == []
        assert await failed_tasks(session) == []
