"""Our own time per agent step, whether it grows, and what a session leaves in the history."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.client import WorkflowHistory

from bench.bare import QUEUE, BareLoop
from bench.figures import Figure, plain, ratio, samples
from bench.processes import cpu_seconds, memory_mb, progress
from bench.sessions import anatomy, prepare, size_of, start_session, step_times
from bench.surroundings import Stack, child

ROUNDS, LONG_ROUNDS = 3, 2
SHORT, LONG = 50, 100
GOAL_RATIO = 1.5
GOAL_GROWTH = 1.1
GOAL_BYTES = 1_000_000
GOAL_STEP_BYTES = 4000.0
GOAL_MEMORY = 200.0
EDGE = LONG // 4
"""Steps at either end of a long session that are compared."""


@dataclass(frozen=True, slots=True)
class Run:
    """One session, or one run of the baseline."""

    history: WorkflowHistory
    steps: int
    cpu: dict[str, float]
    """Milliseconds of processor time a step, by process; sandboxes count for the worker."""

    def times(self) -> list[float]:
        """Milliseconds of every step but the first, which starts what the others find ready."""
        first = "think" if "bare" in self.cpu else "call_model"
        return step_times(self.history, first)[1:]


async def measure(stack: Stack) -> Sequence[Figure]:
    """`step.*`, `history.*` and `worker.*`."""
    with child("bench.bare", stack.info.temporal_address) as (process, _):
        bench = _Bench(stack, process.pid)
        for warm in (bench.bare, bench.claude, bench.played):
            await warm(5)
        short: dict[str, list[Run]] = {"bare": [], "claude": [], "played": []}
        for _ in range(ROUNDS):
            short["bare"].append(await bench.bare(SHORT))
            short["claude"].append(await bench.claude(SHORT))
            short["bare"].append(await bench.bare(SHORT))
            short["played"].append(await bench.played(SHORT))
        long: dict[str, list[Run]] = {"bare": [], "claude": []}
        for _ in range(LONG_ROUNDS):
            long["bare"].append(await bench.bare(LONG))
            long["claude"].append(await bench.claude(LONG))
    now, peak = memory_mb(stack.info.pids["worker"])
    return [
        *_step_figures("short", short, ("claude", "played")),
        *_step_figures("long", long, ("claude",)),
        _growth(
            long["claude"],
            "step.growth",
            f"the last {EDGE} steps of {LONG} against the first {EDGE}",
            GOAL_GROWTH,
        ),
        _growth(long["bare"], "step.growth_bare", "the same of bare temporalio"),
        _cpu_figure(short),
        *_history_figures([run.history for run in long["claude"]]),
        plain(
            "worker.memory_sessions",
            "the worker's resident memory after all these sessions",
            samples("MB", [now]),
            goal=GOAL_MEMORY,
            peak=round(peak, 1),
        ),
    ]


class _Bench:
    """Runs the product and the baseline, and reads their processes' clocks."""

    def __init__(self, stack: Stack, bare_pid: int) -> None:
        self._stack = stack
        self._pids = {**stack.info.pids, "bare": bare_pid}

    async def bare(self, steps: int) -> Run:
        """A run of the baseline."""
        name = f"bench-bare-{time.monotonic_ns()}"
        before = self._clocks("bare", "temporal")
        handle = await self._stack.client.start_workflow(BareLoop.run, steps, id=name, task_queue=QUEUE)
        await handle.result()
        return self._told(Run(await handle.fetch_history(), steps, self._since(before, steps)))

    async def claude(self, steps: int) -> Run:
        """A session whose model is asked over HTTP."""
        return await self._session("claude", steps)

    async def played(self, steps: int) -> Run:
        """A session whose model is a script in the worker."""
        return await self._session("played", steps)

    async def _session(self, provider: str, steps: int) -> Run:
        place = await prepare(self._stack)
        before = self._clocks("worker", "temporal", "postgres")
        handle = await start_session(self._stack, place, provider, steps)
        await handle.result()
        return self._told(Run(await handle.fetch_history(), steps, self._since(before, steps)))

    def _told(self, run: Run) -> Run:
        times = run.times()
        who = "bare" if "bare" in run.cpu else "ours"
        progress(f"{who}: {run.steps} steps, {statistics.median(times):.1f} ms each")
        return run

    def _clocks(self, *names: str) -> dict[str, float]:
        return {name: cpu_seconds(self._pids[name]) for name in names}

    def _since(self, before: dict[str, float], steps: int) -> dict[str, float]:
        return {
            name: (cpu_seconds(self._pids[name]) - earlier) * 1000 / steps for name, earlier in before.items()
        }


def _step_figures(kind: str, found: dict[str, list[Run]], providers: Sequence[str]) -> list[Figure]:
    baseline = samples("ms", [time for run in found["bare"] for time in run.times()])
    figures: list[Figure] = []
    for provider in providers:
        ours = samples("ms", [time for run in found[provider] for time in run.times()])
        over = "over HTTP" if provider == "claude" else "scripted in the worker"
        figures.append(
            ratio(
                f"step.{kind}.{provider}",
                f"a step (model {over}; bash of 8 kB) against two empty activities",
                ours,
                baseline,
                goal=GOAL_RATIO if provider == "claude" else None,
                runs=[round(statistics.median(run.times()), 1) for run in found[provider]],
                runs_bare=[round(statistics.median(run.times()), 1) for run in found["bare"]],
                anatomy=anatomy(found[provider][-1].history),
                anatomy_bare=anatomy(found["bare"][-1].history),
            )
        )
    return figures


def _cpu_figure(found: dict[str, list[Run]]) -> Figure:
    def by_process(runs: Sequence[Run]) -> dict[str, float]:
        names = runs[0].cpu
        return {name: round(statistics.median(run.cpu[name] for run in runs), 2) for name in names}

    return ratio(
        "step.cpu",
        "processor time a step of the worker with its sandboxes, against the bare worker's",
        samples("ms", [run.cpu["worker"] for run in found["claude"]]),
        samples("ms", [run.cpu["bare"] for run in found["bare"]]),
        claude=by_process(found["claude"]),
        played=by_process(found["played"]),
        bare=by_process(found["bare"]),
    )


def _growth(runs: Sequence[Run], name: str, what: str, goal: float | None = None) -> Figure:
    times = [run.times() for run in runs]
    ratios = [statistics.median(run[-EDGE:]) / statistics.median(run[:EDGE]) for run in times]
    return plain(name, what, samples("x", ratios), goal=goal)


def _history_figures(runs: Sequence[WorkflowHistory]) -> list[Figure]:
    sizes = [size_of(run) for run in runs]
    return [
        plain(
            "history.bytes",
            f"history of a session of {LONG} turns, 8 kB of output each",
            samples("B", sizes),
            goal=GOAL_BYTES,
        ),
        plain(
            "history.bytes_per_step",
            "the same, a step",
            samples("B", [size / LONG for size in sizes]),
            goal=GOAL_STEP_BYTES,
        ),
    ]
