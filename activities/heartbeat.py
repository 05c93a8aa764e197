"""Heartbeats: the server learns within seconds that a worker died, and a cancellation gets through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from temporalio import activity

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


async def _beat(pulse: Pulse) -> None:
    while True:
        activity.heartbeat(pulse.last)
        await asyncio.sleep(INTERVAL)
