"""Waiting for checks: polled rarely, woken at once, a red one shown to a person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

from temporalio.client import Client

from tamma.model.repository import Check, CheckState
from tamma.model.task import Gate, Phase, TaskStatus
from tamma.platforms.memory.platform import MemoryPlatform
from tests.support.loop import QUICK, REPO, Loop, git, running_loop

RARELY = replace(QUICK, poll=600, checks_grace=600)


async def forge(loop: Loop) -> MemoryPlatform:
    return cast("MemoryPlatform", await loop.parts.platforms.get("memory"))


async def test_an_event_of_the_platform_ends_a_long_wait_at_once(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path, checks="pending") as loop:
        handle = await loop.submit(limits=RARELY)
        seen = await loop.until(handle, lambda view: view.phase is Phase.CHECKS and view.pull_request)
        sha = git(loop.remote, "rev-parse", seen.branch)
        await (await forge(loop)).set_checks(REPO, sha, (Check("ci", CheckState.SUCCESS),))
        await handle.signal("platform_event")
        # Without the event the next look would come after ten minutes.
        assert (await handle.result()).status is TaskStatus.COMPLETED


async def test_a_red_check_waits_for_a_person(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path, checks="failure") as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.CHECKS
        assert loop.effects("merge_pr") == 0
