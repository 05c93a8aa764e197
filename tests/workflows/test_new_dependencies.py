"""Models that make the project depend on more: whole runs, with people who agree and people who do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tamma.model.task import Approval, Gate, Steer, TaskStatus
from tests.support.loop import (
    FILES,
    FIX_TURNS,
    RED_TURNS,
    REPO,
    call,
    git,
    running_loop,
    script,
    tell,
    turn,
)

MANIFEST = "requirements.txt"
SHORT = [RED_TURNS[1], RED_TURNS[-1]]
SOLVED = [FIX_TURNS[0], FIX_TURNS[-1]]
ADD = turn(call("bash", command=f"echo 'numpy>=2' >> {MANIFEST}"))
MISSPELT = turn(call("bash", command=f"echo 'nunpy>=2' >> {MANIFEST}"))
UNDO = [turn(call("bash", command=f"rm {MANIFEST}")), turn(call("finish", summary="without it"))]
ASKS = "`numpy` >=2 is a new dependency (PyPI)"


async def test_a_new_dependency_comes_in_only_when_a_person_agrees(client: Client, tmp_path: Path) -> None:
    turns = script(agent=[*SHORT, ADD, *SOLVED])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.waiting_for, seconds=110)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.CHANGE
        assert seen.waiting_for.reason == f"the change brings in: {MANIFEST}: {ASKS} (line 1)"
        assert loop.effects("ensure_pr") == 0
        await tell(handle, "approve", Approval(Gate.CHANGE, "approve", by="ada"))
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert loop.show(f"main:{MANIFEST}") == "numpy>=2"
        number = (await loop.view(handle)).pull_request
        pull = await (await loop.parts.platforms.get("memory")).get_pr(REPO, number)
        assert f"## Dependencies\n\n- {MANIFEST}: {ASKS}" in pull.body


@pytest.mark.slow
async def test_a_person_who_does_not_agree_ends_the_run(client: Client, tmp_path: Path) -> None:
    turns = script(agent=[*SHORT, ADD, *SOLVED])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        await loop.until(handle, lambda view: view.waiting_for, seconds=110)
        await tell(handle, "approve", Approval(Gate.CHANGE, "reject", by="ada", text="we have enough"))
        result = await handle.result()
        assert result.status is TaskStatus.CANCELLED
        assert "ada rejected it: we have enough" in result.summary
        assert MANIFEST not in git(loop.remote, "ls-tree", "-r", "--name-only", "main")


@pytest.mark.slow
async def test_a_person_may_have_it_done_without(client: Client, tmp_path: Path) -> None:
    turns = script(agent=[*SHORT, ADD, *SOLVED, *UNDO])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        await loop.until(handle, lambda view: view.waiting_for, seconds=110)
        await tell(handle, "steer", Steer("do without numpy"))
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert MANIFEST not in git(loop.remote, "ls-tree", "-r", "--name-only", "main")


@pytest.mark.slow
async def test_a_name_that_looks_like_another_is_asked_about_whatever_the_policy(
    client: Client, tmp_path: Path
) -> None:
    turns = script(agent=[*SHORT, MISSPELT, *SOLVED])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit(new_dependencies="allow")
        seen = await loop.until(handle, lambda view: view.waiting_for or view.status.final, seconds=110)
        assert seen.waiting_for is not None
        assert "CAREFUL: `nunpy` >=2 is a new dependency (PyPI): its name is close to that of `numpy`" in (
            seen.waiting_for.reason
        )


@pytest.mark.slow
async def test_a_repository_may_refuse_them(client: Client, tmp_path: Path) -> None:
    files = {**FILES, ".tamma.json": '{"policy": {"newDependencies": "refuse"}}'}
    turns: dict[str, Any] = script(agent=[*SHORT, ADD, *SOLVED, *UNDO])
    async with running_loop(client, tmp_path, turns=turns, files=files) as loop:
        handle = await loop.submit(new_dependencies="allow")
        seen = await loop.until(handle, lambda view: view.waiting_for or view.status.final, seconds=110)
        assert seen.waiting_for is None, seen.waiting_for
        assert MANIFEST not in git(loop.remote, "ls-tree", "-r", "--name-only", "main")
        assert seen.session_id is not None
        entries = await loop.parts.store.read_entries(seen.session_id)
        told = "\n".join(getattr(part, "text", "") for entry in entries for part in entry.message.parts)
        assert f"- {MANIFEST}: {ASKS} (line 1); new dependencies are refused here: do without" in told
