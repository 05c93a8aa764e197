"""What a worker holds in memory after whole runs, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench.figures import Figure, plain, samples
from bench.processes import memory_mb, run_timed
from bench.surroundings import TAMMA, Stack
from tamma.demo.repository import make

GOAL = 200.0


async def measure(stack: Stack) -> Sequence[Figure]:
    """`worker.memory`: after a run from issue to merge, with the SDK of the default provider loaded."""
    begin, _ = memory_mb((await stack.refresh()).pids["worker"])
    repository = make(stack.home / "whole-run")
    argv = (TAMMA, "submit", str(repository.path), "--issue", str(repository.issue))
    argv += ("--provider", "demo", "--watch")
    await asyncio.to_thread(run_timed, argv, stack.environment())
    now, peak = memory_mb((await stack.refresh()).pids["worker"])
    return [
        plain(
            "worker.memory",
            "the worker's resident memory after a whole run",
            samples("MB", [now]),
            goal=GOAL,
            before=round(begin, 1),
            peak=round(peak, 1),
        )
    ]
