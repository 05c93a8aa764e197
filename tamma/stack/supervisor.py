"""The one process per TAMMA_HOME that keeps the embedded servers and the worker alive.

It is started detached by the first command that needs it, holds a lock for life, and is spoken to by a unix
socket. When it is killed, the servers go on; the next command starts a new one, which adopts them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from tamma import __version__
from tamma.errors import StackError
from tamma.stack.control import Progress, serve
from tamma.stack.interface import WORKER_COMMAND, WorkerSpec, succeed, worker_serves
from tamma.stack.logfile import log_line, rotate
from tamma.stack.orphans import stop_orphans
from tamma.stack.paths import StackPaths
from tamma.stack.postgres_server import PostgresServer
from tamma.stack.process import is_alive, ref_of
from tamma.stack.service import Server, Service
from tamma.stack.settings import dev_server_settings
from tamma.stack.state import StackState, read_state, write_state
from tamma.stack.temporal_server import TemporalServer
from tamma.stack.worker_server import WorkerServer

HOUSEKEEPING_SECONDS = 5.0
IDLE_SECONDS = 30.0
"""A supervisor that was never asked for anything ends itself."""


class Supervisor:
    """Holds the services; `run` returns when everything has been stopped."""

    def __init__(self, paths: StackPaths, lock_fd: int) -> None:
        self._paths = paths
        self._lock_fd = lock_fd
        self._settings = dev_server_settings()
        self._left_behind = _living(read_state(paths.state))
        self._services: dict[str, Service] = {}
        self._temporal: TemporalServer | None = None
        self._postgres: PostgresServer | None = None
        self._worker: WorkerServer | None = None
        self._worker_lock = asyncio.Lock()
        self._replacing: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._started = time.monotonic()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._stop.set)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal goes, the stack stays
        log_line(f"tamma {__version__} keeps the stack of {str(self._paths.home)!r}")
        async with serve(self._paths.socket, self._handle):
            await self._housekeeping()
            await self._end()
        log_line("stopped")

    async def _handle(self, request: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
        match request["op"]:
            case "ensure":
                return await self._ensure(request, progress)
            case "status":
                return self._status()
            case "stop":
                self._stop.set()
                await self._end(progress)
                return {}
            case unknown:
                raise StackError(f"the stack has no operation {unknown!r}")

    # --- ensure ----------------------------------------------------------------------------------

    async def _ensure(self, request: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
        if self._stop.is_set():
            raise StackError("the stack is being stopped", hint="try again in a moment")
        if request["temporal"] is None:
            self._ensure_temporal(progress)
        if request["database"] is None:
            self._ensure_postgres(progress)
        await asyncio.gather(
            *(service.ready() for name, service in list(self._services.items()) if name != "worker")
        )
        addresses = self._addresses(request)
        if (spec := _worker_spec(request["worker"])) is not None:
            await self._ensure_worker(spec, addresses, progress)
        return {
            "temporalAddress": addresses["TAMMA_TEMPORAL_ADDRESS"],
            "namespace": self._settings.namespace,
            "uiUrl": self._temporal.ui_url if request["temporal"] is None and self._temporal else None,
            "databaseUrl": addresses["DATABASE_URL"],
            "pids": self._pids(),
        }

    def _addresses(self, request: Mapping[str, Any]) -> dict[str, str]:
        temporal = request["temporal"] or (self._temporal.address if self._temporal else "")
        database = request["database"] or (self._postgres.dsn if self._postgres else "")
        addresses = {"TAMMA_TEMPORAL_ADDRESS": temporal, "DATABASE_URL": database}
        if request["temporal"] is None:  # the embedded server has this namespace and no other
            addresses["TAMMA_TEMPORAL_NAMESPACE"] = self._settings.namespace
        return addresses

    def _ensure_temporal(self, progress: Progress) -> None:
        if self._missing("temporal"):
            progress("starting Temporal")
            self._temporal = TemporalServer(self._paths, self._settings, self._left_behind.ports)
            self._launch(self._temporal)

    def _ensure_postgres(self, progress: Progress) -> None:
        if self._missing("postgres"):
            progress("starting PostgreSQL")
            self._postgres = PostgresServer(self._paths, migrate_embedded)
            self._launch(self._postgres)

    async def _ensure_worker(
        self, spec: WorkerSpec, addresses: Mapping[str, str], progress: Progress
    ) -> None:
        async with self._worker_lock:
            server = WorkerServer(self._paths, spec, addresses)
            suits = worker_serves(self._running_fingerprint(), server.fingerprint)
            if self._missing("worker"):
                progress("starting the worker")
                self._launch(server)
                suits = suits or not self._services["worker"].status().adopted
                await self._services["worker"].ready()
                self._worker = server
            if not suits:
                progress("restarting the worker with the changed configuration")
                before = self._worker.spec if self._worker else None
                self._worker = WorkerServer(self._paths, succeed(before, spec), addresses)
                self._replacing = asyncio.create_task(self._replace_worker(self._worker, self._replacing))
            self._remember()
        worker = self._services["worker"].status()
        if worker.state == "backoff" and worker.problem:
            progress(f"the worker does not stay up ({worker.problem}): see {self._paths.log}")

    async def _replace_worker(self, server: WorkerServer, before: asyncio.Task[None] | None) -> None:
        """Not waited for by the command: what it submits waits in a queue for the new worker."""
        if before is not None:
            await before
        if self._stop.is_set() or self._worker is not server:
            return  # a still newer one is coming
        log_line("replacing the worker: its configuration has changed")
        await self._services["worker"].stop()
        if not self._stop.is_set():
            self._launch(server)

    def _running_fingerprint(self) -> str | None:
        return self._worker.fingerprint if self._worker else self._left_behind.worker_fingerprint

    def _missing(self, name: str) -> bool:
        service = self._services.get(name)
        return service is None or service.failed

    def _launch(self, server: Server) -> None:
        service = Service(server, self._paths.log, self._remember)
        self._services[server.name] = service
        service.start(self._left_behind.services.get(server.name))

    # --- status, state ---------------------------------------------------------------------------

    def _status(self) -> Mapping[str, Any]:
        return {
            "supervisorPid": os.getpid(),
            "version": __version__,
            "uptime": round(time.monotonic() - self._started, 1),
            "temporalAddress": self._temporal.address if self._temporal and self._temporal.ports else None,
            "uiUrl": self._temporal.ui_url if self._temporal and self._temporal.ports else None,
            "services": [asdict(service.status()) for service in self._services.values()],
        }

    def _pids(self) -> dict[str, int]:
        running = {name: service.ref for name, service in self._services.items()}
        return {"supervisor": os.getpid(), **{name: ref.pid for name, ref in running.items() if ref}}

    def _remember(self) -> None:
        """Write down what runs, as soon as it changes: a successor adopts by this."""
        # What was left behind and has not been asked for yet is still somebody's to adopt.
        refs = {n: r for n, r in self._left_behind.services.items() if n not in self._services}
        refs |= {name: service.ref for name, service in self._services.items() if service.ref}
        ports = self._temporal.ports if self._temporal else self._left_behind.ports
        state = StackState(ref_of(os.getpid()), refs, ports, self._running_fingerprint())
        write_state(self._paths.state, state)

    # --- the end ---------------------------------------------------------------------------------

    async def _housekeeping(self) -> None:
        """Until told to stop: rotate the log, and notice when nobody wants us any more."""
        while not self._stop.is_set():
            try:
                await asyncio.wait_for(self._stop.wait(), HOUSEKEEPING_SECONDS)
            except TimeoutError:
                rotate(self._paths.log)
                if not self._home_is_ours():
                    log_line("TAMMA_HOME was removed: stopping")
                    self._stop.set()
                if not self._services and time.monotonic() - self._started > IDLE_SECONDS:
                    self._stop.set()

    def _home_is_ours(self) -> bool:
        try:
            there, ours = os.stat(self._paths.lock), os.fstat(self._lock_fd)
        except OSError:
            return False
        return there.st_ino == ours.st_ino

    async def _end(self, progress: Progress | None = None) -> None:
        """Stop everything, once, however many ask for it."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._stop_services(progress))
        await asyncio.shield(self._ending)

    async def _stop_services(self, progress: Progress | None) -> None:
        """The worker first, while its servers still answer; then the servers side by side."""
        if self._replacing is not None:
            await self._replacing
        for names in (("worker",), ("temporal", "postgres")):
            present = [self._services[name] for name in names if name in self._services]
            if progress is not None and present:
                progress(f"stopping {' and '.join(service.server.name for service in present)}")
            await asyncio.gather(*(service.stop() for service in present))
        await stop_orphans(self._paths, known=self._services)


async def migrate_embedded(dsn: str) -> None:
    """Bring the embedded database's schema up to date."""
    from tamma.store.migrate import migrate

    await migrate(dsn)


def _living(state: StackState) -> StackState:
    """What of a predecessor's state still holds. Ports matter only while something counts on them."""
    services = {name: ref for name, ref in state.services.items() if is_alive(ref)}
    return replace(
        state,
        services=services,
        ports=state.ports if services else None,
        worker_fingerprint=state.worker_fingerprint if "worker" in services else None,
    )


def _worker_spec(raw: Mapping[str, Any] | None) -> WorkerSpec | None:
    if raw is None:
        return None
    command = tuple(raw["command"]) or WORKER_COMMAND
    return WorkerSpec(raw["fingerprint"], dict(raw["env"]), command, float(raw["grace"]))
