"""Processes that may outlive whoever started them.

A pid alone names nothing: it may have been given to another process since. A `ProcessRef` therefore carries
the moment of birth too, and signals go through a pidfd where the system has them, so that a recycled pid is
never taken for ours and never killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.2
"""How often an exit is looked for where the system has no pidfd (macOS)."""


@dataclass(frozen=True, slots=True)
class ProcessRef:
    pid: int
    birth: str


def birth_of(pid: int) -> str | None:
    """A token of when process `pid` was born; None where it is gone or a zombie."""
    return _birth_linux(pid) if sys.platform == "linux" else _birth_psutil(pid)


def is_alive(ref: ProcessRef) -> bool:
    return birth_of(ref.pid) == ref.birth


def ref_of(pid: int) -> ProcessRef | None:
    birth = birth_of(pid)
    return None if birth is None else ProcessRef(pid, birth)


def _birth_linux(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The second field, the command, may hold spaces and parentheses: count from its last parenthesis.
    fields = stat[stat.rindex(b")") + 2 :].split()
    if fields[0] in (b"Z", b"X"):
        return None
    return f"{_boot_id()}:{int(fields[19])}"


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _birth_psutil(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{process.create_time():.2f}"
    except psutil.Error:
        return None


class Process:
    """A running process, started by us or adopted."""

    def __init__(self, ref: ProcessRef, child: subprocess.Popen[bytes] | None = None) -> None:
        self.ref = ref
        self._child = child

    @property
    def pid(self) -> int:
        return self.ref.pid

    @property
    def adopted(self) -> bool:
        return self._child is None

    def alive(self) -> bool:
        return is_alive(self.ref)

    async def wait(self) -> int | None:
        """Wait for its end; its exit code, or None where it was not our child."""
        fd = _pidfd(self.pid)
        try:
            while self.alive():
                if fd is None:
                    await asyncio.sleep(POLL_SECONDS)
                else:
                    await _readable(fd)
        finally:
            if fd is not None:
                os.close(fd)
        return self._reap()

    def send(self, signum: int) -> None:
        """Send a signal; a process that is gone is no error."""
        fd = _pidfd(self.pid)
        try:
            if not self.alive():
                return
            with contextlib.suppress(ProcessLookupError):
                if fd is None:
                    os.kill(self.pid, signum)
                else:  # The pidfd was opened before the check: what was checked is what gets the signal.
                    signal.pidfd_send_signal(fd, signum)
        finally:
            if fd is not None:
                os.close(fd)

    async def stop(self, signum: int, grace: float) -> None:
        """Ask it to end by `signum`; after `grace` seconds, SIGKILL."""
        self.send(signum)
        try:
            await asyncio.wait_for(self.wait(), grace)
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self.wait()

    def _reap(self) -> int | None:
        """Collect the exit code, and end what the process left running in its session."""
        if self._child is None:
            _end_session(self.pid)
            return None
        # It is a zombie until `wait` below, so its pid, which is also its group's id, cannot be reused yet.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._child.returncode is None:
                os.killpg(self.pid, signal.SIGKILL)
        return self._child.wait()


def _end_session(leader: int) -> None:
    """End the other members of a session whose leader, not our child, has ended. PostgreSQL's workers would
    notice by themselves, but hold its memory, and so its restart, until they do."""
    import psutil

    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # As long as a member lives, the leader's pid cannot be given to anyone else.
            if os.getsid(pid) == leader and pid != leader and birth_of(leader) is None:
                os.kill(pid, signal.SIGKILL)


def _pidfd(pid: int) -> int | None:
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # gone, or a kernel or seccomp policy without pidfds
        return None


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(fd, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)


def spawn(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> Process:
    """Start a process in a session of its own, its output appended to `log`. Raises OSError."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    # A child that ended already is a zombie until reaped: its pid is still its own.
    return Process(ref_of(child.pid) or ProcessRef(child.pid, "ended"), child)


def import_path() -> dict[str, str]:
    """The environment in which a child of ours finds this very package, also from a checkout that is not
    installed. A child never imports from the folder it happens to run in."""
    parent = str(Path(__file__).resolve().parents[2])
    installed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    path = {} if parent in installed else {"PYTHONPATH": parent}
    return {"PYTHONSAFEPATH": "1", **path}


async def run_command(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, stdin: bytes = b"", timeout: float = 60.0
) -> tuple[int, str]:
    """Run a short command to its end; its exit code and whole output. Raises OSError, TimeoutError."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=None if env is None else dict(env),
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(stdin), timeout)
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    return process.returncode or 0, output.decode(errors="replace")
