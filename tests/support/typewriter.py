"""A person at a terminal of their own, with a command that asks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

PATIENCE = 30.0
"""Seconds for one thing to be read, or for the end."""


class Typewriter:
    """What the command shows, and the keys that go to it."""

    def __init__(self, terminal: int, process: asyncio.subprocess.Process) -> None:
        self._terminal, self._process = terminal, process
        self._new = asyncio.Event()
        self._over = asyncio.Event()
        self._output = b""
        asyncio.get_running_loop().add_reader(terminal, self._read)

    @property
    def seen(self) -> str:
        return self._output.decode(errors="replace")

    async def reads(self, words: str) -> None:
        """Wait until they are shown. Fails with what was."""
        try:
            async with asyncio.timeout(PATIENCE):
                while words not in self.seen:
                    self._new.clear()
                    await self._new.wait()
        except TimeoutError:
            raise AssertionError(f"{words!r} is not in {self.seen!r}") from None

    def types(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    async def leaves(self) -> int:
        """Wait for the command's end; its exit code."""
        async with asyncio.timeout(PATIENCE):
            await self._over.wait()
            return await self._process.wait()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._terminal)
        os.close(self._terminal)

    def _read(self) -> None:
        try:
            self._output += os.read(self._terminal, 65_536)
        except OSError:  # EIO: nobody has the other end open any more
            asyncio.get_running_loop().remove_reader(self._terminal)
            self._over.set()
        self._new.set()


@asynccontextmanager
async def typewriter(*command: str) -> AsyncGenerator[Typewriter]:
    """Start the command with this process's environment; ended by its id where it has not ended itself."""
    ours, theirs = os.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "200", "CI": ""},
        )
    finally:
        os.close(theirs)
    person = Typewriter(ours, process)
    try:
        yield person
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        person.close()
