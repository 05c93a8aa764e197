"""Run shell scripts in a sandbox: bounded output, a deadline, and nothing left behind.

The next sandbox is started while the model thinks (about 10 ms for the mounts) and waits for its script on
standard input, so a command pays for little more than its own work.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shlex
import signal
import sys
import time
from collections.abc import Mapping
from typing import cast

from tamma.errors import SandboxUnavailable
from tamma.workspace.interface import CommandResult, Progress
from tamma.workspace.sandbox.cgroup import Cgroup
from tamma.workspace.sandbox.output import HeadTail
from tamma.workspace.sandbox.profile import Profile
from tamma.workspace.sandbox.tiers import Tier, encode_script, shell_stub

_TICK = 1.0
_GRACE = 2.0
"""Seconds that a supervising launcher has to end its descendants before it is killed itself."""
_PIPE_BYTES = 1 << 20
"""A large output wakes this process 16 times less often than with the kernel's 64 kB."""
_IDLE = 120.0
"""Seconds after which a sandbox that was started ahead is given up."""


class Sandbox:
    """One profile under one tier. Runs one script at a time; `aclose` ends what waits."""

    def __init__(
        self, tier: Tier, profile: Profile, shm: str, *, prewarm: bool, cgroup: Cgroup | None = None
    ) -> None:
        self.tier = tier
        self.profile = profile
        self.shm = shm
        self._prewarm = prewarm
        self.cgroup = cgroup
        self._warm: _Process | None = None
        self._warming: asyncio.Task[None] | None = None

    async def run(
        self,
        script: str,
        *,
        timeout: float,
        progress: Progress,
        env: Mapping[str, str] | None = None,
    ) -> CommandResult:
        """Run `script`; at `timeout` seconds, or when cancelled, its whole process tree is killed."""
        started = time.monotonic()
        process = await self._take()
        try:
            process.send(encode_script(_exports(env) + script))
            timed_out = not await process.wait(started + timeout, progress)
        finally:
            # Not interrupted by a cancellation: the caller must find the tree at rest.
            await asyncio.shield(process.end())
            self._warm_up()
        output, left_out = process.output.text()
        return CommandResult(
            exit_code=128 + signal.SIGKILL if timed_out else process.exit_code,
            output=output,
            truncated_bytes=left_out,
            timed_out=timed_out,
            seconds=time.monotonic() - started,
        )

    async def aclose(self) -> None:
        """End what was started ahead. Idempotent; the next `run` starts afresh."""
        if self._warming is not None:
            await self._warming
            self._warming = None
        warm, self._warm = self._warm, None
        if warm is not None:
            await warm.end()

    async def _take(self) -> _Process:
        if self._warming is not None:
            await self._warming
            self._warming = None
        warm, self._warm = self._warm, None
        if warm is not None and warm.alive:
            return warm
        if warm is not None:
            await warm.end()  # it was given up, or killed
        return await self._start()

    def _warm_up(self) -> None:
        if self._prewarm and self._warm is None and self._warming is None:
            self._warming = asyncio.create_task(self._start_ahead())

    async def _start_ahead(self) -> None:
        # The next `run` starts its own sandbox, and reports what is wrong with it.
        with contextlib.suppress(SandboxUnavailable):
            self._warm = warm = await self._start()
            warm.expire(_IDLE)

    async def _start(self) -> _Process:
        argv = self.tier.argv(self.profile, shell_stub(self.profile.limits), self.shm)
        if self.cgroup is not None:
            argv = self.cgroup.enter(argv)
        cwd = "/" if self.tier.moves_paths else self.profile.cwd
        try:
            _, process = await asyncio.get_running_loop().subprocess_exec(
                lambda: _Process(supervised=not self.tier.moves_paths),
                *argv,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(self.profile.env),  # and nothing else: PID 1's environment is readable inside
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxUnavailable(
                f"the sandbox {self.tier.name!r} did not start: {error}",
                hint="see docs/sandbox.md for what each tier needs of the host",
            ) from error
        return process


def _exports(env: Mapping[str, str] | None) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in (env or {}).items())


class _Process(asyncio.SubprocessProtocol):
    """A sandbox from its start to the end of its last process."""

    def __init__(self, *, supervised: bool) -> None:
        self.output = HeadTail()
        self._supervised = supervised
        self._ended = asyncio.get_running_loop().create_future()
        self._transport: asyncio.SubprocessTransport | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._exited = False
        self._closed = False

    # --- called by the event loop ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        pipe = self._transport.get_pipe_transport(1)
        if sys.platform == "linux" and pipe is not None:
            with contextlib.suppress(OSError):  # the user's share of pipe buffers is used up: slower, no more
                fcntl.fcntl(pipe.get_extra_info("pipe"), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.output.feed(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self._closed = True
            self._check_ended()

    def process_exited(self) -> None:
        self._exited = True
        self._check_ended()

    def _check_ended(self) -> None:
        # Both: the output may end after the process, and the process after its output.
        if self._exited and self._closed and not self._ended.done():
            self._ended.set_result(None)

    # --- called by the sandbox ---

    @property
    def alive(self) -> bool:
        return not self._exited

    @property
    def exit_code(self) -> int:
        code = self._running().get_returncode()
        assert code is not None, "asked before the end"
        return code if code >= 0 else 128 - code

    def expire(self, seconds: float) -> None:
        self._expiry = asyncio.get_running_loop().call_later(seconds, self._signal, signal.SIGKILL)

    def send(self, script: bytes) -> None:
        """Hand over the script. Standard input stays open: its hang-up tells a launcher that we died."""
        if self._expiry is not None:
            self._expiry.cancel()
        pipe = cast(asyncio.WriteTransport, self._running().get_pipe_transport(0))
        pipe.write(script)

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
        if self._expiry is not None:
            self._expiry.cancel()
        # Namespaces end with their leader. Elsewhere a launcher ends its descendants when asked to.
        for kind in (signal.SIGTERM, signal.SIGKILL) if self._supervised else (signal.SIGKILL,):
            if self._ended.done():
                break
            self._signal(kind)
            await asyncio.wait((self._ended,), timeout=_GRACE)
        self._running().close()

    def _signal(self, kind: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if kind is signal.SIGTERM:
                self._running().send_signal(kind)
            else:
                os.killpg(self._running().get_pid(), kind)

    def _running(self) -> asyncio.SubprocessTransport:
        assert self._transport is not None
        return self._transport
