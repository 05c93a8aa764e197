"""Keeps one server running: starts it, waits until it is ready, starts it again when it dies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tamma.errors import StackError, TammaError
from tamma.stack.interface import ServiceStatus
from tamma.stack.logfile import log_line, tail
from tamma.stack.process import Process, ProcessRef, is_alive, spawn

BACKOFF_FIRST = 0.2
BACKOFF_MAX = 5.0
STEADY_SECONDS = 10.0
"""A server that ran this long is well: the next backoff starts from the beginning."""
FIRST_START_TRIES = 3
"""A server that never became ready after so many starts fails the command that asked for it."""


@dataclass(frozen=True, slots=True)
class Launch:
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path


class Server(Protocol):
    """What differs between Temporal, PostgreSQL and the worker."""

    @property
    def name(self) -> str: ...

    @property
    def stop_signal(self) -> int: ...

    @property
    def stop_grace(self) -> float:
        """Seconds between the stop signal and SIGKILL."""
        ...

    @property
    def ready_timeout(self) -> float: ...

    def find_orphan(self) -> ProcessRef | None:
        """One that runs on our data though no state file knows it."""
        ...

    async def prepare(self) -> Launch:
        """Everything before the process. Raises StackError, ConfigError."""
        ...

    async def is_ready(self, pid: int) -> bool:
        """A quick look, called again and again."""
        ...

    async def on_ready(self) -> None:
        """What a ready server still needs before it is of use. Raises TammaError."""
        ...


class Service:
    """One server under supervision. `start` it once; then it is kept alive until `stop`."""

    def __init__(self, server: Server, log: Path, on_change: Callable[[], None]) -> None:
        self.server = server
        self._log = log
        self._on_change = on_change
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopping = asyncio.Event()
        self._up = asyncio.Event()
        self._state = "stopped"
        self._ready_at = 0.0
        self._restarts = 0
        self._problem: str | None = None

    @property
    def ref(self) -> ProcessRef | None:
        return self._process.ref if self._process else None

    @property
    def failed(self) -> bool:
        """Whether it never became ready and was given up."""
        return self._first.done() and not self._first.cancelled() and self._first.exception() is not None

    def start(self, recorded: ProcessRef | None = None) -> None:
        """Begin; a live process that was recorded (or found on our data) is adopted instead of started."""
        ref = recorded if recorded and is_alive(recorded) else self.server.find_orphan()
        if ref is not None:
            log_line(f"adopting {self.server.name}, pid {ref.pid}")
            self._process = Process(ref)
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.server.name}")

    async def ready(self) -> None:
        """Wait until it runs, also through a restart. Raises what it was given up for."""
        await asyncio.shield(self._first)
        ends = [asyncio.ensure_future(self._up.wait()), asyncio.ensure_future(self._stopping.wait())]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        if self._stopping.is_set():
            raise StackError(f"{self.server.name} is being stopped", hint="try again in a moment")

    async def stop(self) -> None:
        """End it and leave nothing of it behind."""
        self._stopping.set()
        self._set("stopping")
        if self._process is not None:
            await self._process.stop(self.server.stop_signal, self.server.stop_grace)
        if self._task is not None:
            await self._task
        self._process = None
        if not self._first.done():
            self._first.set_exception(StackError(f"{self.server.name} was stopped while it started"))
        if self.failed:
            self._first.exception()  # retrieved: nobody else may be waiting any more
        self._set("stopped")

    def status(self) -> ServiceStatus:
        process = self._process
        uptime = time.monotonic() - self._ready_at if self._state == "running" else 0.0
        return ServiceStatus(
            name=self.server.name,
            state=self._state,
            pid=process.pid if process else None,
            uptime=round(uptime, 1),
            restarts=self._restarts,
            adopted=bool(process and process.adopted),
            problem=self._problem,
        )

    async def _keep(self) -> None:
        delay = BACKOFF_FIRST
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                await self._run_once()
            except Exception as error:
                # What is wrong before there is a process (a package, the data's version) stays wrong.
                hopeless = self._process is None and isinstance(error, TammaError)
                await self._end_broken(error)
                failures += 1
                if hopeless or failures >= FIRST_START_TRIES:
                    self._give_up(error)
            if self._stopping.is_set() or self.failed:
                return
            if time.monotonic() - started >= STEADY_SECONDS:
                delay = BACKOFF_FIRST
            self._restarts += 1
            self._set("backoff")
            log_line(f"{self.server.name} will be started again in {delay:.1f} s")
            await self._pause(delay)
            delay = min(delay * 2, BACKOFF_MAX)

    async def _run_once(self) -> None:
        """From start (or adoption) to the process's end."""
        self._set("starting")
        process = self._process
        if process is None:
            launch = await self.server.prepare()
            if self._stopping.is_set():
                return
            process = spawn(launch.argv, env=launch.env, cwd=launch.cwd, log=self._log)
            self._process = process
            log_line(f"started {self.server.name}, pid {process.pid}")
            self._on_change()
        await self._until_ready(process)
        await self.server.on_ready()
        if not self._stopping.is_set():
            self._ready_at = time.monotonic()
            self._problem = None
            self._set("running")
            if not self._first.done():
                self._first.set_result(None)
        code = await process.wait()
        self._process = None
        if not self._stopping.is_set():
            self._problem = f"ended with code {code}" if code is not None else "ended"
            log_line(f"{self.server.name}, pid {process.pid}, {self._problem}")

    async def _until_ready(self, process: Process) -> None:
        deadline = time.monotonic() + self.server.ready_timeout
        pause = 0.01
        while not await self.server.is_ready(process.pid):
            if not process.alive():
                if self._stopping.is_set():
                    return
                raise StackError(
                    f"{self.server.name} ended while it started",
                    hint=f"its last words, in {str(self._log)!r}:\n{tail(self._log)}",
                )
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.server.name} was not ready within {self.server.ready_timeout:.0f} s",
                    hint=f"see {str(self._log)!r}",
                )
            await self._pause(pause)
            pause = min(pause * 1.5, 0.1)

    async def _end_broken(self, error: BaseException) -> None:
        self._problem = str(error) if isinstance(error, TammaError) else f"{type(error).__name__}: {error}"
        log_line(f"{self.server.name}: {self._problem}")
        if self._process is not None:
            await self._process.stop(self.server.stop_signal, 5.0)
            self._process = None
            self._on_change()

    def _give_up(self, error: BaseException) -> None:
        """Fail the first start. A server that has run before is never given up."""
        if self._first.done():
            return
        if not isinstance(error, TammaError):
            error = StackError(f"{self.server.name} could not be started: {error or type(error).__name__}")
        self._first.set_exception(error)
        self._first.exception()  # mark as retrieved: whoever waits still gets it
        self._set("stopped")

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    def _set(self, state: str) -> None:
        self._state = state
        if state == "running":
            self._up.set()
        else:
            self._up.clear()
        self._on_change()
