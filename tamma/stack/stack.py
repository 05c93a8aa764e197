"""What commands call: start or join the embedded stack, look at it, stop it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tamma.errors import StackError
from tamma.stack.control import NotListening, call
from tamma.stack.interface import ServiceStatus, StackInfo, StackRequest, StackStatus
from tamma.stack.logfile import tail
from tamma.stack.paths import StackPaths
from tamma.stack.process import Process, import_path, is_alive

ENSURE_TIMEOUT = 120.0
"""Seconds for a whole start; the first one on a slow disk takes the longest."""
STOP_TIMEOUT = 90.0
STATUS_TIMEOUT = 5.0
START_TRIES = 3
POLL_SECONDS = 0.02

Progress = Callable[[str], None]


def paths_of(home: Path) -> StackPaths:
    return StackPaths(home.expanduser().resolve())


async def ensure_stack(
    home: Path, request: StackRequest, progress: Progress | None = None, *, timeout: float = ENSURE_TIMEOUT
) -> StackInfo:
    """Start the servers that `request` needs, or join those that run. Quick where all runs already.

    `progress` is called with short lines while it starts. Raises ConfigError (home not writable, embedded
    servers not installed) and StackError (they do not start), each with a hint.
    """
    paths = paths_of(home)
    worker = request.worker
    message: dict[str, Any] = {
        "op": "ensure",
        "temporal": request.temporal_address,
        "database": request.database_url,
        "worker": worker
        and {
            "fingerprint": worker.fingerprint,
            "env": dict(worker.env),
            "command": worker.command,
            "grace": worker.grace,
        },
    }
    answer = await _call_or_start(paths, message, progress, timeout)
    return StackInfo(
        temporal_address=answer["temporalAddress"],
        namespace=answer["namespace"],
        ui_url=answer["uiUrl"],
        database_url=answer["databaseUrl"],
        pids=answer["pids"],
        log=paths.log,
    )


async def stack_status(home: Path) -> StackStatus:
    """What runs. Starts nothing and writes nothing. Raises StackError where a supervisor hangs."""
    paths = paths_of(home)
    try:
        answer = await call(paths.socket, {"op": "status"}, timeout=STATUS_TIMEOUT)
    except NotListening:
        return StackStatus(False, paths.home, paths.log, orphans=_orphan_pids(paths))
    except TimeoutError:
        raise StackError(
            f"the supervisor of {str(paths.home)!r} does not answer", hint=f"see {str(paths.log)!r}"
        ) from None
    return StackStatus(
        running=True,
        home=paths.home,
        log=paths.log,
        supervisor_pid=answer["supervisorPid"],
        version=answer["version"],
        uptime=answer["uptime"],
        temporal_address=answer["temporalAddress"],
        ui_url=answer["uiUrl"],
        services=tuple(ServiceStatus(**service) for service in answer["services"]),
    )


async def stop_stack(home: Path, progress: Progress | None = None) -> bool:
    """Stop everything, also servers whose supervisor was killed. Open runs go on after the next start.

    False where nothing ran. Raises StackError where something could not be ended.
    """
    paths = paths_of(home)
    if not paths.lock.exists():
        return False
    try:
        await call(paths.socket, {"op": "stop"}, timeout=STOP_TIMEOUT, progress=progress)
        stopped = True
    except (NotListening, TimeoutError):
        stopped = await _end_supervisor(paths)
    lock = await _wait_for_lock(paths, time.monotonic() + STATUS_TIMEOUT)
    try:
        orphans = _orphan_pids(paths)
        if orphans:
            from tamma.stack.orphans import stop_orphans

            await stop_orphans(paths)
    finally:
        os.close(lock)
    return stopped or bool(orphans)


async def _call_or_start(
    paths: StackPaths, message: dict[str, Any], progress: Progress | None, timeout: float
) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    starts = 0
    while (left := deadline - time.monotonic()) > 0:
        try:
            return await call(paths.socket, message, timeout=left, progress=progress)
        except TimeoutError:
            break
        except NotListening:
            pass
        if not _is_locked(paths):
            if starts == START_TRIES:
                raise StackError(
                    "the supervisor of the embedded servers ends as soon as it starts",
                    hint=f"its last words, in {str(paths.log)!r}:\n{tail(paths.log)}",
                )
            starts += 1
            if progress is not None and starts == 1:
                progress("starting the embedded servers")
            paths.prepare()
            await asyncio.to_thread(_start_supervisor, paths)
        await _until_listening(paths, min(deadline, time.monotonic() + 5.0))
    raise StackError(
        f"the embedded servers were not ready within {timeout:.0f} s", hint=f"see {str(paths.log)!r}"
    )


def _start_supervisor(paths: StackPaths) -> None:
    """Start it detached: its own session, no inherited terminal, its output in the log."""
    # Secrets of this command's environment are none of the supervisor's business.
    keep = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "XDG_RUNTIME_DIR")
    env = {name: os.environ[name] for name in keep if name in os.environ} | import_path()
    argv = [sys.executable, "-m", "tamma.stack.daemon", str(paths.home)]
    log = os.open(paths.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # It forks once and its first process ends at once: this does not wait for the servers.
        subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=env,
            start_new_session=True,
            check=True,
            timeout=30,
        )
    finally:
        os.close(log)


async def _until_listening(paths: StackPaths, deadline: float) -> None:
    """Wait until its socket is there; earlier back where the supervisor ended or was somebody else's."""
    await asyncio.sleep(POLL_SECONDS)
    while time.monotonic() < deadline and _is_locked(paths) and not paths.socket.exists():  # noqa: ASYNC110
        await asyncio.sleep(POLL_SECONDS)


async def _end_supervisor(paths: StackPaths) -> bool:
    """Kill a supervisor that holds the lock but does not answer. False where there is none."""
    from tamma.stack.state import read_state

    supervisor = read_state(paths.state).supervisor
    if not _is_locked(paths) or supervisor is None or not is_alive(supervisor):
        return False
    await Process(supervisor).stop(signal.SIGTERM, STATUS_TIMEOUT)
    return True


async def _wait_for_lock(paths: StackPaths, deadline: float) -> int:
    while True:
        fd = os.open(paths.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            if time.monotonic() > deadline:
                raise StackError(
                    f"the supervisor of {str(paths.home)!r} did not end", hint=f"see {str(paths.log)!r}"
                ) from None
            await asyncio.sleep(POLL_SECONDS)
        else:
            return fd


def _is_locked(paths: StackPaths) -> bool:
    try:
        fd = os.open(paths.lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # A shared lock: two commands that look at the same moment do not see each other.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _orphan_pids(paths: StackPaths) -> dict[str, int]:
    if not paths.home.exists():
        return {}
    from tamma.stack.orphans import find_orphans

    return {name: ref.pid for name, ref in find_orphans(paths).items()}
