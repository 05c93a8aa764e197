"""A person has the agent end where it is: it does, and what there is by then is judged as ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError

from tamma.model.task import ApprovePolicy, Control, Gate, TaskStatus, TaskView
from tests.support.histories import replay_and_keep
from tests.support.loop import FIX_TURNS, RED_TURNS, Handle, Loop, call, running_loop, script, tell, turn
from workflows.autonomous_dev import AutonomousDev

LOOKS = [turn(call("bash", command=f"sleep 0.2; echo {number}")) for number in range(60)]
"""An agent that goes on and on, whatever it is told."""


GOOD_ENOUGH = Control("ada", "good enough")


async def after(loop: Loop, handle: Handle, text: str) -> None:
    """Wait until the workspace has the text, and a session is at work in it."""

    def there(view: TaskView) -> Any:
        trees = (loop.folder / "workspaces").glob("*/tree/calc.py")
        return view.session_workflow and any(text in file.read_text() for file in trees)

    await loop.until(handle, there)


async def test_what_is_done_by_then_is_judged_and_merged(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path, turns=script(agent=[*RED_TURNS, FIX_TURNS[0], *LOOKS])) as loop:
        handle = await loop.submit()
        await after(loop, handle, "/ len(values)")
        assert "tests, gates and the review judge that" in await tell(handle, "finish", GOOD_ENOUGH)
        assert (await handle.result()).status is TaskStatus.COMPLETED
        seen = await loop.view(handle)
        assert "ada had the agent end this stage: good enough" in seen.notes
        assert seen.spend.turns < len(RED_TURNS) + len(LOOKS)
        assert "/ len(values)" in loop.show("main:calc.py")
        await replay_and_keep({"run": await handle.fetch_history()}, [AutonomousDev])


@pytest.mark.slow
async def test_where_it_is_red_by_then_a_person_is_asked_at_once(client: Client, tmp_path: Path) -> None:
    half = turn(call("str_replace", path="calc.py", old="(len(values) + 1)", new="(len(values) + 2)"))
    async with running_loop(client, tmp_path, turns=script(agent=[*RED_TURNS, half, *LOOKS])) as loop:
        handle = await loop.submit()
        await after(loop, handle, "+ 2")
        await handle.signal("finish")
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.TESTS
        assert "as the agent was told to end" in seen.waiting_for.reason
        assert "somebody had the agent end this stage" in seen.notes


async def test_where_no_agent_works_it_is_refused(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await loop.submit(approve=ApprovePolicy.PLAN)
        await loop.until(handle, lambda view: view.waiting_for)
        with pytest.raises(WorkflowUpdateFailedError) as caught:
            await tell(handle, "finish", GOOD_ENOUGH)
        assert "no agent is at work: the run is in phase 'approve-plan'" in str(caught.value.cause)
        await handle.signal("finish")
        await loop.until(handle, lambda view: "a signal `finish` was ignored" in str(view.notes))
