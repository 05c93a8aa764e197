"""A session that somebody terminates: the next one goes on from its work."""

from __future__ import annotations

from pathlib import Path

from temporalio.client import Client

from tamma.model.task import Control, Gate, TaskStatus
from tests.support.loop import FIX_TURNS, RED_TURNS, call, running_loop, script, turn

# The second of these hangs, until its session is terminated. The next session has a transcript of its own, so
# that the script begins anew: with the red test, which is no fix, and then with these.
FIRST = "if [ -e kept.txt ]; then echo third >> kept.txt; else echo first > kept.txt; fi"
SECOND = "[ -e once ] || { touch once; echo second >> kept.txt; sleep 300; }"
TURNS = [turn(call("bash", command=FIRST)), turn(call("bash", command=SECOND, timeout=400))]


async def test_what_it_did_stays(client: Client, tmp_path: Path) -> None:
    turns = script(agent=[*RED_TURNS, *TURNS, *FIX_TURNS])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        trees = tmp_path / "workspaces"
        seen = await loop.until(handle, lambda _: list(trees.glob("*/tree/once")))
        await client.get_workflow_handle(seen.session_workflow).terminate("somebody was tired of it")
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.STUCK
        await handle.execute_update("resume", Control(by="ada"))  # pyright: ignore[reportUnknownMemberType]
        result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert loop.show("main:kept.txt").split() == ["first", "second", "third"]
