"""Servers of others that tests speak to: found, started, waited for, ended.

A peer that is absent is a visible skip on a developer's machine and a failure in CI, which installs them all
(`.ci/install-peers packages`): a suite that quietly tests nothing there would be green for ever.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn

import pytest

PEERS = Path(__file__).parents[2] / ".peers"
STARTUP = 60.0
"""Seconds; the slowest needs 4 on an idle machine."""


def absent(what: str) -> NoReturn:
    """Skip the test, or fail it in CI."""
    why = f"{what} is not installed (see .ci/install-peers)"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def peer(path: str) -> Path:
    """The file below `.peers`, e.g. `node_modules/@github/copilot/index.js`."""
    found = PEERS / path
    if not found.exists():
        absent(path)
    return found


def node() -> str:
    """The Node that npm peers run on."""
    return str(peer("bin/node"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@asynccontextmanager
async def running(
    *command: str,
    ready: Callable[[], Awaitable[bool]],
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    within: float = STARTUP,
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A process whose `ready` came true, ended by its id. Fails with the end of its output in `log`.

    `env` is added to PATH alone: a peer must not see this machine's keys. HOME is the log's folder.
    """
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(log.parent), **(env or {})}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=cwd,
        )
    try:
        await _until(ready, process, log, within)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 60)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _until(
    ready: Callable[[], Awaitable[bool]], process: asyncio.subprocess.Process, log: Path, within: float
) -> None:
    try:
        async with asyncio.timeout(within):
            while not await ready():
                if process.returncode is not None:
                    pytest.fail(f"it ended with {process.returncode}: {_end(log)}")
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"not ready after {within} s: {_end(log)}")


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
