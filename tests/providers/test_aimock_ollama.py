"""Ollama's protocol against aimock, which has its chat and its list of models but shows no model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tamma.errors import ModelNotFound, Overloaded, ProviderError, RateLimited, StreamInterrupted
from tamma.model.conversation import FinishReason, Message, Request, Role, Tool, ToolResult, user
from tamma.providers.interface import ProviderSettings, complete
from tamma.providers.local.provider import LocalLLM
from tests.support.peers import free_port, node, peer, running

pytestmark = [pytest.mark.peers, pytest.mark.timeout(180)]

TOOL = Tool("read", "reads", {"type": "object", "properties": {"path": {"type": "string"}}})
TEXT = "Grüße, 世界! And a second sentence, long enough for several chunks. 🦜"


def refusal(status: int, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "some_error"}, "status": status}


FIXTURES: list[dict[str, Any]] = [
    {"match": {"userMessage": "greet", "model": "llama3"}, "response": {"content": TEXT}},
    {
        "match": {"userMessage": "look", "turnIndex": 0},
        "response": {
            "content": "I look.",
            "toolCalls": [
                {"name": "read", "arguments": {"path": "ä.py"}},
                {"name": "read", "arguments": {"path": "b.py"}},
            ],
        },
    },
    {"match": {"userMessage": "look", "turnIndex": 1}, "response": {"content": "Both are empty."}},
    {"match": {"userMessage": "cut"}, "response": {"content": TEXT}, "truncateAfterChunks": 2},
    {"match": {"userMessage": "busy"}, "response": refusal(503, "server busy, please try again")},
    {"match": {"userMessage": "often"}, "response": refusal(429, "slow down")},
    {"match": {"userMessage": "gone"}, "response": refusal(404, "model 'llama3' not found")},
]


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[LocalLLM]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    fixtures = tmp_path / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": FIXTURES}))
    cli = str(peer("node_modules/@copilotkit/aimock/dist/cli.js"))
    command = (node(), cli, "-p", str(port), "-f", str(fixtures))
    made = LocalLLM(ProviderSettings("mine", "local-llm", base_url=url, options={"kind": "ollama"}))

    async def answers() -> bool:
        async with httpx2.AsyncClient(trust_env=False) as http:
            try:
                return (await http.get(f"{url}/health")).status_code == 200
            except httpx2.TransportError:
                return False

    async with running(*command, ready=answers, log=tmp_path / "aimock.log"):
        yield made
        await made.close()


def ask(text: str, **more: Any) -> Request:
    return Request("llama3", (user(text),), **more)


async def test_it_says_what_the_fixtures_say(provider: LocalLLM) -> None:
    """One server for all: starting it takes longer than asking."""
    await text_arrives(provider)
    await calls_and_their_results(provider)
    await the_models(provider)
    await refusals(provider)


async def text_arrives(provider: LocalLLM) -> None:
    completion = await complete(provider, ask("greet"))
    assert completion.message.text == TEXT
    assert (completion.finish.reason, completion.finish.native_reason) == (FinishReason.STOP, "stop")
    assert completion.finish.usage.estimated  # it counts nothing
    assert completion.finish.usage.output_total > 10


async def calls_and_their_results(provider: LocalLLM) -> None:
    completion = await complete(provider, ask("look", tools=(TOOL,)))
    assert completion.finish.reason is FinishReason.TOOL_CALLS
    assert completion.message.text == "I look."
    calls = completion.message.tool_calls
    assert [call.args_json for call in calls] == ['{"path": "ä.py"}', '{"path": "b.py"}']
    assert len({call.id for call in calls}) == 2
    results = Message(Role.USER, tuple(ToolResult(call.id, "") for call in calls))
    again = Request("llama3", (user("look"), completion.message, results), tools=(TOOL,))
    assert (await complete(provider, again)).message.text == "Both are empty."


async def the_models(provider: LocalLLM) -> None:
    checked = await provider.check()
    assert checked.ok
    assert checked.models == ("llama3",)


async def refusals(provider: LocalLLM) -> None:
    expected: dict[str, type[ProviderError]] = {
        "cut": StreamInterrupted,
        "busy": Overloaded,
        "often": RateLimited,
        "gone": ModelNotFound,
    }
    for text, kind in expected.items():
        with pytest.raises(ProviderError) as caught:
            await complete(provider, ask(text))
        assert type(caught.value) is kind, text
