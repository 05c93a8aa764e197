"""The supervisor's unix socket: one request a connection, JSON lines.

-> {"op": "ensure", "protocol": 1, ...}
<- {"progress": "starting PostgreSQL"}      any number of them
<- {"ok": {...}}  or  {"error": {"type": "StackError", "message": "...", "hint": "..."}}
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from tamma.errors import ConfigError, StackError, TammaError
from tamma.stack.logfile import log_line

PROTOCOL = 1
"""Raised when an older supervisor would misunderstand a newer command."""
MAX_LINE = 4 * 1024 * 1024
Progress = Callable[[str], None]
Handler = Callable[[Mapping[str, Any], Progress], Awaitable[Mapping[str, Any]]]


class NotListening(Exception):
    """No supervisor answers on the socket."""


async def call(
    path: Path, request: Mapping[str, Any], *, timeout: float, progress: Progress | None = None
) -> dict[str, Any]:
    """Ask the supervisor. Raises NotListening, TimeoutError, and what the
    supervisor answers: StackError, ConfigError."""
    async with asyncio.timeout(timeout):
        try:
            reader, writer = await asyncio.open_unix_connection(str(path), limit=MAX_LINE)
        except OSError as error:  # whether the home can be used at all, a start finds out, and tells
            raise NotListening(str(path)) from error
        try:
            writer.write(json.dumps({"protocol": PROTOCOL, **request}).encode() + b"\n")
            await writer.drain()
            return await _answer(reader, progress)
        except ConnectionError as error:
            raise NotListening(str(path)) from error
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader, progress: Progress | None) -> dict[str, Any]:
    while line := await reader.readline():
        message: dict[str, Any] = json.loads(line)
        if "ok" in message:
            return message["ok"]
        if error := message.get("error"):
            kind = ConfigError if error["type"] == "ConfigError" else StackError
            raise kind(error["message"], hint=error["hint"])
        if progress is not None:
            progress(message["progress"])
    raise NotListening("the supervisor ended before it answered")


@contextlib.asynccontextmanager
async def serve(path: Path, handler: Handler) -> AsyncGenerator[None]:
    """Answer requests on `path` while the context lasts. A socket file left behind is replaced: whoever
    calls this holds the lock, so nobody listens on it."""
    _remove(path)
    connections: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await _converse(reader, writer, handler)
        finally:
            connections.discard(task)
            writer.close()

    server = await asyncio.start_unix_server(accept, str(path), limit=MAX_LINE)
    os.chmod(path, 0o600)
    try:
        yield
    finally:
        server.close()
        _remove(path)
        if connections:  # let the last answers out, `stop`'s own among them
            await asyncio.wait(connections, timeout=2.0)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    def send(message: Mapping[str, Any]) -> None:
        if not writer.is_closing():
            writer.write(json.dumps(message).encode() + b"\n")

    try:
        if not same_user(writer.get_extra_info("socket")):
            return
        request: Any = json.loads(await reader.readline())
        if request.get("protocol") != PROTOCOL:
            raise StackError(
                "the running stack was started by another version of tamma",
                hint="stop it with 'tamma dev stop' (runs go on after the next start), then try again",
            )
        send({"ok": await handler(request, lambda text: send({"progress": text}))})
    except TammaError as error:
        send({"error": {"type": type(error).__name__, "message": str(error), "hint": error.hint}})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # Not the request itself: it may carry secrets.
        log_line(f"a request was not understood: {type(error).__name__}")
        send({"error": {"type": "StackError", "message": "the request was not understood", "hint": None}})
    with contextlib.suppress(ConnectionError):
        await writer.drain()


def same_user(sock: socket.socket) -> bool:
    """Whether the other end runs as this user. The folder's mode says so already; this says it twice."""
    if sys.platform != "linux":
        return True
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid = struct.unpack("3i", credentials)[1]
    return uid in (0, os.geteuid())
