"""Anthropic's Messages API over real HTTP, playing a script and refusing what the real one refuses.

It remembers nothing of a conversation: which turn to play is read off the request, so a call that is made
twice (a lost heartbeat, a killed worker) gets the same answer twice. llmock, whose answers stand in one
queue, cannot do that.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.providers.vendors.anthropic import anthropic_block, anthropic_end, anthropic_start

Turn = Mapping[str, Any]
"""`{"text": ..., "tool_calls": [{"name": ..., "args": {...}}]}`, the scripted provider's form."""
_PIECE = 40
"""Characters of a text or of a tool's arguments in one event."""


class AnthropicServer:
    """`with AnthropicServer(plan, agent, review) as server`; a provider's base URL is `server.url`."""

    def __init__(self, plan: Turn, agent: Sequence[Turn], review: Turn) -> None:
        self.asked: list[dict[str, Any]] = []
        """The bodies of all requests that were answered."""
        self.violations: list[str] = []
        self._lanes = {"plan": [plan], "agent": list(agent), "review": [review]}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> AnthropicServer:
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)

    def answer(self, path: str, headers: Message, body: dict[str, Any]) -> list[bytes] | str:
        """The events of the answer, or why there is none."""
        problems = [*_problems(path, headers), *_conversation_problems(body)]
        self.violations += problems
        if problems:
            return "; ".join(problems)
        self.asked.append(body)
        number = sum(message["role"] == "assistant" for message in body["messages"])
        return list(_events(self._turn(body, number), number, body["model"]))

    def _turn(self, body: Mapping[str, Any], number: int) -> Turn:
        """Agents are given tools, a review is given a change, a plan neither."""
        if body.get("tools"):
            return self._lanes["agent"][number]
        lane = "review" if "<diff>" in json.dumps(body["messages"][-1]) else "plan"
        return self._lanes[lane][number]


def _problems(path: str, headers: Message) -> Iterator[str]:
    if path != "/v1/messages":
        yield f"there is no {path}"
    if not (headers.get("x-api-key") or headers.get("authorization")):
        yield "a key is required, as x-api-key or as bearer token"
    if not headers.get("anthropic-version"):
        yield "anthropic-version: header is required"


def _conversation_problems(body: Mapping[str, Any]) -> Iterator[str]:
    """What the real service answers with `invalid_request_error`."""
    for name in ("model", "messages", "max_tokens"):
        if not body.get(name):
            yield f"{name}: Field required"
    wanted: list[str] = []
    for number, message in enumerate(body.get("messages", ())):
        where, content = f"messages.{number}", message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if message["role"] != ("assistant" if number % 2 else "user"):
            yield f"{where}: roles must alternate"
        if not blocks or any(block["type"] == "text" and not block["text"].strip() for block in blocks):
            yield f"{where}: text content blocks must be non-empty"
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if sorted(results) != sorted(wanted):
            yield f"{where}: `tool_use` ids need `tool_result` blocks immediately after: {wanted}, {results}"
        if results and [block["type"] for block in blocks[: len(results)]] != ["tool_result"] * len(results):
            yield f"{where}: `tool_result` blocks must come first"
        wanted = [block["id"] for block in blocks if block["type"] == "tool_use"]
    marked = json.dumps(body).count('"cache_control"')
    if marked > 4:
        yield f"a maximum of 4 blocks with cache_control may be provided, found {marked}"


def _events(turn: Turn, number: int, model: str) -> Iterator[bytes]:
    yield anthropic_start(model)
    text, calls = turn.get("text", ""), turn.get("tool_calls", ())
    if text:
        deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(text)]
        yield from anthropic_block(0, {"type": "text", "text": ""}, *deltas)
    for index, call in enumerate(calls, start=1 if text else 0):
        block: dict[str, Any] = {
            "type": "tool_use",
            "id": f"toolu_{number}_{index}",
            "name": call["name"],
            "input": {},
        }
        pieces = ["", *_pieces(json.dumps(call["args"]))]
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        yield from anthropic_block(index, block, *deltas)
    yield from anthropic_end("tool_use" if calls else "end_turn")


def _pieces(text: str) -> list[str]:
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]


def _handler(server: AnthropicServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = server.answer(self.path.partition("?")[0], self.headers, body)
            if isinstance(answer, str):
                error = {"type": "error", "error": {"type": "invalid_request_error", "message": answer}}
                content = json.dumps(error).encode()
                self._head(400, "application/json", ("content-length", str(len(content))))
                self.wfile.write(content)
                return
            self._head(200, "text/event-stream", ("transfer-encoding", "chunked"))
            for event in answer:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.write(b"0\r\n\r\n")

        def _head(self, status: int, kind: str, *headers: tuple[str, str]) -> None:
            self.send_response(status)
            for name, value in (("content-type", kind), ("request-id", "req_1"), *headers):
                self.send_header(name, value)
            self.end_headers()

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Quiet."""

    return Handler
