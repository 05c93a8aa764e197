"""Processes that a test starts and may kill: workers, and the Temporal server on its database file."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from temporalio.client import Client
from temporalio.service import RPCError

from tamma.stack.settings import dev_server_settings
from tamma.stack.temporal_server import start_arguments, temporal_executable
from tamma.temporal.plugin import tamma_plugin


class Child:
    """A process that the test started, and may kill."""

    def __init__(
        self, arguments: Sequence[str | Path], env: Mapping[str, str], folder: Path, name: str
    ) -> None:
        self.log = folder / f"{name}.log"
        folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(argument) for argument in arguments],
                env={**env, **_marks()},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None while it lives."""
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. Idempotent; also ends one that is suspended."""
        self._process.kill()
        self._process.wait(10)

    async def ended(self, seconds: float = 30) -> int:
        """Wait for its end; its exit code, negative for a signal."""
        await eventually(lambda: self._process.poll() is not None, seconds)
        return self._process.returncode


class Temporal:
    """The dev server as `tamma dev` starts it, on a database file: it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        settings = dev_server_settings()
        with ExitStack() as stack:
            # Both are held until both are known, so that they differ.
            self._ports = (stack.enter_context(_free_port()), stack.enter_context(_free_port()))
        self._folder = folder
        self._arguments = start_arguments(settings, folder / "temporal.db", self._ports)
        self._child: Child | None = None
        self.address = f"{settings.ip}:{self._ports[0]}"

    async def start(self) -> None:
        """Start it and wait until it serves the namespace."""
        env = {"HOME": str(self._folder), "PATH": os.environ["PATH"]}
        self._child = Child((temporal_executable(), *self._arguments), env, self._folder, "temporal")
        await eventually(self._serves)

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    async def _serves(self) -> bool:
        try:
            # Connecting alone does not ask for the namespace, which comes a moment after the port.
            await (await self.connect()).count_workflows()
        except (RuntimeError, RPCError):  # what the SDK raises for a failed connection, and for a failed call
            return False
        return True

    async def connect(self) -> Client:
        return await Client.connect(self.address, plugins=[tamma_plugin()])

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()


def running(command: str) -> bool:
    """Whether a process with this command line lives, in a sandbox or out of one."""
    return any(
        process.info["cmdline"] == command.split() and process.info["status"] != psutil.STATUS_ZOMBIE
        for process in psutil.process_iter(["cmdline", "status"])
    )


async def eventually(condition: Callable[[], object | Awaitable[object]], seconds: float = 90) -> None:
    """Wait until `condition` holds. Fails the test when it does not in time."""
    deadline = time.monotonic() + seconds
    pause = 0.05  # it grows: a look is often a question to a server
    while True:
        holds = condition()
        if await holds if isinstance(holds, Awaitable) else holds:
            return
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {condition}"
        await asyncio.sleep(pause)
        pause = min(pause * 1.3, 0.2)


def _marks() -> dict[str, str]:
    """What tells the guard of tests/conftest.py that a process is this run's."""
    names = ("TAMMA_TEST_RUN", "PYTEST_CURRENT_TEST")
    return {name: os.environ[name] for name in names if name in os.environ}


@contextmanager
def _free_port() -> Generator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


def command_of(process: psutil.Process) -> str:
    """Its words; empty where it has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
