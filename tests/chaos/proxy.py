"""A TCP proxy that can be cut: what a network partition looks like to both ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_CHUNK = 65536


@dataclass
class Proxy:
    """Passes bytes on, both ways. While it is cut nothing passes, and neither end is told of it."""

    target: str
    """HOST:PORT"""
    address: str = ""
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _connections: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def cut(self) -> None:
        """Let nothing pass. New connections are taken, and stay silent."""
        self._open.clear()

    def heal(self) -> None:
        """Let pass again, what has waited first."""
        self._open.set()

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until both ends have closed it."""
        try:
            await self._open.wait()
            host, _, port = self.target.rpartition(":")
            with suppress(ConnectionError):  # whoever is behind is away: so is this connection
                far_reader, far_writer = await asyncio.open_connection(host, int(port))
                try:
                    await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
                finally:
                    far_writer.close()
        finally:
            writer.close()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(_CHUNK):
            await self._open.wait()
            sink.write(chunk)
            await sink.drain()
        await self._open.wait()
        with suppress(OSError):  # the other end may be gone already
            sink.write_eof()

    async def close(self) -> None:
        connections = tuple(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


@asynccontextmanager
async def proxy(target: str) -> AsyncGenerator[Proxy]:
    """A proxy to `target`, on a free port of the loopback; open."""
    made = Proxy(target)
    made.heal()
    server = await asyncio.start_server(made.connected, "127.0.0.1", 0)
    made.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        await made.close()
        await server.wait_closed()
