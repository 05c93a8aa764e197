"""A sandbox's processes, from the start of the outermost to the end of the last.

On file descriptors and the event loop alone. asyncio's own subprocesses never return when they are cancelled
while they start (before Python 3.12.4), and reap children in a thread each.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import fcntl
import os
import signal
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

from tamma.workspace.interface import Progress
from tamma.workspace.sandbox.output import HeadTail

_TICK = 1.0
_GRACE = 2.0
"""Seconds that a supervising launcher has to end its descendants before it is killed itself."""
_PIPE_BYTES = 1 << 20
"""A large output wakes this process 16 times less often than with the kernel's 64 kB."""
_READ_BYTES = 1 << 18


class Process:
    """A started command line, leader of a session of its own. For one event loop; Linux (pidfd)."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cwd: str, *, supervised: bool) -> None:
        """Start it. Raises OSError. `supervised`: a launcher ends the descendants when asked to."""
        self.output = HeadTail()
        self._supervised = supervised
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._unsent = b""
        self.delivered = True
        """After `end`: whether the whole script was read. One that was not has had no effect."""
        # Popen waits for the exec, some 2 ms; there is nothing in between that a cancellation could hit.
        self._popen = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
            bufsize=0,
        )
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._stdin, self._stdout = self._popen.stdin, self._popen.stdout
        self._pidfd = os.pidfd_open(self._popen.pid)
        for pipe in (self._stdin, self._stdout):
            os.set_blocking(pipe.fileno(), False)
            with contextlib.suppress(OSError):  # the user's share of pipe buffers is used up: slower, no more
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._loop.add_reader(self._stdout, self._read)
        self._loop.add_reader(self._pidfd, self._exited)

    @property
    def pid(self) -> int:
        """The outermost process, leader of its group."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Whether it runs; asked of the kernel, since the loop may not have been told yet."""
        return self._popen.poll() is None

    @property
    def exit_code(self) -> int:
        """Of an ended process: its code, or 128 + signal."""
        code = self._popen.returncode
        return code if code >= 0 else 128 - code

    def send(self, script: bytes) -> None:
        """Hand over the script. Standard input stays open: its hang-up tells a launcher that we died."""
        self._unsent = script
        self._write()

    async def wait(self, deadline: float, progress: Progress) -> bool:
        """Wait for the end, telling `progress` every second; False where `deadline` came first."""
        started = time.monotonic()
        while not self._ended.done():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            await asyncio.wait((self._ended,), timeout=min(_TICK, left))
            if not self._ended.done():
                progress(f"a command runs since {time.monotonic() - started:.0f} s")
        return True

    async def end(self) -> None:
        """Kill what is left and wait for it. Done already where it ended by itself."""
        # Namespaces end with their leader. Elsewhere a launcher ends its descendants when asked to.
        for kind in (signal.SIGTERM, signal.SIGKILL) if self._supervised else (signal.SIGKILL,):
            if self._ended.done():
                break
            self.kill(kind)
            await asyncio.wait((self._ended,), timeout=_GRACE)
        self._close_input()
        self._close_output()
        self._close_pidfd()

    def kill(self, kind: signal.Signals = signal.SIGKILL) -> None:
        """Signal the leader (SIGTERM, for a launcher) or its group (anything else)."""
        with contextlib.suppress(ProcessLookupError):
            if kind is signal.SIGTERM:
                self._popen.send_signal(kind)
            elif self._popen.returncode is None:
                os.killpg(self.pid, kind)

    # --- called by the event loop ---

    def _read(self) -> None:
        try:
            data = os.read(self._stdout.fileno(), _READ_BYTES)
        except BlockingIOError:
            return
        self.output.feed(data)
        if not data:
            self._close_output()
            self._check_ended()

    def _write(self) -> None:
        try:
            sent = os.write(self._stdin.fileno(), self._unsent)
        except BlockingIOError:
            sent = 0
        except BrokenPipeError:  # it ended before it read
            self.delivered = False
            sent = len(self._unsent)
        self._unsent = self._unsent[sent:]
        if self._unsent:
            self._loop.add_writer(self._stdin, self._write)
        else:
            self._loop.remove_writer(self._stdin)

    def _exited(self) -> None:
        self._popen.poll()
        self._close_pidfd()
        self._check_ended()

    def _check_ended(self) -> None:
        # Both: the output may end after the process, and the process after its output.
        if self._popen.returncode is not None and self._stdout.closed and not self._ended.done():
            self._ended.set_result(None)

    # --- descriptors: each is taken from the loop before it is closed ---

    def _close_input(self) -> None:
        if not self._stdin.closed:
            unread = array.array("i", [0])
            fcntl.ioctl(self._stdin, termios.FIONREAD, unread)
            if unread[0] or self._unsent:
                self.delivered = False
            self._loop.remove_writer(self._stdin)
            self._stdin.close()

    def _close_output(self) -> None:
        if not self._stdout.closed:
            self._loop.remove_reader(self._stdout)
            self._stdout.close()

    def _close_pidfd(self) -> None:
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
