"""How long the embedded servers take to start, to be joined, and to come back."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError

from bench.figures import Figure, plain, samples
from bench.processes import run_timed
from bench.surroundings import TAMMA, Stack, environment, until, write_config
from tamma.errors import StoreUnavailable
from tamma.stack.stack import stop_stack
from tamma.store.database import connect

JOINS = 5


async def measure(stack: Stack) -> Sequence[Figure]:
    """`stack.*`: informs only."""
    restarts = [await _restart(stack, name) for name in ("temporal", "postgres")]
    return [await _cold(), await _join(stack), *restarts]


async def _cold() -> Figure:
    """In a home where nothing is: `initdb`, migrations, search attributes, worker."""
    home = Path(tempfile.mkdtemp(prefix="tamma-b-", dir="/tmp"))
    write_config(home, "http://127.0.0.1:9")
    try:
        cold, _ = await asyncio.to_thread(run_timed, (TAMMA, "dev", "start"), environment(home))
        await stop_stack(home)
        warm, _ = await asyncio.to_thread(run_timed, (TAMMA, "dev", "start"), environment(home))
    finally:
        await stop_stack(home)
        shutil.rmtree(home, ignore_errors=True)
    what = "`tamma dev start` in an empty home; `again` on its data"
    return plain("stack.cold_start", what, samples("s", [cold]), again=round(warm, 2))


async def _join(stack: Stack) -> Figure:
    argv = (TAMMA, "dev", "start")
    times = [(await asyncio.to_thread(run_timed, argv, stack.environment()))[0] for _ in range(JOINS)]
    return plain("stack.join", "`tamma dev start` where all runs already", samples("s", times))


async def _restart(stack: Stack, name: str) -> Figure:
    """From kill -9 until the server that its supervisor started again serves."""
    serves = {"temporal": _temporal_serves, "postgres": _postgres_serves}[name]
    old = (await stack.refresh()).pids[name]
    killed = time.monotonic()
    os.kill(old, signal.SIGKILL)
    back = await until(_after(stack, serves), 60) - killed
    await stack.refresh()
    return plain(f"stack.restart_{name}", f"{name} serves again after kill -9", samples("s", [back]))


def _after(stack: Stack, serves: Callable[[Stack], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return await serves(stack)

    return condition


async def _temporal_serves(stack: Stack) -> bool:
    try:
        async with asyncio.timeout(1):
            await (await Client.connect(stack.info.temporal_address)).count_workflows()
    except (RuntimeError, RPCError, TimeoutError):
        return False
    return True


async def _postgres_serves(stack: Stack) -> bool:
    try:
        connection = await connect(stack.info.database_url)
    except StoreUnavailable:
        return False
    await connection.close()
    return True
