"""Heartbeats: the server learns within seconds that a worker died, and a cancellation gets through."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

from temporalio import activity

P = ParamSpec("P")
R = TypeVar("R")

INTERVAL = 1.0
"""Seconds between heartbeats: four to the shortest heartbeat timeout (model calls)."""


class Pulse:
    """Says what is going on. `say` never blocks and may be called at any rate."""

    def __init__(self) -> None:
        self.last = ""

    def say(self, what: str) -> None:
        self.last = what


@asynccontextmanager
async def beating() -> AsyncGenerator[Pulse]:
    """Heartbeat every second while the body runs, with what was last said."""
    pulse = Pulse()
    task = asyncio.create_task(_beat(pulse))
    try:
        yield pulse
    finally:
        task.cancel()


def heard(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Heartbeat while a short activity lasts: a worker that dies costs it seconds, not its whole timeout."""

    @functools.wraps(function)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        async with beating():
            return await function(*args, **kwargs)

    return wrapped


async def _beat(pulse: Pulse) -> None:
    # Not at once: the timeout counts from the start, and most activities have ended by the first beat.
    while True:
        await asyncio.sleep(INTERVAL)
        activity.heartbeat(pulse.last)
