"""The OpenAI adapter against aimock, whose Responses API hands out encrypted reasoning like the real one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
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
from tamma.model.conversation import FinishReason, Message, Reasoning, Request, Role, Tool, ToolResult, user
from tamma.providers.interface import complete
from tamma.providers.openai.provider import OpenAI
from tests.providers.vendors.base import ask
from tests.providers.vendors.openai import OpenAIVendor
from tests.support.peers import free_port, node, peer, running

pytestmark = [pytest.mark.peers, pytest.mark.timeout(180)]

MODEL = "gpt-6.1-sol"
TOOL = Tool("read", "reads", {"type": "object", "properties": {"path": {"type": "string"}}})
TEXT = "Grüße, 世界! And a second sentence, long enough for several chunks. 🦜"


def refusal(status: int, message: str, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "some_error", "code": code}, "status": status}


FIXTURES: list[dict[str, Any]] = [
    {"match": {"userMessage": "greet"}, "response": {"content": TEXT, "reasoning": "I greet back."}},
    {
        "match": {"userMessage": "look", "turnIndex": 0},
        "response": {
            "content": "I look.",
            "reasoning": "Where is it?",
            "toolCalls": [
                {"id": "call_a", "name": "read", "arguments": {"path": "ä.py"}},
                {"name": "read", "arguments": {"path": "b.py"}},
            ],
        },
    },
    {"match": {"userMessage": "look", "turnIndex": 1}, "response": {"content": "Both are empty."}},
    {"match": {"userMessage": "cut"}, "response": {"content": TEXT}, "truncateAfterChunks": 4},
    {"match": {"userMessage": "busy"}, "response": refusal(529, "overloaded")},
    {"match": {"userMessage": "often"}, "response": refusal(429, "slow down")},
    {"match": {"userMessage": "poor"}, "response": refusal(429, "no money", "insufficient_quota")},
    {"match": {"userMessage": "wrong"}, "response": refusal(400, "no such thing")},
]


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[OpenAI]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    fixtures = tmp_path / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": FIXTURES}))
    aimock = peer("node_modules/@copilotkit/aimock/dist/cli.js")
    async with (
        httpx2.AsyncClient(base_url=url, trust_env=False) as http,
        running(
            *(node(), str(aimock), "-p", str(port), "-f", str(fixtures)),
            ready=lambda: answers(http),
            log=tmp_path / "aimock.log",
        ),
    ):
        made = OpenAIVendor().provider(f"{url}/v1")
        yield made
        await made.close()


async def answers(http: httpx2.AsyncClient) -> bool:
    try:
        return (await http.get("/health")).status_code == 200
    except httpx2.TransportError:
        return False


def asked(text: str, *more: Message) -> Request:
    return replace(ask(), model=MODEL, messages=(user(text), *more), tools=(TOOL,))


async def test_it_says_what_the_fixtures_say(provider: OpenAI) -> None:
    """One server for all: starting it takes longer than asking."""
    await thoughts_and_text(provider)
    await calls_and_their_results(provider)
    await refusals(provider)
    with pytest.raises(StreamInterrupted):
        await complete(provider, asked("cut"))


async def thoughts_and_text(provider: OpenAI) -> None:
    completion = await complete(provider, asked("greet"))
    thought, _ = completion.message.parts
    assert isinstance(thought, Reasoning)
    assert thought.text == "I greet back."
    assert "encrypted_content" in (thought.provider_data or "")
    assert completion.message.text == TEXT
    assert completion.finish.reason is FinishReason.STOP


async def calls_and_their_results(provider: OpenAI) -> None:
    completion = await complete(provider, asked("look"))
    assert completion.finish.reason is FinishReason.TOOL_CALLS
    calls = completion.message.tool_calls
    assert [call.args_json for call in calls] == ['{"path":"ä.py"}', '{"path":"b.py"}']
    assert calls[0].id == "call_a"
    assert calls[1].id not in ("", "call_a")
    results = Message(Role.USER, tuple(ToolResult(call.id, "") for call in calls))
    again = await complete(provider, asked("look", completion.message, results))
    assert again.message.text == "Both are empty."


async def refusals(provider: OpenAI) -> None:
    kinds: dict[str, type[ProviderError]] = {
        "busy": Overloaded,
        "often": RateLimited,
        "poor": QuotaExhausted,
        "wrong": InvalidRequest,
    }
    for said, expected in kinds.items():
        with pytest.raises(expected):
            await complete(provider, asked(said))
