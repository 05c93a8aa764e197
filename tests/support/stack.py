"""A real embedded stack for tests, started once for a test process.

`from tests.support.stack import stack_home` in a conftest gives the fixture; `ensure_stack(stack_home, ...)`
then joins it in a few milliseconds. What a test kills there comes back by itself.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tamma.stack.interface import StackRequest, WorkerSpec
from tamma.stack.process import birth_of
from tamma.stack.stack import ensure_stack, stop_stack
from tests.support.processes import eventually

IDLE_WORKER = (
    sys.executable,
    "-c",
    """
import os, pathlib, signal, time
pathlib.Path(os.environ["TAMMA_HOME"], "worker-env").write_text(repr(dict(os.environ)))
signal.signal(signal.SIGTERM, lambda *_: exit(0))
while True:
    time.sleep(60)
""",
)
"""Stands where the worker will: it writes down its environment, ends on SIGTERM, and does nothing else."""


def idle_worker(
    fingerprint: str = "one", env: dict[str, str] | None = None, grace: float = 5.0
) -> WorkerSpec:
    return WorkerSpec(fingerprint, env or {}, IDLE_WORKER, grace)


def short_home() -> Path:
    """A folder directly below /tmp: the paths of unix sockets are short."""
    return Path(tempfile.mkdtemp(prefix="tamma-s-", dir="/tmp"))


def stop_and_remove(home: Path) -> None:
    asyncio.run(stop_stack(home))
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def stack_home() -> Iterator[Path]:
    """TAMMA_HOME of a running stack: Temporal and PostgreSQL, no worker."""
    home = short_home()
    try:
        asyncio.run(ensure_stack(home, StackRequest()))
        yield home
    finally:
        stop_and_remove(home)


@pytest.fixture
def fresh_home() -> Iterator[Path]:
    """A home in which nothing runs yet; whatever a test starts in it is stopped."""
    home = short_home()
    try:
        yield home
    finally:
        stop_and_remove(home)


@contextmanager
def stranger() -> Generator[int]:
    """The pid of a process that has nothing to do with any stack."""
    process = subprocess.Popen(["sleep", "60"])
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


async def until_gone(*pids: int) -> None:
    await eventually(lambda: all(birth_of(pid) is None for pid in pids))
