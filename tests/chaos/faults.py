"""What strikes a run beside `kill -9` of its worker: servers, the network, people with SIGTERM, lost answers.

Each fault holds the worker at a point that the seed chooses, strikes, lets go, and sees the run to its end.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.points import Moment, Point, points_of
from tests.chaos.proxy import Proxy, proxy
from tests.chaos.scene import STALLED, Calm, Scene
from tests.support.crash import HANG_ONCE, HANGING, NOTE_COMMAND
from tests.support.processes import eventually, running

HELD = (Moment.BEFORE, Moment.EFFECT)
ANSWERS = ("ensure_pr", "merge_pr", "ensure_comment", "close_issue", "delete_branch")
"""Writing calls to the forge, in the order of a run."""
STORM = 5


@dataclass(frozen=True, slots=True)
class Act:
    """What a fault is given."""

    scene: Scene
    calm: Calm
    chance: random.Random
    partition: float
    """Seconds."""

    def point(self, *names: str, moments: Sequence[Moment] = HELD) -> Point:
        """Any point of the run; of these activities, where some are named."""
        points = points_of(self.calm.activities, moments)
        return self.chance.choice([point for point in points if not names or point.activity in names])

    async def wait(self, most: float) -> None:
        await asyncio.sleep(self.chance.uniform(0, most))


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name. `paid_again`: the most model calls that it may make the run pay twice."""

    name: str
    strike: Callable[[Act], Awaitable[None]]
    paid_again: int = 0
    note: str = NOTE_COMMAND
    platform: Mapping[str, Any] = field(default_factory=dict[str, Any])

    async def run(self, act: Act) -> None:
        await self.strike(act)
        await act.scene.survive()
        await act.scene.check(act.calm, paid_again=self.paid_again)


# --- servers ---------------------------------------------------------------------------------------


async def temporal_killed(act: Act) -> None:
    """SIGKILL of Temporal while an activity is at work; it comes back on the same database."""
    scene = act.scene
    await scene.held_at(act.point())
    scene.world.temporal.kill()
    if early := act.chance.random() < 0.5:
        scene.book.release()  # what it did cannot be told
    await act.wait(3)
    await scene.world.temporal.start()
    if not early:
        scene.book.release()


async def postgres_killed(act: Act) -> None:
    """SIGKILL of all of PostgreSQL's processes while an activity is at work; it recovers and comes back."""
    scene = act.scene
    await scene.held_at(act.point())
    scene.world.postgres.kill()
    if early := act.chance.random() < 0.5:
        scene.book.release()
    await act.wait(3)
    await asyncio.to_thread(scene.world.postgres.start)
    if not early:
        scene.book.release()


# --- the network -----------------------------------------------------------------------------------


async def from_temporal(act: Act) -> None:
    """Worker and Temporal do not hear of each other for a while."""
    scene = act.scene
    async with _proxied(scene, scene.world.temporal.address) as between:
        scene.env["TAMMA_TEMPORAL_ADDRESS"] = between.address
        await _partition(act, between, act.point())


async def from_postgres(act: Act) -> None:
    """Worker and PostgreSQL do not hear of each other for a while."""
    scene = act.scene
    server = scene.world.postgres.address
    async with _proxied(scene, server) as between:
        scene.env["DATABASE_URL"] = scene.world.dsn.replace(server, between.address)
        await _partition(act, between, act.point())


async def from_model(act: Act) -> None:
    """The model's service does not answer for a while."""
    scene = act.scene
    service = scene.world.model.url.removeprefix("http://").partition("/")[0]
    async with _proxied(scene, service) as between:
        config = scene.world.folder / "config.json"
        config.write_text(config.read_text().replace(service, between.address))
        models = ("call_model", "make_plan", "review_change")
        await _partition(act, between, act.point(*models, moments=[Moment.BEFORE]))


async def _partition(act: Act, between: Proxy, point: Point) -> None:
    await act.scene.held_at(point)
    between.cut()
    act.scene.book.release()
    await asyncio.sleep(act.partition)
    between.heal()
    await act.scene.survive()  # while there is still something between them


@asynccontextmanager
async def _proxied(scene: Scene, target: str) -> AsyncGenerator[Proxy]:
    async with proxy(target) as between:
        try:
            yield between
        finally:
            scene.world.end_workers()  # their connections end before the proxy does


# --- the forge's answers ---------------------------------------------------------------------------


async def answers_lost(act: Act) -> None:
    """Each writing call to the forge takes effect, and its answer does not arrive."""
    await act.scene.begin({})


async def answer_hangs(act: Act) -> None:
    """The pull request is opened, and the connection stays silent."""
    await act.scene.begin({})


# --- the worker ------------------------------------------------------------------------------------


async def sigterm(act: Act) -> None:
    """SIGTERM in the middle of an activity: it is ended first, and nothing is done again."""
    scene = act.scene
    worker = await scene.held_at(act.point())
    scene.expected += 1
    worker.send(signal.SIGTERM)
    await act.wait(1)
    scene.book.release()
    assert await worker.ended(60) == 0, scene.world.logs()


async def other_host(act: Act) -> None:
    """The worker is gone with its host; another host goes on from the last checkpoint."""
    scene = act.scene
    await scene.held_at(act.point())
    scene.kill()
    scene.book.release()
    scene.host = "beta"


async def two_hosts(act: Act) -> None:
    """A host that Temporal takes for lost goes on with its activity, beside the one that took its place."""
    scene = act.scene
    async with _proxied(scene, scene.world.temporal.address) as between:
        scene.env["TAMMA_TEMPORAL_ADDRESS"] = between.address
        held = act.point(
            "run_tools", "run_command", "collect_diff", "publish_branch", moments=[Moment.BEFORE]
        )
        await scene.held_at(held)
        between.cut()
        scene.host = "beta"
        del scene.env["TAMMA_TEMPORAL_ADDRESS"]
        begun = len(scene.book.lines())
        scene.start()
        await eventually(lambda: len(scene.book.lines()) > begun, STALLED)
        if late := act.chance.random() < 0.5:
            await scene.survive()
        else:
            await act.wait(5)
        scene.book.release()
        await scene.survive()
        if late:
            await asyncio.sleep(10)  # what it should not do, nobody can wait for


async def in_a_shell(act: Act) -> None:
    """SIGKILL of the worker while the agent's shell command runs: nothing of it runs on."""
    scene = act.scene
    await scene.begin({})
    await eventually(lambda: scene.world.read_in_tree("notes.txt") == "line\n")
    await eventually(lambda: running(HANGING))
    scene.kill()
    await eventually(lambda: not running(HANGING) and not scene.orphans())


async def suspended(act: Act) -> None:
    """The worker stands still longer than any heartbeat's timeout, and goes on as if nothing had been."""
    scene = act.scene
    worker = await scene.held_at(act.point())
    scene.book.release()
    worker.send(signal.SIGSTOP)
    await asyncio.sleep(12)
    worker.send(signal.SIGCONT)


async def storm(act: Act) -> None:
    """SIGKILL of the worker at moments that nobody chose."""
    scene = act.scene
    await scene.begin({})
    for _ in range(STORM):
        await asyncio.sleep(act.chance.uniform(2, 8))
        scene.kill()
        scene.start()


FAULTS: tuple[Fault, ...] = (
    Fault("temporal-killed", temporal_killed, paid_again=1),
    Fault("postgres-killed", postgres_killed, paid_again=1),
    Fault("partition-temporal", from_temporal, paid_again=1),
    Fault("partition-postgres", from_postgres, paid_again=1),
    Fault("partition-model", from_model, paid_again=1),
    Fault(
        "answers-lost",
        answers_lost,
        platform={
            "faults": [{"on": name, "when": "after", "times": 1, "error": "Transient"} for name in ANSWERS]
        },
    ),
    Fault(
        "answer-hangs",
        answer_hangs,
        platform={"faults": [{"on": "ensure_pr", "when": "after", "error": "hang"}]},
    ),
    Fault("sigterm", sigterm),
    Fault("other-host", other_host),
    Fault("two-hosts", two_hosts),
    Fault("in-a-shell", in_a_shell, note=HANG_ONCE),
    Fault("suspended", suspended, paid_again=1),
    Fault("storm", storm, paid_again=STORM),
)
