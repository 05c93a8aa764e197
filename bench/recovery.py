"""How long after `kill -9` of the worker the next model call is made."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Sequence

from bench.figures import Figure, plain, samples
from bench.processes import progress
from bench.sessions import prepare, start_session
from bench.surroundings import Stack, until
from workflows.options import MODEL_CALL

ROUNDS = 10
HELD = 2
"""The turn whose answer is cut off in its middle."""
STEADY = 10.5
"""Seconds that a worker must have lived for its supervisor to restart it without a longer pause."""


async def measure(stack: Stack) -> Sequence[Figure]:
    """`recovery.*`: the supervisor restarts the worker, as it does for everybody."""
    assert MODEL_CALL.heartbeat is not None
    born = stack.started
    seconds: list[float] = []
    for _ in range(ROUNDS):
        await asyncio.sleep(max(0.0, born + STEADY - time.monotonic()))
        seconds.append(await _once(stack))
        progress(f"recovered in {seconds[-1]:.2f} s")
        born = time.monotonic()
    found, what = samples("s", seconds), "from kill -9 of the worker in a model call to the next model call"
    return [
        plain(
            "recovery.next_call",
            what,
            found,
            goal=MODEL_CALL.heartbeat + 3,
            heartbeat_timeout=MODEL_CALL.heartbeat,
        ),
        Figure(
            "recovery.next_call_p95",
            f"the same, of {ROUNDS} kills the slowest but those beyond the 95th percentile",
            found.percentile(0.95),
            "s",
            MODEL_CALL.heartbeat + 5,
            found,
        ),
    ]


async def _once(stack: Stack) -> float:
    model = stack.model
    before = len(model.seen())
    model.hold(HELD)
    handle = await start_session(stack, await prepare(stack), "claude", HELD + 1)

    async def held() -> bool:
        return any(turn == HELD for _, turn in model.seen()[before:])

    async def asked_again() -> bool:
        return sum(turn == HELD for _, turn in model.seen()[before:]) == 2

    await until(held, 60)
    # Heartbeats tick once a second: strike at no certain moment between two of them.
    await asyncio.sleep(1.5 + 0.2 * (before % 5))
    worker = (await stack.refresh()).pids["worker"]
    killed = time.monotonic()
    os.kill(worker, signal.SIGKILL)
    await until(asked_again, 120)
    await handle.result()
    return model.seen()[before + HELD + 1][0] - killed
