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
    restarts = [await _restart(stack, name) for name in SERVES]
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
    old = (await stack.refresh()).pids[name]
    known = stack.info.log.stat().st_size
    killed = time.monotonic()
    os.kill(old, signal.SIGKILL)

    async def back() -> bool:
        return await SERVES[name](stack, known)

    seconds = await until(back, 60) - killed
    await stack.refresh()
    return plain(f"stack.restart_{name}", f"{name} serves again after kill -9", samples("s", [seconds]))


async def _temporal_serves(stack: Stack, _known: int) -> bool:
    try:
        async with asyncio.timeout(1):
            await (await Client.connect(stack.info.temporal_address)).count_workflows()
    except (RuntimeError, RPCError, TimeoutError):
        return False
    return True


async def _postgres_serves(stack: Stack, _known: int) -> bool:
    try:
        connection = await connect(stack.info.database_url)
    except StoreUnavailable:
        return False
    await connection.close()
    return True


async def _worker_serves(stack: Stack, known: int) -> bool:
    with stack.info.log.open("rb") as log:
        log.seek(known)
        return b'"worker.started"' in log.read()


SERVES: dict[str, Callable[[Stack, int], Awaitable[bool]]] = {
    "temporal": _temporal_serves,
    "postgres": _postgres_serves,
    "worker": _worker_serves,
}
"""Whether a server serves again; the number is where the log ended when it was killed."""
