"""A service that answers at once: each address has its JSON, given on the command line as a file.

    {"/repos/o/r/issues": {"body": [...], "headers": {"etag": "..."}}, ...}

Run as a process: the first line printed is the port; it ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any, cast

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def answer(body: object, headers: dict[str, str]) -> bytes:
    """The whole answer, as it goes over the wire."""
    payload = json.dumps(body).encode()
    lines = ["HTTP/1.1 200 OK", "content-type: application/json", f"content-length: {len(payload)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + payload


class Connection(asyncio.Protocol):
    """One connection, for as many requests as the client likes."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self._answers = answers
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._buffer[:end])
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            path = self._buffer.split(b" ", 2)[1].split(b"?")[0].decode()
            del self._buffer[:whole]
            assert self._transport is not None
            missing = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}"
            self._transport.write(self._answers.get(path, missing))


async def main(given: dict[str, dict[str, Any]]) -> None:
    """Serve until standard input closes."""
    answers = {path: answer(each["body"], each.get("headers", {})) for path, each in given.items()}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
