"""MCP over a child's standard streams: one JSON message a line.

The SDK's own transport hands down more of the environment, keeps a line without end in memory and writes the
child's words to our standard error; hence this one. Import it only when a server is started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from typing import Any, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from tamma.errors import ConfigError, StreamInterrupted
from tamma.mcp.limits import MAX_MESSAGE, Meter
from tamma.mcp.server import McpServer

GRACE = 1.0
"""Seconds to end by itself after its standard input closed, and again after SIGTERM."""
_CHUNK = 64 * 1024
_POLL = 0.01
_TAIL = 500
_UNSENT = 64
"""Messages that may wait for a child which does not read: a cancellation must not wait for it."""

Streams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]


@contextlib.asynccontextmanager
async def stdio_streams(server: McpServer, meter: Meter) -> AsyncGenerator[Streams]:
    """Start the server; leaving the block ends it and all that it started in its process group.

    Raises ConfigError where it cannot be started. In the block, InvalidRequest for a flood and
    StreamInterrupted for a death arrive in an exception group.
    """
    process = await _start(server)
    inbox, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, outbox = anyio.create_memory_object_stream[SessionMessage](_UNSENT)
    child = _Child(server, process, meter)
    try:
        async with inbox, incoming, outgoing, outbox, anyio.create_task_group() as tasks:
            tasks.start_soon(child.listen, inbox)
            tasks.start_soon(child.talk, outbox)
            tasks.start_soon(child.hear_errors)
            try:
                yield incoming, outgoing
            finally:
                tasks.cancel_scope.cancel()
    finally:
        # Shielded: a caller in a hurry must not leave an orphan behind. All waits in it are bounded.
        with anyio.CancelScope(shield=True):
            await _end(process)


async def _start(server: McpServer) -> Process:
    environment = server.environment()
    try:
        return await asyncio.create_subprocess_exec(
            *(server.command or "", *server.args),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=environment,
            # Not where the worker happens to be: that may be a clone, whose files (.npmrc, modules) would
            # then decide what the command means.
            cwd=environment.get("HOME") or "/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"MCP server {server.name!r}: {server.command!r} cannot be started: {error}",
            hint="give the command's full path, or install it",
        ) from error


class _Child:
    """The three conversations with one child."""

    def __init__(self, server: McpServer, process: Process, meter: Meter) -> None:
        self._server = server
        self._process = process
        self._meter = meter
        self._said = b""  # the end of its standard error

    async def listen(self, inbox: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
        """Pass on its messages; lines that are none are dropped, as some servers greet on standard output."""
        output = self._process.stdout
        assert output is not None
        line: list[bytes] = []
        held = 0
        while chunk := await output.read(_CHUNK):
            self._meter.take(len(chunk))
            *ended, rest = chunk.split(b"\n")
            for part in ended:
                await self._pass_on(b"".join((*line, part)), inbox)
                line.clear()
                held = 0
            line.append(rest)
            held += len(rest)
            if held > MAX_MESSAGE:
                raise self._meter.flood(f"sent a line of more than {MAX_MESSAGE} bytes")
        raise await self._death()

    async def talk(self, outbox: MemoryObjectReceiveStream[SessionMessage]) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        async for each in outbox:
            text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
            pipe.write(text.encode("utf-8", "replace") + b"\n")
            try:
                await pipe.drain()
            except ConnectionError:
                raise await self._death() from None

    async def hear_errors(self) -> None:
        """Its standard error is read so that it is not held up, and its end kept for messages."""
        output = self._process.stderr
        assert output is not None
        while chunk := await output.read(_CHUNK):
            self._meter.take(len(chunk))
            self._said = (self._said + chunk)[-_TAIL:]

    async def _pass_on(self, line: bytes, inbox: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
        if not line.strip():
            return
        try:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValueError:
            return
        await inbox.send(SessionMessage(message))

    async def _death(self) -> StreamInterrupted:
        await _gone(self._process, GRACE)  # its end and last words may be a moment behind its output's end
        code = self._process.returncode
        how = "closed its output" if code is None else f"ended with {code}"
        words = self._server.clean(self._said.decode(errors="replace"))
        return StreamInterrupted(
            f"MCP server {self._server.name!r} ({self._server.place}) {how}"
            + (f"; its last words: {words}" if words else ""),
            hint="it is started again when it is next needed; run its command by hand to see what is wrong",
            provider=self._server.name,
        )


async def _end(process: Process) -> None:
    """Close its input, ask, then kill; its whole process group, so that nothing of it is left."""
    if process.stdin is not None:
        process.stdin.close()
    await _gone(process, GRACE)
    for kind in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, kind)  # also where the leader ended by itself: others may be left
        await _gone(process, GRACE)
    # A descendant in a group of its own may hold our pipes open. Nothing public closes them.
    cast("Any", process)._transport.close()  # noqa: SLF001


async def _gone(process: Process, within: float) -> None:
    """Wait for its end. Not by `wait()`, which also waits for whoever inherited its pipes."""
    deadline = anyio.current_time() + within
    while process.returncode is None and anyio.current_time() < deadline:  # noqa: ASYNC110 - as said
        await anyio.sleep(_POLL)
