"""Streamable HTTP against a server that breaks it in every way."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tamma.errors import (
    AuthFailed,
    InvalidRequest,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
    RateLimited,
    StreamInterrupted,
)
from tamma.mcp.client import McpClient
from tamma.mcp.server import McpServer
from tests.support.pace import PROMPT
from tests.support.peers import free_port
from tests.support.raw_http import Answer, RawServer, Received, Step, json_answer

CANARY = "canary-0123456789"
ACCEPTED = Answer((), 202, content_type="application/json")
NO_STREAM = Answer((), 405, content_type="text/plain")
NOTE = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x" * 100}}


def event(message: object) -> bytes:
    return f"event: message\ndata: {json.dumps(message)}\n\n".encode()


def result(request: Received, value: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": request.body["id"], "result": value}


class McpHttp(RawServer):
    """Shakes hands as it should, and answers calls with `call`, whose `None` step is the right answer."""

    def __init__(self, call: Answer | None = None, greeting: Answer | None = None) -> None:
        super().__init__(ACCEPTED)
        self.call = call
        self.greeting = greeting
        self.sessions = 0

    def answer_to(self, request: Received) -> Answer:
        if request.method != "POST":
            return NO_STREAM
        match request.body.get("method"):
            case "initialize":
                return self.greeting or self._hello(request)
            case "tools/call":
                right = {"content": [{"type": "text", "text": "fine"}]}
                return self.call or json_answer(result(request, right))
            case "tools/list":
                tools = [{"name": "chat", "inputSchema": {"type": "object"}}]
                return json_answer(result(request, {"tools": tools}))
            case _:
                return ACCEPTED

    def _hello(self, request: Received) -> Answer:
        self.sessions += 1
        value: dict[str, object] = {
            "protocolVersion": request.body["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "raw", "version": "1"},
        }
        return json_answer(result(request, value), mcp_session_id=f"s{self.sessions}")


@asynccontextmanager
async def client_of(server: McpHttp, **more: Any) -> AsyncGenerator[McpClient]:
    headers = {"authorization": f"Bearer {CANARY}"}
    given: dict[str, Any] = {"timeout": 20.0, "start_timeout": 20.0, **more}
    named = McpServer("mine", url=f"{server.url}/mcp", headers=headers, **given)
    client = McpClient(named, max_traffic=4_000_000)
    try:
        yield client
    finally:
        await client.close()


async def test_a_call_and_its_headers() -> None:
    async with McpHttp() as server, client_of(server) as client:
        assert (await client.call("chat", {})).text == "fine"
        assert [tool.name for tool in await client.tools()] == ["chat"]
    posts = [each for each in server.received if each.method == "POST"]
    assert {each.headers["authorization"] for each in posts} == {f"Bearer {CANARY}"}
    assert {each.headers["accept-encoding"] for each in posts} == {"identity"}
    assert server.received[-1].method == "DELETE", "the session is ended"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (json_answer({}, 401), AuthFailed),
        (json_answer({}, 403), AuthFailed),
        (json_answer({}, 429, retry_after="7"), RateLimited),
        (json_answer({}, 503), Overloaded),
        (json_answer({}, 404), StreamInterrupted),
        (
            json_answer({"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "no"}}, 400),
            InvalidRequest,
        ),
        (json_answer({"neither": "nor"}, 200), InvalidRequest),
        (Answer([b"<html>"], content_type="text/html"), InvalidRequest),
        (Answer(["drop"]), StreamInterrupted),
        (Answer([b"event: message\nda", "drop"]), StreamInterrupted),
        (Answer([event(NOTE)]), StreamInterrupted),
        (
            Answer(
                [gzip.compress(b"{}")], headers={"content-encoding": "gzip"}, content_type="application/json"
            ),
            StreamInterrupted,
        ),
    ],
)
async def test_what_goes_wrong_in_a_call(answer: Answer, expected: type[ProviderError]) -> None:
    async with McpHttp(answer) as server, client_of(server) as client:
        with pytest.raises(ProviderError) as caught:
            await client.call("chat", {})
        assert type(caught.value) is expected, caught.value
        assert CANARY not in str(caught.value)
        assert caught.value.retry_after == (7.0 if expected is RateLimited else None)
        server.call = None
        assert (await client.call("chat", {})).text == "fine"


@pytest.mark.parametrize(
    "body",
    [
        [event(NOTE)] * 20_000,
        [b"data: " + b"x" * 65_536] * 1000,
        [b": " + b"x" * 65_536 + b"\n"] * 1000,
    ],
    ids=["notes", "line", "comments"],
)
async def test_a_flood_is_bounded(body: list[Step]) -> None:
    async with McpHttp(Answer(body)) as server, client_of(server) as client:
        begun = time.monotonic()
        with pytest.raises(InvalidRequest):
            await client.call("chat", {})
        assert time.monotonic() - begun < PROMPT * 2
        assert (await client.tools())[0].name == "chat"


async def test_a_huge_answer_of_json_is_bounded() -> None:
    huge = Answer([b'{"a": "', *([b"x" * 65_536] * 1000)], content_type="application/json")
    async with McpHttp(huge) as server, client_of(server) as client:
        with pytest.raises(InvalidRequest, match="more than"):
            await client.call("chat", {})


async def test_silence_is_a_timeout() -> None:
    async with McpHttp(Answer(["hang"])) as server, client_of(server, timeout=0.3) as client:
        with pytest.raises(ProviderTimeout):
            await client.call("chat", {})
        server.call = None
        assert (await client.call("chat", {})).text == "fine"


@pytest.mark.parametrize(
    ("greeting", "expected"),
    [
        (json_answer({}, 401), AuthFailed),
        (json_answer({}, 404), ProviderUnreachable),
        (json_answer({}, 500), Overloaded),
        (Answer(["hang"]), ProviderUnreachable),
        (Answer([b"<html>"], content_type="text/html"), ProviderUnreachable),
        (Answer((), 302, {"location": "https://example.com/"}), ProviderUnreachable),
    ],
)
async def test_what_goes_wrong_at_the_beginning(greeting: Answer, expected: type[ProviderError]) -> None:
    async with McpHttp(greeting=greeting) as server, client_of(server, start_timeout=0.5) as client:
        with pytest.raises(ProviderError) as caught:
            await client.connect()
        assert type(caught.value) is expected, caught.value
        assert CANARY not in str(caught.value)


async def test_nobody_listens() -> None:
    client = McpClient(McpServer("mine", url=f"http://127.0.0.1:{free_port()}/mcp"))
    with pytest.raises(ProviderUnreachable, match="cannot be reached"):
        await client.connect()


async def test_a_cancelled_call_is_told_to_the_server() -> None:
    async with McpHttp(Answer(["hang"])) as server, client_of(server) as client:
        await client.connect()
        call = asyncio.create_task(client.call("chat", {}))
        async with asyncio.timeout(5):
            while not any("tools/call" in str(each.body) for each in server.received):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            while not any("notifications/cancelled" in str(each.body) for each in server.received):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
