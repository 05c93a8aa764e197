"""A model's service that answers at once, in Anthropic's protocol, from a process of its own.

The model's name says how many steps it takes: `claude-...-bench-50` calls `bash` fifty times and then
`finish`; `claude-...-bench-50-of-400` prints 400 characters at each step instead of 8,000. Which step it is,
is read off the request, so it remembers nothing of a conversation.

    POST /v1/messages    a streamed answer; where no stream is asked for (mini-swe-agent), a whole one
    GET  /seen           [[time.monotonic(), turn], ...] of the model calls so far
    POST /hold/N         the next answer to turn N stops in its middle until the client is gone
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

_ASSISTANT = (b'"role":"assistant"', b'"role": "assistant"')
_MODEL = re.compile(rb'"model": ?"([^"]*-bench-(\d+)(?:-of-(\d+))?)"')
_STREAMED = (b'"stream":true', b'"stream": true')
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
"""mini-swe-agent's end of a task."""
SIZE = 8000
"""Characters of a command's output."""


def command(turn: int, size: int = SIZE) -> str:
    """A builtin of any shell: what is measured is the way there and back. No two are alike."""
    return f"printf 'step %{size - 6}d\\n' {turn}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for."""

    model: str
    turn: int
    steps: int
    size: int

    @property
    def over(self) -> bool:
        return self.turn >= self.steps

    @property
    def message(self) -> dict[str, Any]:
        """The answer without its content."""
        usage = {"input_tokens": 900, "cache_read_input_tokens": 2000 * self.turn, "output_tokens": 1}
        head = {"id": f"msg_{self.turn}", "type": "message", "role": "assistant", "model": self.model}
        return {**head, "usage": usage}


def events(asked: Asked) -> Iterator[dict[str, Any]]:
    """The stream of one answer."""
    yield {"type": "message_start", "message": {**asked.message, "content": []}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for word in ("Let ", "me ", "look."):
        yield {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": word},
        }
    yield {"type": "content_block_stop", "index": 0}
    bash = {"command": command(asked.turn, asked.size)}
    name, given = ("finish", {"summary": "done"}) if asked.over else ("bash", bash)
    tool: dict[str, Any] = {"type": "tool_use", "id": f"toolu_{asked.turn}", "name": name, "input": {}}
    yield {"type": "content_block_start", "index": 1, "content_block": tool}
    delta = {"type": "input_json_delta", "partial_json": json.dumps(given)}
    yield {"type": "content_block_delta", "index": 1, "delta": delta}
    yield {"type": "content_block_stop", "index": 1}
    yield {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 40}}
    yield {"type": "message_stop"}


def whole(asked: Asked) -> dict[str, Any]:
    """The same answer in one piece; it ends as mini-swe-agent wants to be told."""
    words = SUBMIT if asked.over else command(asked.turn, asked.size)
    tool = {"type": "tool_use", "id": f"toolu_{asked.turn}", "name": "bash", "input": {"command": words}}
    content: list[dict[str, Any]] = [{"type": "text", "text": "Let me look."}, tool]
    return {**asked.message, "content": content, "stop_reason": "tool_use", "stop_sequence": None}


class Service:
    """All connections' shared knowledge: who asked when, and what is to be held."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, int]] = []
        self.holds: set[int] = set()


class Connection(asyncio.Protocol):
    """One connection, for as many requests as the client likes."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).decode("latin-1")
        length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < whole:
            return
        # Looked at where it lies: what a long conversation costs here would be taken for the product's cost.
        self._respond(head.split(" ", 2)[1], self._buffer)
        del self._buffer[:whole]

    def _respond(self, path: str, body: bytearray) -> None:
        assert self._transport is not None
        if path.startswith("/v1/messages"):
            self._answer(self._transport, body)
        elif path.startswith("/hold/"):
            self._service.holds.add(int(path.rpartition("/")[2]))
            self._transport.write(_json({}))
        else:
            self._transport.write(_json(self._service.seen))

    def _answer(self, transport: asyncio.Transport, body: bytearray) -> None:
        turn = sum(body.count(said) for said in _ASSISTANT)
        named = _MODEL.search(body)
        assert named is not None, "the model's name must end in -bench-STEPS"
        self._service.seen.append((time.monotonic(), turn))
        asked = Asked(named[1].decode(), turn, int(named[2]), int(named[3] or SIZE))
        if not any(body.rfind(said) >= 0 for said in _STREAMED):  # at the end of ours: found at once
            transport.write(_json(whole(asked)))
            return
        stream = [_frame(event) for event in events(asked)]
        if turn in self._service.holds:
            self._service.holds.discard(turn)
            transport.write(_HEAD + b"".join(stream[:3]))
            return
        transport.write(_HEAD + b"".join(stream) + b"0\r\n\r\n")


def _frame(event: dict[str, Any]) -> bytes:
    data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


def _json(value: object) -> bytes:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def main() -> None:
    """Serve until standard input closes; the first line printed is the port."""
    service = Service()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
