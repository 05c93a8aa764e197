"""What an adapter adds to a call: the same request by the bare client and by us, in turns, to one server."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx2

from bench.figures import Figure, samples
from bench.platforms.services import SERVICES, Service
from tamma import registry
from tamma.model.repository import IssueFilter, PullRequestFilter
from tamma.platforms.interface import Platform, PlatformSettings
from tamma.telemetry.logs import configure_logging
from tamma.worker.running import settle_memory

ROUNDS = 200
WARM_UP = 20
AT_ONCE = 500


async def measure() -> Sequence[Figure]:
    """`platforms.call.*`, `platforms.round_trips.*`, `platforms.at_once.*`."""
    configure_logging("error")  # as a worker's: not a line a call
    figures: list[Figure] = []
    for service in SERVICES:
        async with _running(service) as (url, platform):
            settle_memory()  # as a worker does
            figures += [await _added(service, url, platform), await _at_once(service, url, platform)]
    return figures


async def _added(service: Service, url: str, platform: Platform) -> Figure:
    """The median of our call over the median of the bare client's, which parses the JSON too."""
    async with _bare_client() as client:
        pairs: list[tuple[float, float]] = []
        for _ in range(WARM_UP + ROUNDS):
            bare = await _timed(lambda: _fetch(client, url + service.path))
            pairs.append((bare, await _timed(lambda: _list(service, platform))))
    del pairs[:WARM_UP]
    base, own = (samples("ms", [pair[which] for pair in pairs]) for which in (0, 1))
    what = f"{service.type}: what listing {service.items} {service.what} adds to the bare client's call"
    return Figure(f"platforms.call.{service.type}", what, own.median - base.median, "ms", 5, own, base)


async def _at_once(service: Service, url: str, platform: Platform) -> Figure:
    """500 lists asked for in the same moment, as many on their way as declared: what ours take over those of
    the bare client behind a semaphore, at the 95th percentile."""
    declared = platform.settings.max_concurrent
    turns = asyncio.Semaphore(declared)
    async with _bare_client() as client:

        async def bare() -> None:
            async with turns:
                await _fetch(client, url + service.path)

        base = await _all_at_once(bare)
        own = await _all_at_once(lambda: _list(service, platform))
    p95 = [statistics.quantiles(took, n=20, method="inclusive")[18] for took in (own, base)]
    what = f"{service.type}: {AT_ONCE} lists at once, {declared} on their way: p95 over the bare client's"
    detail = {"ours": round(p95[0], 3), "bare": round(p95[1], 3)}
    added = p95[0] - p95[1]
    own_samples, base_samples = samples("s", own), samples("s", base)
    return Figure(f"platforms.at_once.{service.type}", what, added, "s", 1, own_samples, base_samples, detail)


async def _all_at_once(call: Callable[[], Awaitable[None]]) -> list[float]:
    """Seconds that each of them took."""
    return [took / 1000 for took in await asyncio.gather(*(_timed(call) for _ in range(AT_ONCE)))]


def _bare_client() -> httpx2.AsyncClient:
    headers = {"authorization": "Bearer canary"}
    return httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60)


async def _fetch(client: httpx2.AsyncClient, url: str) -> None:
    response = await client.get(url)
    response.raise_for_status()
    json.loads(response.content)


async def _list(service: Service, platform: Platform) -> None:
    """The items, in one call of ours: a page that holds fewer fails the figure."""
    if service.what == "issues":
        page = await platform.list_issues(service.repo, IssueFilter())
    else:
        page = await platform.list_prs(service.repo, PullRequestFilter())
    if len(page.items) != service.items:
        raise RuntimeError(f"{service.type} listed {len(page.items)} of {service.items} in one call")


async def _timed(call: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await call()
    return (time.perf_counter() - began) * 1000


@asynccontextmanager
async def _running(service: Service) -> AsyncGenerator[tuple[str, Platform]]:
    """The service in a process of its own, and our adapter for it."""
    with _served(service) as url:
        settings = PlatformSettings(
            "bench", service.type, url + service.base, "canary", username=service.username, timeout=60
        )
        platform = registry.platforms.get(service.type).create_platform(settings)
        await platform.start()
        yield url, platform
        await platform.close()


@contextmanager
def _served(service: Service) -> Generator[str]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "answers.json")
        file.write_text(json.dumps(service.answers))
        command = [sys.executable, "-m", "bench.platforms.server", str(file)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            try:
                yield f"http://127.0.0.1:{int(process.stdout.readline())}"
            finally:
                process.stdin.close()
                process.wait(timeout=10)
