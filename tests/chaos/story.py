"""What happens to a run that is struck: the happy way, or one with red checks and a review."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from tamma.model.repository import CheckState, Comment, InlineComment, Review, ReviewEvent
from tamma.model.task import Limits
from tamma.platforms.interface import PlatformSettings
from tamma.platforms.memory.platform import MemoryPlatform
from tamma.pools import Platforms
from tests.support.crash import NOTE_COMMAND, QUICK, World, lanes, platform_options
from tests.support.loop import REPO, call, git, turn

Lanes = Mapping[str, Sequence[Mapping[str, Any]]]
MENDED = (
    turn(call("bash", command="echo '# mended' >> calc.py")),
    turn(call("finish", summary="mended what the checks said")),
)
REVIEWED = (
    turn(call("bash", command="echo '# reviewed' >> calc.py")),
    turn(call("finish", summary="did as asked", answers="1: done")),
)


@asynccontextmanager
async def nobody(world: World) -> AsyncGenerator[None]:
    """No CI, no people."""
    assert world.folder
    yield


@asynccontextmanager
async def robot_and_reviewer(world: World) -> AsyncGenerator[None]:
    """CI that is red on the first commit, and a review of the second one."""
    settings = PlatformSettings("memory", "memory", options=platform_options(world.folder, world.remote, {}))
    platforms = Platforms(lambda _: settings)
    forge = cast("MemoryPlatform", await platforms.get("memory"))
    task = asyncio.create_task(_live(world, forge))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))
        await platforms.close()
        if not task.cancelled() and (error := task.exception()):
            raise error


async def _live(world: World, forge: MemoryPlatform) -> None:
    seen: list[str] = []
    while True:
        heads = git(world.remote, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
        for branch, sha in (line.split() for line in heads.splitlines()):
            if branch != "main" and sha not in seen:
                seen.append(sha)
                if len(seen) == 2:
                    await _review(forge)
                await forge.start_run(REPO, "ci", branch, ("build",))
        for run in (await forge.list_runs(REPO)).items:
            if run.state is CheckState.PENDING:
                state = CheckState.FAILURE if run.sha == seen[0] else CheckState.SUCCESS
                await forge.finish_run(REPO, run.id, state, {"build": "E   it should say mended\n"})
        await asyncio.sleep(0.1)


async def _review(forge: MemoryPlatform) -> None:
    pull = "2"  # the issue is 1, and both count from one sequence
    said = Comment("c1", "ada", "say that it was reviewed", datetime.now(UTC), trusted=True)
    await forge.add_thread(REPO, pull, InlineComment("calc.py", 1, said.body), said)
    wants = Review("r1", "ada", ReviewEvent.REQUEST_CHANGES, "not yet", trusted=True)
    await forge.add_review(REPO, pull, wants)


@dataclass(frozen=True, slots=True)
class Story:
    """Who takes part, what the model says, how patient the run is."""

    lanes: Lanes
    limits: Limits = QUICK
    people: Callable[[World], AbstractAsyncContextManager[None]] = nobody


def happy(note: str = NOTE_COMMAND) -> Story:
    """From issue to merge without a word from anybody; `note` runs on the way."""
    return Story(lanes(note))


def reviewed() -> Story:
    """Red checks, run again, mended; then a review, heard and answered."""
    said = lanes()
    agent = (*said["agent"], *MENDED, *REVIEWED)
    return Story({**said, "agent": agent}, replace(QUICK, checks_grace=60), robot_and_reviewer)


STORIES: Mapping[str, Callable[[], Story]] = {"happy": happy, "reviewed": reviewed}
