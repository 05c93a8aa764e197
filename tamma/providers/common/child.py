"""A child process that never outlives us: the runtimes of vendors that come as a program.

Between us and the program stands a small keeper, this very file run as a script. It holds the other end of a
pipe that we never write to: however we end, even by SIGKILL, the pipe closes, and the keeper ends the
program and all that it started. (Linux's parent-death signal would reach the program alone, and comes too
early where the thread that started it ends first.)

POSIX only. Standard library only: the keeper runs without our packages.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

OUTPUT_CHARS = 8_000
"""As much of a child's output as is kept, its end."""
GRACE = 1.0
"""Seconds between the request to end and the order."""

_INHERITED = frozenset(
    {
        "PATH",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TZ",
        "TMPDIR",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "NODE_EXTRA_CA_CERTS",
    }
    | {name for low in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (low, low.upper())}
)


def environment(ours: Mapping[str, str], **more: str) -> dict[str, str]:
    """What a vendor's program may see of our environment, and `more`: no keys but those meant for it."""
    return {name: value for name, value in ours.items() if name in _INHERITED} | more


class Child:
    """A running program. Belongs to the event loop that made it."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> None:
        """Start `argv`, whose first word is a path. Raises OSError where the keeper cannot be started."""
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._news = asyncio.Event()
        self._text = ""
        self._popen = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,  # the terminal's Ctrl-C is for us, who then end it in order
            bufsize=0,
        )
        assert self._popen.stdout is not None
        self._out = self._popen.stdout
        os.set_blocking(self._out.fileno(), False)
        self._loop.add_reader(self._out, self._read)

    @property
    def pid(self) -> int:
        """The keeper's; the program is its child."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return not self._ended.done()

    @property
    def output(self) -> str:
        """The end of what the program wrote."""
        return self._text

    async def wait(self) -> None:
        """Wait until the program and all that it started have ended."""
        await asyncio.shield(self._ended)

    async def says(self, pattern: re.Pattern[str], within: float) -> re.Match[str] | None:
        """Wait for `pattern` in the output; None where the program ended first. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while (found := pattern.search(self._text)) is None:
                if not self.alive:
                    return None
                self._news.clear()
                await self._news.wait()
        return found

    async def stop(self) -> None:
        """End it and wait for its end. Idempotent."""
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        await self.wait()

    def _read(self) -> None:
        try:
            data = os.read(self._out.fileno(), 65_536)
        except BlockingIOError:
            return
        self._text = (self._text + data.decode(errors="replace"))[-OUTPUT_CHARS:]
        self._news.set()
        if data:
            return
        # Nobody holds the other end any more: the keeper, which outlives the program, is ending.
        self._loop.remove_reader(self._out)
        self._out.close()
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        self._popen.wait()
        self._ended.set_result(None)


# --- the keeper ----------------------------------------------------------------------------------


def keep(argv: Sequence[str]) -> int:
    """Run `argv` until it ends or standard input does; its exit code as a shell tells it."""
    try:
        program = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"cannot start {argv[0]!r}: {error.strerror}", file=sys.stderr)  # noqa: T201 - its only voice
        return 127
    threading.Thread(target=_end_with_owner, args=(program,), daemon=True).start()
    code = program.wait()
    _signal_all(program, signal.SIGKILL)  # what it left behind
    return code if code >= 0 else 128 - code


def _end_with_owner(program: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1):
        pass
    _signal_all(program, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        program.wait(GRACE)
    _signal_all(program, signal.SIGKILL)


def _signal_all(program: subprocess.Popen[bytes], kind: signal.Signals) -> None:
    # The program leads a session of its own, so its pid names the group as long as a member lives.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, kind)


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
