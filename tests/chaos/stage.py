"""The servers that struck runs share, and one run on them from its beginning to its verdict."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.faults import Act, Fault
from tests.chaos.points import Point
from tests.chaos.results import Outcome
from tests.chaos.scene import Calm, Scene, calm_run, struck_run
from tests.chaos.story import Story, happy
from tests.support.crash import world
from tests.support.postgres import Server, binaries
from tests.support.processes import Temporal

FAILURE_SHOWN = 20_000
"""Characters of a failure in the results; its end, where the workers' logs are, is what is cut."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One Temporal server and one PostgreSQL; one run at a time."""

    temporal: Temporal
    postgres: Server
    keep: Path
    """Where logs, plan and ledgers of failed runs stay."""
    drawn: str = ""
    """See `Outcome`."""
    heartbeat: float | None = None
    """Seconds, instead of the activities' own longer timeouts: how soon a worker's death is noticed."""

    async def calm(self, story: Story) -> Calm:
        """What an undisturbed run does. Raises AssertionError where even that goes wrong."""
        async with self._scene("calm", story) as scene:
            return await calm_run(scene)

    async def strike(self, calm: Calm, story: Story, seed: int, run: str, points: Sequence[Point]) -> Outcome:
        """A run struck at the points."""
        return await self._judged(seed, run, points, lambda scene: struck_run(scene, points, calm), story)

    async def suffer(self, calm: Calm, seed: int, fault: Fault, partition: float) -> Outcome:
        """A run with a fault, where the seed says."""
        chance = random.Random(f"{seed} {fault.name}")
        return await self._judged(
            seed,
            fault.name,
            (),
            lambda scene: fault.run(Act(scene, calm, chance, partition)),
            happy(fault.note),
            fault.platform,
        )

    async def _judged(
        self,
        seed: int,
        run: str,
        points: Sequence[Point],
        act: Callable[[Scene], Awaitable[None]],
        story: Story,
        platform: Mapping[str, Any] | None = None,
    ) -> Outcome:
        began = time.monotonic()
        async with self._scene(f"s{seed}-{run}", story, platform) as scene:
            failure = ""
            try:
                await act(scene)
            except Exception as error:
                # Whatever went wrong is this run's verdict; the others are still to come.
                failure = f"{type(error).__name__}: {error}"[:FAILURE_SHOWN]
            model = scene.world.model
            return Outcome(
                seed,
                run,
                tuple(str(point) for point in points),
                tuple(scene.book.struck()),
                time.monotonic() - began,
                tuple(scene.recoveries()),
                scene.attempts(),
                len(model.asked),
                model.paid_again(),
                self.drawn,
                failure,
                self._kept(scene.world.folder) if failure else "",
            )

    @asynccontextmanager
    async def _scene(
        self, name: str, story: Story, platform: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[Scene]:
        folder = Path(tempfile.mkdtemp(prefix=f"tamma-{name}-", dir="/tmp"))
        try:
            async with (
                world(folder, self.temporal, self.postgres, said=story.lanes, **platform or {}) as made,
                story.people(made),
            ):
                env = {"TAMMA_TEST_HEARTBEAT": str(self.heartbeat)} if self.heartbeat else {}
                yield Scene(made, story.limits, env)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _kept(self, folder: Path) -> str:
        kept = self.keep / folder.name
        kept.mkdir(parents=True, exist_ok=True)
        for path in folder.rglob("*"):
            if path.suffix in (".log", ".json", ".jsonl") and "workspaces" not in path.parts:
                shutil.copy(path, kept / path.name)
        return str(kept)


@asynccontextmanager
async def stage(keep: Path, *, drawn: str = "", heartbeat: float | None = None) -> AsyncGenerator[Stage]:
    """Servers of their own, ended afterwards."""
    installed = binaries("18")
    if installed is None:
        raise RuntimeError("PostgreSQL is not installed: `make install-dev`")
    folder = Path(tempfile.mkdtemp(prefix="tamma-c-", dir="/tmp"))
    temporal, postgres = Temporal(folder), Server(installed)
    try:
        await asyncio.to_thread(postgres.start)
        await temporal.start()
        yield Stage(temporal, postgres, keep, drawn, heartbeat)
    finally:
        temporal.kill()
        await asyncio.to_thread(postgres.stop)
        shutil.rmtree(folder, ignore_errors=True)
