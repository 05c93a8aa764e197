"""A tiny HTTP/1.1 server that answers with exactly the bytes a test wants, when it wants them.

Real servers cannot be made to stop in the middle of a character, to stall for good, or to tell the moment a
client hung up. This one can: an `Answer` is a list of steps.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

Step = bytes | float | Literal["drop", "hang"]
"""Bytes to send, seconds to wait, `drop` (reset the connection) or `hang` (until the client goes)."""


_NO_BODY = (204, 304)


@dataclass(frozen=True)
class Answer:
    """Status and headers, then a chunked body step by step. Ends cleanly unless a step says otherwise."""

    steps: Sequence[Step] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    content_type: str = "text/event-stream"


def json_answer(body: object, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer([json.dumps(body).encode()], status, named, "application/json")


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class RawServer:
    """`async with RawServer(answer, ...) as server`: the answers in order, the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.received: list[Received] = []
        self.connections = 0
        self.asked = asyncio.Event()
        """Set with the first request."""
        self.hung_up = asyncio.Event()
        """Set when a client closed its connection before its answer was complete."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def answer_to(self, request: Received) -> Answer:
        """What `request` gets. A subclass may look at its path."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client is gone, between two requests or in the middle of one: `hung_up` tells which
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.received.append(await _read_request(reader))
        self.asked.set()
        answer = self.answer_to(self.received[-1])
        writer.write(_head(answer))
        if answer.status in _NO_BODY:
            await writer.drain()
            return True
        sending = asyncio.ensure_future(_send(answer.steps, writer))
        gone = asyncio.ensure_future(reader.read(1))  # EOF: the client closed
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                self.hung_up.set()
                return False
            return await sending
        finally:
            for task in (sending, gone):
                task.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)


async def _read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, path, headers, json.loads(raw) if raw else None)


def _head(answer: Answer) -> bytes:
    body = {} if answer.status in _NO_BODY else {"transfer-encoding": "chunked"}
    headers = {"content-type": answer.content_type, **body, **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _send(steps: Sequence[Step], writer: asyncio.StreamWriter) -> bool:
    """Send the steps. Returns whether the connection may serve another request."""
    for step in steps:
        if step == "drop":
            await writer.drain()
            writer.transport.abort()
            return False
        if step == "hang":
            await asyncio.Event().wait()
        elif isinstance(step, float):
            await asyncio.sleep(step)
        elif isinstance(step, bytes) and step:
            writer.write(b"%x\r\n%s\r\n" % (len(step), step))
            await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True
