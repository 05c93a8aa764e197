"""A model's service that streams as many chunks as it is told to, in four protocols.

    POST /CHUNKS/RATE/...   the rest of the path chooses the protocol; RATE chunks a second, 0: all at once

With a rate, each text is the time it was sent at (`time.monotonic_ns()`, one clock for all processes of a
machine), so the reader knows how long it was on its way. Run as a process: the first line printed is the
port; it ends with its standard input.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from functools import cache
from typing import cast

from bench.providers.protocols import Protocol, protocol_of

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_PATH = re.compile(rb"^POST /(\d+)/(\d+)(/\S*)")


def framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Connection(asyncio.Protocol):
    """One connection, for as many requests as the client likes."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._answering: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._answering:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", self._buffer, re.IGNORECASE)
        whole = end + 4 + (int(length[1]) if length else 0)
        if end < 0 or len(self._buffer) < whole:
            return
        asked = _PATH.match(bytes(self._buffer[:end]))
        del self._buffer[:whole]
        assert self._transport is not None
        if asked is None:  # a look at what it is: nothing but a stream
            self._transport.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            return
        chunks, rate = int(asked[1]), int(asked[2])
        protocol = protocol_of(asked[3].decode())
        if rate:
            task = asyncio.ensure_future(_paced(self._transport, protocol, chunks, rate))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        else:
            self._transport.write(_HEAD + _at_once(protocol, chunks))


@cache
def _at_once(protocol: Protocol, chunks: int) -> bytes:
    """The whole answer, each chunk framed by itself as a network would bring it. No two are alike: LiteLLM
    takes a model that repeats itself for broken."""
    begin = framed(protocol.begin) if protocol.begin else b""
    pieces = (framed(protocol.piece(f"word {number:012}")) for number in range(chunks))
    return begin + b"".join(pieces) + framed(protocol.end) + b"0\r\n\r\n"


async def _paced(transport: asyncio.Transport, protocol: Protocol, chunks: int, rate: int) -> None:
    transport.write(_HEAD + (framed(protocol.begin) if protocol.begin else b""))
    began = time.monotonic()
    for number in range(chunks):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        transport.write(framed(protocol.piece(str(time.monotonic_ns()))))
    transport.write(framed(protocol.end) + b"0\r\n\r\n")


async def main() -> None:
    """Serve until standard input closes."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
