"""Run shell scripts in a sandbox: bounded output, a deadline, and nothing left behind.

The next sandbox is started while the model thinks (its mounts cost some 10 ms) and waits for its script on
standard input, so a command pays for little more than its own work.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import signal
import time
from collections.abc import Mapping

from tamma.errors import SandboxUnavailable
from tamma.workspace.interface import CommandResult, Progress
from tamma.workspace.sandbox.cgroup import Cgroup
from tamma.workspace.sandbox.process import Process
from tamma.workspace.sandbox.profile import Profile
from tamma.workspace.sandbox.tiers import Tier, encode_script, shell_stub

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
        self.cgroup = cgroup
        self._prewarm = prewarm
        self._warm: Process | None = None
        self._timer: asyncio.Handle | None = None
        """Starts the next sandbox, and later gives it up."""
        self._closed = False
        """Nobody is left to end a sandbox that a run, still at its end, would start ahead."""

    async def run(
        self,
        script: str,
        *,
        timeout: float,
        progress: Progress,
        env: Mapping[str, str] | None = None,
    ) -> CommandResult:
        """Run `script`; at `timeout` seconds, or when cancelled, its whole process tree is killed.

        Raises SandboxUnavailable where the tier's program cannot be started.
        """
        self._closed = False
        started = time.monotonic()
        message = encode_script(_exports(env) + script)
        process = await self._take()
        timed_out = not await self._finish(process, message, started + timeout, progress)
        if not process.delivered and not timed_out:
            # The sandbox that was started ahead died before it had read its script.
            process = self._start()
            timed_out = not await self._finish(process, message, started + timeout, progress)
        output, left_out = process.output.text()
        return CommandResult(
            exit_code=128 + signal.SIGKILL if timed_out else process.exit_code,
            output=output,
            truncated_bytes=left_out,
            timed_out=timed_out,
            seconds=time.monotonic() - started,
        )

    async def _finish(self, process: Process, message: bytes, deadline: float, progress: Progress) -> bool:
        """Let `process` run the script to its end; False where `deadline` came first."""
        try:
            process.send(message)
            return await process.wait(deadline, progress)
        finally:
            # Not interrupted by a cancellation: the caller must find the tree at rest.
            await asyncio.shield(process.end())
            self._start_soon()

    @property
    def waiting(self) -> int | None:
        """The process of the sandbox that was started ahead, if there is one."""
        return self._warm.pid if self._warm is not None else None

    async def aclose(self) -> None:
        """End what was started ahead. Idempotent; the next `run` starts afresh."""
        self._closed = True
        warm = self._take_warm()
        if warm is not None:
            await warm.end()

    async def _take(self) -> Process:
        warm = self._take_warm()
        if warm is not None:
            if warm.alive:
                return warm
            await warm.end()  # it was given up, or killed
        return self._start()

    def _take_warm(self) -> Process | None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        warm, self._warm = self._warm, None
        return warm

    def _start_soon(self) -> None:
        if self._prewarm and not self._closed and self._warm is None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_soon(self._start_ahead)

    def _start_ahead(self) -> None:
        # Where this fails, the next `run` starts its own sandbox and reports what is wrong with it.
        with contextlib.suppress(SandboxUnavailable):
            self._warm = self._start()
            self._timer = asyncio.get_running_loop().call_later(_IDLE, self._warm.kill)

    def _start(self) -> Process:
        argv = self.tier.argv(self.profile, shell_stub(self.profile.limits), self.shm)
        if self.cgroup is not None:
            argv = self.cgroup.enter(argv)
        cwd = "/" if self.tier.moves_paths else self.profile.cwd
        try:
            # The environment is the profile's and nothing else: PID 1's is readable inside.
            return Process(argv, dict(self.profile.env), cwd, supervised=not self.tier.moves_paths)
        except OSError as error:
            raise SandboxUnavailable(
                f"the sandbox {self.tier.name!r} did not start: {error}",
                hint="see docs/sandbox.md for what each tier needs of the host",
            ) from error


def _exports(env: Mapping[str, str] | None) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in (env or {}).items())
