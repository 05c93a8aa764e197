"""A run that is cancelled after its change was delivered leaves what it did since on the branch, too."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.model.task import Control, Gate, TaskStatus, TaskView
from tests.support.loop import FIX_TURNS, RED_TURNS, Loop, call, git, running_loop, script, turn
from tests.workflows.test_mending_checks import PATIENT, robot, wants_two

BEFORE = 9
"""Model calls of a run until its change is delivered: a plan, four for the test, three, a review."""
MENDS = [turn(call("bash", command="echo 1 > extra.txt")), turn(call("finish", summary="wrote 1"))]
LOOKS = [turn(call("bash", command="ls")), turn(call("finish", summary="looked"))]


async def cancelled_while_it_mends(loop: Loop, *, meanwhile: str = "") -> tuple[TaskView, TaskStatus]:
    """A run that waits for turns in the session that mends red checks, and is cancelled there."""
    handle = await loop.submit(limits=replace(PATIENT, max_turns=BEFORE + 1))
    seen = await loop.until(handle, lambda view: view.waiting_for and view.waiting_for.gate is Gate.TURNS)
    if meanwhile:
        git(loop.remote, "update-ref", f"refs/heads/{seen.branch}", meanwhile)
    await handle.signal("cancel", Control(by="ada", reason="enough"))
    async with asyncio.timeout(120):
        result = await handle.result()
    return await loop.view(handle), result.status


async def test_what_was_mended_since_the_last_push_is_on_the_branch(client: Client, tmp_path: Path) -> None:
    turns = script(agent=[*RED_TURNS, *FIX_TURNS, *MENDS])
    async with running_loop(client, tmp_path, turns=turns) as loop, robot(loop, wants_two):
        view, status = await cancelled_while_it_mends(loop)
        assert status is TaskStatus.CANCELLED
        assert loop.show(f"{view.branch}:extra.txt") == "1"
        assert f"the unfinished work is on the branch {view.branch}" in view.notes
        told = git(loop.remote, "log", "--format=%s", f"main..{view.branch}").splitlines()
        assert len(told) == 2, "on top of what was delivered, not in its place"
        assert told[0].startswith("Unfinished: ")
        assert loop.effects("merge_pr") == 0


@pytest.mark.slow
async def test_nothing_is_pushed_where_nothing_is_new(client: Client, tmp_path: Path) -> None:
    turns = script(agent=[*RED_TURNS, *FIX_TURNS, *LOOKS])
    async with running_loop(client, tmp_path, turns=turns) as loop, robot(loop, wants_two):
        view, _ = await cancelled_while_it_mends(loop)
        assert git(loop.remote, "rev-list", "--count", f"main..{view.branch}") == "1"
        assert not any("unfinished" in note for note in view.notes)


@pytest.mark.slow
async def test_what_somebody_else_has_pushed_stays(client: Client, tmp_path: Path) -> None:
    turns = script(agent=[*RED_TURNS, *FIX_TURNS, *MENDS])
    async with running_loop(client, tmp_path, turns=turns) as loop, robot(loop, wants_two):
        theirs = git(loop.remote, "rev-parse", "main")
        view, _ = await cancelled_while_it_mends(loop, meanwhile=theirs)
        assert git(loop.remote, "rev-parse", view.branch) == theirs
        assert any("could not be published" in note for note in view.notes)
