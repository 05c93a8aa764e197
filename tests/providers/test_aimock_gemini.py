"""The Gemini adapter against aimock, which speaks the API with thoughts, ids and faults of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tamma.errors import (
    InvalidRequest,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    StreamInterrupted,
)
from tamma.model.conversation import (
    Finish,
    FinishReason,
    Message,
    Reasoning,
    Role,
    Tool,
    ToolCallEnd,
    ToolResult,
    user,
)
from tamma.providers.gemini.provider import Gemini
from tamma.providers.interface import complete
from tests.providers.vendors.base import ask
from tests.providers.vendors.gemini import GeminiVendor
from tests.support.peers import free_port, node, peer, running

pytestmark = [pytest.mark.peers, pytest.mark.timeout(180)]

TOOL = Tool("read", "reads", {"type": "object", "properties": {"path": {"type": "string"}}})
TEXT = "Grüße, 世界! And a second sentence, long enough for several chunks. 🦜"


def refusal(status: int, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "some_error"}, "status": status}


FIXTURES: list[dict[str, Any]] = [
    {"match": {"userMessage": "greet"}, "response": {"content": TEXT, "reasoning": "I greet back."}},
    {
        "match": {"userMessage": "look", "turnIndex": 0},
        "response": {
            "content": "I look.",
            "toolCalls": [
                {"id": "call_a", "name": "read", "arguments": {"path": "ä.py"}},
                {"name": "read", "arguments": {"path": "b.py"}},
            ],
        },
    },
    {"match": {"userMessage": "look", "turnIndex": 1}, "response": {"content": "Both are empty."}},
    {"match": {"userMessage": "cut"}, "response": {"content": TEXT}, "truncateAfterChunks": 2},
    {"match": {"userMessage": "long"}, "response": {"content": TEXT, "finishReason": "length"}},
    {"match": {"userMessage": "busy"}, "response": refusal(529, "overloaded")},
    {"match": {"userMessage": "often"}, "response": refusal(429, "slow down")},
    {"match": {"userMessage": "poor"}, "response": refusal(402, "no money")},
    {"match": {"userMessage": "wrong"}, "response": refusal(400, "no such thing")},
]


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Gemini]:
    port = free_port()
    fixtures = tmp_path / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": FIXTURES}))
    command = (
        node(),
        str(peer("node_modules/@copilotkit/aimock/dist/cli.js")),
        "-p",
        str(port),
        "-f",
        str(fixtures),
    )
    async with (
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
        running(*command, ready=lambda: answers(http), log=tmp_path / "aimock.log"),
    ):
        made = GeminiVendor().provider(f"http://127.0.0.1:{port}")
        yield made
        await made.close()


async def answers(http: httpx2.AsyncClient) -> bool:
    try:
        return (await http.get("/health")).status_code == 200
    except httpx2.TransportError:
        return False


async def test_it_says_what_the_fixtures_say(provider: Gemini) -> None:
    """One server for all: starting it takes longer than asking."""
    await thoughts_and_text(provider)
    await calls_and_their_results(provider)
    await an_answer_that_was_too_long(provider)
    await a_truncated_stream(provider)
    await refusals(provider)


async def thoughts_and_text(provider: Gemini) -> None:
    completion = await complete(provider, ask("greet"))
    thought, _ = completion.message.parts
    assert thought == Reasoning("I greet back.")
    assert completion.message.text == TEXT
    assert completion.finish.reason is FinishReason.STOP


async def calls_and_their_results(provider: Gemini) -> None:
    events = [event async for event in provider.stream(ask("look", tools=(TOOL,)))]
    assert isinstance(events[-1], Finish)
    assert events[-1].reason is FinishReason.TOOL_CALLS
    calls = [event.call for event in events if isinstance(event, ToolCallEnd)]
    assert [call.args_json for call in calls] == ['{"path": "ä.py"}', '{"path": "b.py"}']
    assert calls[0].id == "call_a"
    assert calls[1].id not in ("", "call_a")
    results = Message(Role.USER, tuple(ToolResult(call.id, "") for call in calls))
    asked = ask("look", tools=(TOOL,))
    turns = (user("look"), Message(Role.ASSISTANT, tuple(calls)), results)
    again = type(asked)(model=asked.model, messages=turns, tools=asked.tools)
    assert (await complete(provider, again)).message.text == "Both are empty."


async def an_answer_that_was_too_long(provider: Gemini) -> None:
    assert (await complete(provider, ask("long"))).finish.reason is FinishReason.LENGTH


async def a_truncated_stream(provider: Gemini) -> None:
    with pytest.raises(StreamInterrupted):
        await complete(provider, ask("cut"))


async def refusals(provider: Gemini) -> None:
    kinds: dict[str, type[ProviderError]] = {
        "busy": Overloaded,
        "often": RateLimited,
        "poor": QuotaExhausted,
        "wrong": InvalidRequest,
    }
    for said, expected in kinds.items():
        with pytest.raises(expected):
            await complete(provider, ask(said))
