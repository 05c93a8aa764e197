"""A wire to a server that can be cut and mended, while the server itself goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress


class Wire:
    """Carries bytes between an address of its own and the server's."""

    def __init__(self, server: str) -> None:
        host, _, port = server.rpartition(":")
        self._host, self._far_port, self._port = host, int(port), 0
        self._listening: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    async def mend(self) -> None:
        """Take connections, at the same address as before."""
        self._listening = await asyncio.start_server(self._join, "127.0.0.1", self._port)
        self._port = self._listening.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        if self._listening is not None:
            self._listening.close()
        for end in self._ends:
            end.transport.abort()

    async def close(self) -> None:
        self.cut()
        await asyncio.gather(*self._carrying)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, self._far_port)
        for source, target in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._carry(source, target))
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        self._ends.add(target)
        try:
            with suppress(OSError):
                while some := await source.read(65_536):
                    target.write(some)
                    await target.drain()
        finally:
            self._ends.discard(target)
            target.transport.abort()


@asynccontextmanager
async def wire_to(server: str) -> AsyncGenerator[Wire]:
    """A wire to `host:port`, mended."""
    wire = Wire(server)
    await wire.mend()
    try:
        yield wire
    finally:
        await wire.close()
