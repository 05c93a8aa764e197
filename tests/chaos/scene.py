"""One struck run: a world whose workers are replaced as they die, and what is left of it in the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.service import RPCError

from tamma.model.ids import workflow_id
from tamma.model.task import Limits
from tests.chaos.book import Book, Deed, What, recoveries
from tests.chaos.orphans import descendants, orphans
from tests.chaos.points import Moment, Point
from tests.chaos.traces import limit_spending, traces
from tests.support.crash import QUICK, World
from tests.support.processes import Child, eventually

STRUCK_WORKER = ("-m", "tests.chaos.worker")
ONCE = ("ensure_pr", "merge_pr", "close_issue", "delete_branch")
"""Effects on the forge of which a run has exactly one."""
OPEN_ENDED = frozenset({"await_commands"})
"""They listen until somebody speaks or the run tells them to stop: how often they begin is a matter of time,
and of most there is no end that a blow could follow."""
STALLED = 240.0
"""Seconds without a new attempt after which a run counts as lost. The first outage waits fit in."""


@dataclass(frozen=True, slots=True)
class Calm:
    """What an undisturbed run did."""

    activities: tuple[str, ...]
    """In the order in which they were scheduled, sessions included."""
    traces: Mapping[str, Any]
    """See `traces`."""
    calls: int
    """Model calls."""


@dataclass
class Scene:
    """A world, its book, and the workers' environment."""

    world: World
    limits: Limits = QUICK
    env: dict[str, str] = field(default_factory=dict[str, str])
    """Beyond the usual."""
    host: str = "alpha"
    """Where the next worker starts."""
    expected: int = 0
    """Ends of workers that the harness itself brought about."""
    survived: bool = False
    """The run has ended."""
    before: Collection[int] = field(default_factory=lambda: tuple(descendants()))

    @property
    def book(self) -> Book:
        return Book(self.world.folder / "strikes")

    # --- what happens ------------------------------------------------------------------------------

    def start(self) -> Child:
        """A worker that follows the plan."""
        run = workflow_id("memory", self.world.folder.name, "calc", "1")
        env = {"TAMMA_TEST_STRIKES": str(self.book.folder), "TAMMA_TEST_RUN_ID": run, **self.env}
        return self.world.start_worker(self.host, entry=STRUCK_WORKER, **env)

    async def begin(self, deeds: Mapping[Point, Deed]) -> None:
        """Plan, start a worker, submit."""
        self.book.plan(deeds)
        await limit_spending(self.world)
        self.start()
        await self.world.submit(limits=self.limits)

    async def held_at(self, point: Point) -> Child:
        """Begin, and wait until the worker stands at `point`; that worker."""
        await self.begin({point: Deed.HOLD})
        try:
            await eventually(lambda: self.book.struck(), STALLED)
        except AssertionError:
            raise AssertionError(f"the run never came to {point}\n{self.world.logs()}") from None
        return self.world.workers[-1]

    def orphans(self) -> dict[int, str]:
        """What runs that neither ran before nor is a server: workers, and what they left behind."""
        return orphans(self.before, (self.world.temporal.pid, self.world.postgres.pid))

    def kill(self) -> None:
        """The living worker, at once."""
        self.expected += 1
        self.world.workers[-1].kill()

    async def survive(self) -> None:
        """Replace workers that die until the run has ended. Fails where it stands still, or one just dies."""
        if self.survived:  # its workers may have been ended since
            return
        assert self.world.handle is not None
        loop = asyncio.get_running_loop()
        seen, since = 0, loop.time()
        ending = asyncio.ensure_future(self.world.handle.result())
        try:
            while not ending.done():
                if (lines := len(self.book.lines())) != seen:
                    seen, since = lines, loop.time()
                assert loop.time() - since < STALLED, f"it stands still\n{self.world.logs()}"
                if self.world.workers[-1].code is not None:
                    self._explain_ends()
                    self.start()
                await asyncio.wait([ending], timeout=0.05)
                if ending.done() and isinstance(ending.exception(), RPCError):  # the server is away
                    await asyncio.sleep(0.2)
                    ending = asyncio.ensure_future(self.world.handle.result())
        finally:
            ending.cancel()
        self.survived = True

    def _explain_ends(self) -> None:
        """Fails where more workers have ended than were made to."""
        ends = Counter(worker.code for worker in self.world.workers if worker.code is not None)
        kills = sum(deed is Deed.KILL for deed in self._struck_deeds())
        assert ends.total() <= kills + self.expected, f"a worker died by itself: {ends}\n{self.world.logs()}"

    def _struck_deeds(self) -> list[Deed]:
        planned = self.book.planned()
        return [planned[Point.parse(text)] for text in self.book.struck()]

    # --- what must hold ----------------------------------------------------------------------------

    async def check(self, calm: Calm | None, *, paid_again: int) -> dict[str, Any]:
        """Every blow fell, the run left what a calm one leaves, and nothing of it runs on; what it left."""
        planned = {str(point) for point in self.book.planned()}
        await eventually(lambda: planned <= set(self.book.struck()))
        result = await self.world.completed()
        left = await traces(self.world, result)
        assert all(left["effects"][name] == 1 for name in ONCE), left
        assert left["held"] == 0, left
        assert left["countedAsTheRunDoes"], left
        if calm is not None:
            assert left == calm.traces, _differences(left, calm.traces)
        assert self.world.model.paid_again() <= paid_again, self.world.model.asked
        self.world.end_workers()
        await self.world.replay()
        try:
            await eventually(lambda: not self.orphans())
        except AssertionError:
            raise AssertionError(f"still running: {self.orphans()}") from None
        return left

    def recoveries(self) -> list[float]:
        return recoveries(self.book.lines())

    def attempts(self) -> int:
        return sum(line.what is What.BEGUN for line in self.book.lines())


async def calm_run(scene: Scene) -> Calm:
    """An undisturbed run, and what it did by its histories."""
    await scene.begin({})
    await scene.survive()
    left = await scene.check(None, paid_again=0)
    scheduled = [
        (event.event_time.ToNanoseconds(), event.activity_task_scheduled_event_attributes.activity_type.name)
        for history in (await scene.world.histories()).values()
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]
    names = tuple(name for _, name in sorted(scheduled) if name not in OPEN_ENDED)
    return Calm(names, left, len(scene.world.model.asked))


async def struck_run(scene: Scene, points: Collection[Point], calm: Calm) -> None:
    """A run whose worker is killed at each of the points, one after the other."""
    await scene.begin(dict.fromkeys(points, Deed.KILL))
    await scene.survive()
    # Only what falls once Temporal knows of a result can hit the call that is made next. One more, for a
    # machine so busy that a heartbeat comes too late.
    late = sum(point.moment is Moment.AFTER for point in points)
    await scene.check(calm, paid_again=max(late, 1))


def _differences(left: Mapping[str, Any], calm: Mapping[str, Any]) -> str:
    """On one line each: what was left, and what an undisturbed run leaves."""
    return "\n".join(
        f"{name}: {left.get(name)} instead of {calm.get(name)}"
        for name in calm
        if left.get(name) != calm.get(name)
    )
