"""What an adapter adds to a call: the same request by the bare client and by us, in turns, to one server."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from bench.figures import Figure, samples
from bench.platforms.services import SERVICES, Service
from tamma import registry
from tamma.model.repository import IssueFilter, PullRequestFilter
from tamma.platforms.interface import Platform, PlatformSettings

ROUNDS = 200
WARM_UP = 20
AT_ONCE = 500


async def measure() -> Sequence[Figure]:
    """`platforms.call.*`, `platforms.round_trips.*`, `platforms.at_once.*`."""
    figures: list[Figure] = []
    for service in SERVICES:
        async with _running(service) as (url, platform):
            figures += [await _added(service, url, platform), await _at_once(service, platform)]
    return figures


async def _added(service: Service, url: str, platform: Platform) -> Figure:
    """The median of our call over the median of the bare client's, which parses the JSON too."""
    headers = {"authorization": "Bearer canary"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False) as client:

        async def bare() -> None:
            response = await client.get(url + service.path)
            response.raise_for_status()
            json.loads(response.content)

        async def ours() -> None:
            await _list(service, platform)

        pairs = [(await _timed(bare), await _timed(ours)) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
    base, own = (samples("ms", [pair[which] for pair in pairs]) for which in (0, 1))
    what = f"{service.type}: what listing {service.items} {service.what} adds to the bare client's call"
    return Figure(f"platforms.call.{service.type}", what, own.median - base.median, "ms", 5, own, base)


async def _at_once(service: Service, platform: Platform) -> Figure:
    """500 lists asked for in the same moment; ten go out at once, as declared."""

    async def one() -> float:
        return await _timed(lambda: _list(service, platform))

    took = sorted(await asyncio.gather(*(one() for _ in range(AT_ONCE))))
    p95 = statistics.quantiles(took, n=20, method="inclusive")[18] / 1000
    detail = {"declared": platform.settings.max_concurrent, "max": round(took[-1] / 1000, 3)}
    what = f"{service.type}: {AT_ONCE} lists of {service.items} at once, p95"
    return Figure(f"platforms.at_once.{service.type}", what, p95, "s", service.goal, detail=detail)


async def _list(service: Service, platform: Platform) -> None:
    """The items, in one round trip: a second page fails the figure."""
    if service.what == "issues":
        page = await platform.list_issues(service.repo, IssueFilter())
    else:
        page = await platform.list_prs(service.repo, PullRequestFilter())
    if len(page.items) != service.items or page.next_cursor is not None:
        raise RuntimeError(
            f"{service.type} listed {len(page.items)} of {service.items}, then {page.next_cursor!r}"
        )


async def _timed(call: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await call()
    return (time.perf_counter() - began) * 1000


@asynccontextmanager
async def _running(service: Service) -> AsyncGenerator[tuple[str, Platform]]:
    """The service in a process of its own, and our adapter for it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "answers.json")
        file.write_text(json.dumps(service.answers))
        command = [sys.executable, "-m", "bench.platforms.server", str(file)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            try:
                url = f"http://127.0.0.1:{int(process.stdout.readline())}"
                settings = PlatformSettings(
                    "bench", service.type, url + service.base, "canary", username=service.username
                )
                platform = registry.platforms.get(service.type).create_platform(settings)
                await platform.start()
                yield url, platform
                await platform.close()
            finally:
                process.stdin.close()
                process.wait(timeout=10)
