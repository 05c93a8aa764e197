"""A hundred at once: how long a call takes to begin, and how late its chunks come."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import aclosing

from bench.figures import Figure
from bench.processes import progress
from bench.providers.streams import chunk_server, read, request, started
from tamma.model.conversation import TextDelta
from tamma.providers.interface import Provider

AT_ONCE = 100
RAMP = 2.0
"""Seconds in which the calls begin, one after the other."""
RATE = 50
"""Chunks a second of one stream: what quick models write."""
SECONDS = 5
KIND = "anthropic-claude"


async def measure() -> Sequence[Figure]:
    """`load.*`."""
    with chunk_server() as url:
        progress(f"{AT_ONCE} calls, begun within {RAMP} s")
        provider = await started(KIND, f"{url}/20/0")
        await read(provider)
        starts = await asyncio.gather(*(_begun(provider, at * RAMP / AT_ONCE) for at in range(AT_ONCE)))
        await provider.close()
        progress(f"{AT_ONCE} streams of {RATE} chunks a second")
        provider = await started(KIND, f"{url}/{RATE * SECONDS}/{RATE}")
        together = _delays(await asyncio.gather(*(_delayed(provider) for _ in range(AT_ONCE))))
        alone = _delays([await _delayed(provider) for _ in range(1)])
        await provider.close()
    return [
        _percentile("load.start_p95", "from call to first token, 100 calls ramped", starts, 95, 500),
        _percentile("load.start_p99", "the same", starts, 99, 1000),
        _percentile("load.chunk_delay_p95", "a chunk on its way, 100 streams of 50/s", together, 95, 100),
        _percentile("load.chunk_delay_alone_p95", "the same of a single stream", alone, 95, None),
    ]


async def _begun(provider: Provider, wait: float) -> float:
    """Milliseconds from the call to the first token."""
    await asyncio.sleep(wait)
    return (await read(provider)).first * 1000


async def _delayed(provider: Provider) -> list[float]:
    """Milliseconds that each chunk was on its way: its text is the time it was sent at."""
    async with aclosing(provider.stream(request())) as events:
        return [
            (time.monotonic_ns() - int(event.text)) / 1e6
            async for event in events
            if isinstance(event, TextDelta)
        ]


def _delays(streams: Sequence[Sequence[float]]) -> list[float]:
    return [delay for stream in streams for delay in stream]


def _percentile(name: str, what: str, values: Sequence[float], percent: int, goal: float | None) -> Figure:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    detail = {"median": round(statistics.median(values), 2), "max": round(max(values), 2), "n": len(values)}
    return Figure(name, f"{what}, p{percent}", cuts[percent - 1], "ms", goal, detail=detail)
