"""A model's service that plays a script over real HTTP (OpenAI's protocol) and counts who asked for what.

It lives in the test's process, so it outlives every worker: what it counts is what would have been paid. Like
the scripted provider it remembers nothing of a conversation: which turn to play is read off the request.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, int]
"""A lane (plan, agent, review) and the number of a turn in it."""

MODEL = "crash-test"
_WORDS = 4
"""Chunks that a held answer sends before it stops."""


@dataclass
class Asked:
    """One request. `answered` once its last byte was sent."""

    key: Key
    at: float
    """time.monotonic()"""
    words: str = ""
    """The request's last message, as JSON."""
    answered: bool = False


@dataclass
class Hold:
    """Stops the next answer to `key` in its middle, until `release` or until the client is gone."""

    key: Key
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        self.released.set()


@dataclass
class ModelServer:
    """The service. `url` is what a provider's `baseUrl` wants."""

    lanes: Mapping[str, Sequence[Mapping[str, Any]]]
    asked: list[Asked] = field(default_factory=list[Asked])
    url: str = ""
    _holds: list[Hold] = field(default_factory=list[Hold])

    def hold(self, lane: str, turn: int) -> Hold:
        """Stop the next answer to that turn in its middle, once."""
        hold = Hold((lane, turn))
        self._holds.append(hold)
        return hold

    def times(self, key: Key) -> list[float]:
        """When that turn was asked for."""
        return [asked.at for asked in self.asked if asked.key == key]

    def heard(self, words: str) -> Key | None:
        """The turn before which the model first got a message with these words."""
        return next((asked.key for asked in self.asked if words in asked.words), None)

    def paid_again(self) -> int:
        """Calls beyond the first of every turn."""
        return sum(count - 1 for count in Counter(asked.key for asked in self.asked).values())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for as many requests as the client likes."""
        try:
            while True:
                head, body = await _read(reader)
                if head.startswith("GET"):
                    writer.write(_plain({"object": "list", "data": [{"id": MODEL, "object": "model"}]}))
                else:
                    await self._answer(body, reader, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client is gone, which is what these tests are about: `answered` tells when
        finally:
            writer.close()

    async def _answer(
        self, body: Mapping[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        key = _key(body)
        asked = Asked(key, time.monotonic(), json.dumps(body["messages"][-1]))
        self.asked.append(asked)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        hold = next((hold for hold in self._holds if hold.key == key), None)
        for number, chunk in enumerate(_chunks(self.lanes[key[0]][key[1]])):
            if hold is not None and number == _WORDS:
                self._holds.remove(hold)
                await writer.drain()
                hold.reached.set()
                await _released(hold, reader)
            event = chunk if isinstance(chunk, str) else json.dumps(chunk)
            writer.write(_frame(f"data: {event}\n\n".encode()))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        asked.answered = True


@asynccontextmanager
async def model_server(lanes: Mapping[str, Sequence[Mapping[str, Any]]]) -> AsyncGenerator[ModelServer]:
    """A running server that plays `lanes`, in the form of the scripted provider."""
    model = ModelServer(lanes)
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(model.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    model.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield model
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()


async def _read(reader: asyncio.StreamReader) -> tuple[str, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = (line.partition(":") for line in head.split("\r\n")[1:])
    headers = {name.lower(): value.strip() for name, _, value in lines}
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    return head, json.loads(raw) if raw else None


def _key(body: Mapping[str, Any]) -> Key:
    """Agents are given tools, a review is given a change, a plan neither."""
    messages: list[Mapping[str, Any]] = body["messages"]
    turn = sum(message["role"] == "assistant" for message in messages)
    if body.get("tools"):
        return "agent", turn
    return ("review" if "Review this change" in json.dumps(messages[-1]) else "plan"), turn


def _chunks(turn: Mapping[str, Any]) -> Iterator[Mapping[str, Any] | str]:
    """A turn as the events of a stream; at least `_WORDS` words come before its calls."""
    text: str = turn.get("text", "")
    words = text.split(" ") if text.count(" ") >= _WORDS else [*["Hm, "] * _WORDS, text]
    if not turn.get("tool_calls"):  # a plan or a review, which is JSON: cut it, add nothing
        step = max(1, len(text) // (_WORDS + 2))
        words = [text[start : start + step] for start in range(0, len(text), step)]
    for word in words:
        yield _chunk({"content": word})
    for index, call in enumerate(turn.get("tool_calls", ())):
        function = {"name": call["name"], "arguments": json.dumps(call["args"])}
        yield _chunk({"tool_calls": [{"index": index, "id": f"c{index}", "function": function}]})
    yield _chunk({}, finish="tool_calls" if turn.get("tool_calls") else "stop")
    yield {**_chunk({}), "choices": [], "usage": {"prompt_tokens": 900, "completion_tokens": 40}}
    yield "[DONE]"


def _chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "r", "object": "chat.completion.chunk", "model": MODEL, "choices": [choice]}


async def _released(hold: Hold, reader: asyncio.StreamReader) -> None:
    """Wait for the release. Raises ConnectionError where the client goes first."""
    gone = asyncio.ensure_future(reader.read(1))
    released = asyncio.ensure_future(hold.released.wait())
    try:
        await asyncio.wait({gone, released}, return_when=asyncio.FIRST_COMPLETED)
        if not released.done():
            raise ConnectionError("the client is gone")
    finally:
        for task in (gone, released):
            task.cancel()
        await asyncio.gather(gone, released, return_exceptions=True)


def _plain(value: object) -> bytes:
    body = json.dumps(value).encode()
    return (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        + body
    )


def _frame(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
