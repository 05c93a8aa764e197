"""A worker that holds as many workspaces as it may lets other runs wait, and takes back what nobody needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.model.task import Approval, ApprovePolicy, Gate, Phase, TaskStatus, TaskView
from tests.support.loop import ISSUE, Handle, Loop, running_loop


def waits_for_room(view: TaskView) -> bool:
    waiting = view.waiting_for
    return waiting is not None and "waits for a free workspace: this worker holds 1 of 1" in waiting.reason


async def refused_twice(handle: Handle) -> None:
    """Wait until it was told for the second time that there is no room."""
    refusals = 0
    async for event in handle.fetch_history_events(wait_new_event=True):
        refusals += event.HasField("activity_task_failed_event_attributes")
        if refusals == 2:
            return


async def two_runs(loop: Loop) -> tuple[Handle, Handle]:
    """One that holds the workspace and waits for a person, and one that waits for a workspace."""
    first = await loop.submit("1", approve=ApprovePolicy.PLAN)
    await loop.until(first, lambda view: view.phase is Phase.APPROVE_PLAN and view.waiting_for)
    second = await loop.submit("2", merge="never")
    seen = await loop.until(second, waits_for_room)
    assert seen.waiting_for is not None
    assert (seen.phase, seen.waiting_for.gate, seen.waiting_for.person) == (
        Phase.CONTEXT,
        Gate.OUTAGE,
        False,
    )
    return first, second


@pytest.mark.slow
async def test_a_run_waits_until_another_one_has_ended(client: Client, tmp_path: Path) -> None:
    issues = {"acme/calc": {"1": ISSUE, "2": ISSUE}}
    async with running_loop(client, tmp_path, max_workspaces=1, issues=issues) as loop:
        first, second = await two_runs(loop)
        await first.execute_update("approve", Approval(Gate.PLAN, "reject", by="ada"))  # pyright: ignore[reportUnknownMemberType]
        assert (await first.result()).status is TaskStatus.CANCELLED
        await second.signal("resume")
        assert (await second.result()).status is TaskStatus.COMPLETED


async def test_what_a_run_left_that_is_gone_is_taken_back(client: Client, tmp_path: Path) -> None:
    issues = {"acme/calc": {"1": ISSUE, "2": ISSUE}}
    async with running_loop(client, tmp_path, max_workspaces=1, issues=issues) as loop:
        first, second = await two_runs(loop)
        (held,) = await loop.parts.workspaces.held()
        await second.signal("resume")
        await refused_twice(second)
        await loop.until(second, waits_for_room)
        assert await loop.parts.workspaces.held() == (held,), "its run goes on: it stays, however old it is"
        await first.terminate("its worker could not say goodbye")
        await second.signal("resume")
        await loop.until(second, lambda view: view.sandbox_tier)
        assert [each.id for each in await loop.parts.workspaces.held()] != [held.id]
