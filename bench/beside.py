"""Beside mini-swe-agent: the same scripted model, the same commands, the same number of steps.

mini-swe-agent is the smallest agent that is widely used: one process that keeps the conversation in memory
and runs commands without a sandbox. What a step costs here more is the price of a run that survives.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.environments import python_of
from bench.figures import Figure, ratio, samples
from bench.processes import cpu_seconds, memory_mb, progress, run_timed
from bench.sessions import prepare, start_session
from bench.surroundings import MODEL, Stack, environment

ROUNDS = 3
STEPS = 50
WARM = 5
"""Steps that are not counted: they start what the others find ready."""
_SCRIPT = Path(__file__).with_name("mini_agent.py")
_SERVERS = ("temporal", "postgres")


@dataclass(frozen=True, slots=True)
class Side:
    """One run of one agent."""

    times: tuple[float, ...]
    """Milliseconds from one call of the model to the next, as the model's service sees them."""
    cpu: float
    """Milliseconds of processor time a step: commands included, and of ours the servers'."""
    peak: float
    """The agent's process at its largest, in megabytes."""
    detail: dict[str, Any]


async def measure(stack: Stack) -> Sequence[Figure]:
    """`beside.*`: in turns; nothing where mini-swe-agent cannot be installed."""
    python = await asyncio.to_thread(python_of, "mini")
    if python is None:
        progress("mini-swe-agent is left out: its environment could not be made")
        return []
    await _ours(stack)  # a worker's first session loads an SDK
    ours: list[Side] = []
    mini: list[Side] = []
    forgetful: list[Side] = []
    for _ in range(ROUNDS):
        mini.append(await _mini(stack, python))
        ours.append(await _ours(stack))
        forgetful.append(await _mini(stack, python, "forgetful"))
    return _figures(ours, mini, forgetful)


def _figures(ours: Sequence[Side], mini: Sequence[Side], forgetful: Sequence[Side]) -> list[Figure]:
    what = "a step (model over HTTP, bash of 8 kB) against mini-swe-agent's"
    steps = ratio(
        "beside.step",
        f"{what}, which keeps its trajectory in a file",
        _times(ours),
        _times(mini),
        runs=[round(statistics.median(side.times), 1) for side in ours],
        runs_mini=[round(statistics.median(side.times), 1) for side in mini],
        growth=_growth(ours),
        growth_mini=_growth(mini),
    )
    bare = ratio(
        "beside.step_forgetful",
        f"{what}, which keeps nothing",
        _times(ours),
        _times(forgetful),
        growth_mini=_growth(forgetful),
    )
    cpu = ratio(
        "beside.cpu",
        "processor time a step: worker, sandboxes and servers against mini-swe-agent and its commands",
        samples("ms", (side.cpu for side in ours)),
        samples("ms", (side.cpu for side in mini)),
        forgetful=round(statistics.median(side.cpu for side in forgetful), 1),
        parts=ours[-1].detail["cpu"],
    )
    memory = ratio(
        "beside.memory",
        "the worker at its largest, for all its runs, against one mini-swe-agent",
        samples("MB", (side.peak for side in ours)),
        samples("MB", (side.peak for side in mini)),
        grows=ours[-1].detail["kB a step"],
        grows_mini=mini[-1].detail["kB a step"],
        servers=ours[-1].detail["servers MB"],
    )
    return [steps, bare, cpu, memory]


async def _ours(stack: Stack) -> Side:
    place = await prepare(stack)
    known, pids = len(stack.model.seen()), stack.info.pids
    before = {name: cpu_seconds(pids[name]) for name in ("worker", *_SERVERS)}
    memory = memory_mb(pids["worker"])[0]
    handle = await start_session(stack, place, "claude", STEPS)
    await handle.result()
    cpu = {name: (cpu_seconds(pids[name]) - was) * 1000 / STEPS for name, was in before.items()}
    now, peak = memory_mb(pids["worker"])
    detail = {
        "kB a step": round((now - memory) * 1000 / STEPS, 1),
        "servers MB": {name: round(memory_mb(pids[name])[0], 1) for name in _SERVERS},
        "cpu": {name: round(value, 1) for name, value in cpu.items()},
    }
    return _told("ours", Side(_gaps(stack, known), sum(cpu.values()), peak, detail))


async def _mini(stack: Stack, python: Path, *how: str) -> Side:
    known = len(stack.model.seen())
    with tempfile.TemporaryDirectory(prefix="tamma-mini-") as folder:
        argv = (str(python), str(_SCRIPT), stack.model.url, MODEL.format(steps=STEPS), folder, *how)
        _, printed = await asyncio.to_thread(run_timed, argv, environment())
    told = json.loads(printed.splitlines()[-1])
    if told["ended"] != "Submitted" or told["calls"] != STEPS + 1:
        raise RuntimeError(f"mini-swe-agent did not do its {STEPS} steps: {told}")
    detail = {"kB a step": round((told["end"] - told["warm"]) * 1000 / (STEPS - WARM), 1)}
    return _told(" ".join(("mini", *how)), Side(_gaps(stack, known), told["cpu"], told["peak"], detail))


def _gaps(stack: Stack, known: int) -> tuple[float, ...]:
    moments = [at for at, _ in stack.model.seen()[known:]]
    return tuple((later - earlier) * 1000 for earlier, later in pairwise(moments))[WARM:]


def _times(sides: Sequence[Side]) -> Any:
    return samples("ms", [time for side in sides for time in side.times])


def _growth(sides: Sequence[Side]) -> float:
    """The last quarter of a run's steps against its first."""
    quarter = (STEPS - WARM) // 4
    ratios = (
        statistics.median(side.times[-quarter:]) / statistics.median(side.times[:quarter]) for side in sides
    )
    return round(statistics.median(ratios), 2)


def _told(who: str, side: Side) -> Side:
    progress(f"{who}: {STEPS} steps, {statistics.median(side.times):.1f} ms each, {side.peak:.0f} MB")
    return side
