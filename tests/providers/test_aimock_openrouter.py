"""OpenRouter's form as aimock speaks it, which was written from recordings of the real service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tamma.errors import AuthFailed, Overloaded, ProviderError, RateLimited, StreamInterrupted
from tamma.model.conversation import CostSource, FinishReason, ReasoningDelta, Request, Tool, user
from tamma.providers.interface import complete
from tamma.providers.openrouter.provider import OpenRouter
from tests.providers.vendors.base import settings_for
from tests.support.peers import free_port, node, peer, running

pytestmark = pytest.mark.peers

CLAUDE, GLM = "anthropic/claude-sonnet-5.5", "z-ai/glm-5.3"


def answering(model: str, asked: str, response: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"match": {"model": model, "userMessage": asked}, "response": response, **more}


FIXTURES = [
    answering(
        CLAUDE,
        "say it",
        {
            "content": "Grüße, 世界!",
            "usage": {
                "prompt_tokens": 20,
                "completion_tokens": 8,
                "cost": 0.00042,
                "prompt_tokens_details": {"cached_tokens": 15, "cache_write_tokens": 3},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
        },
        chunkSize=3,
        openRouterProcessing=True,
    ),
    answering(CLAUDE, "think", {"content": "yes", "reasoning": "because"}),
    answering(
        CLAUDE, "look", {"content": "I look.", "toolCalls": [{"name": "read", "arguments": {"p": "a"}}]}
    ),
    answering(CLAUDE, "break", {"content": "one two three four"}, chunkSize=4, truncateAfterChunks=3),
    answering(CLAUDE, "fall", {"error": {"message": "busy"}, "status": 429}),
    answering(GLM, "fall", {"content": "from the other", "usage": {"cost": 0.1}}),
    answering(CLAUDE, "limit", {"error": {"message": "busy"}, "status": 429}),
    answering(CLAUDE, "stop", {"error": {"message": "no such key"}, "status": 401, "fallthrough": False}),
    answering(CLAUDE, "fail", {"error": {"message": "upstream died"}, "status": 502}),
]


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[str]:
    (tmp_path / "fixtures.json").write_text(json.dumps({"fixtures": FIXTURES}))
    port = free_port()
    script = str(peer("node_modules/@copilotkit/aimock/dist/cli.js"))
    command = (node(), script, "-p", str(port), "-h", "127.0.0.1", "-f", str(tmp_path / "fixtures.json"))

    async def ready() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    async with running(*command, ready=ready, log=tmp_path / "aimock.log"):
        yield f"http://127.0.0.1:{port}/api/v1"


@pytest.fixture
async def provider(service: str) -> AsyncIterator[OpenRouter]:
    made = OpenRouter(settings_for("openrouter", service, model=CLAUDE))
    yield made
    await made.close()


def ask(text: str, **more: Any) -> Request:
    return Request(CLAUDE, (user(text),), **more)


async def test_the_whole_conversation(provider: OpenRouter, service: str) -> None:
    """One server for all of it: starting it costs more than all the calls."""
    said = (await complete(provider, ask("say it"))).finish
    assert (said.reason, said.served_model) == (FinishReason.STOP, CLAUDE)
    assert (said.cost.usd, said.cost.source) == (Decimal("0.00042"), CostSource.PROVIDER)
    usage = said.usage
    assert (usage.input_total, usage.cache_read, usage.cache_write) == (20, 15, 3)
    assert (usage.output_total, usage.reasoning, usage.estimated) == (8, 2, False)
    assert (await complete(provider, ask("say it"))).message.text == "Grüße, 世界!"

    thought = [event async for event in provider.stream(ask("think", reasoning_effort="high"))]
    assert "".join(e.text for e in thought if isinstance(e, ReasoningDelta)) == "because"

    looked = await complete(provider, ask("look", tools=(Tool("read", "reads", {"type": "object"}),)))
    assert [(call.name, json.loads(call.args_json)) for call in looked.message.tool_calls] == [
        ("read", {"p": "a"})
    ]
    assert looked.finish.reason is FinishReason.TOOL_CALLS

    failures: tuple[tuple[str, type[ProviderError]], ...] = (
        ("break", StreamInterrupted),
        ("limit", RateLimited),
        ("stop", AuthFailed),
        ("fail", Overloaded),
    )
    for asked, expected in failures:
        with pytest.raises(expected):
            await complete(provider, ask(asked))

    second = OpenRouter(settings_for("openrouter", service, model=CLAUDE, options={"models": [GLM]}))
    fallen = await complete(second, ask("fall"))
    assert (fallen.message.text, fallen.finish.served_model) == ("from the other", GLM)
    assert fallen.finish.cost.usd == Decimal("0.1")
    await second.close()
    alone = {"models": [GLM], "provider": {"allow_fallbacks": False}}
    third = OpenRouter(settings_for("openrouter", service, model=CLAUDE, options=alone))
    with pytest.raises(RateLimited):
        await complete(third, ask("fall"))
    await third.close()

    checked = await provider.check()
    assert checked.ok
    assert set(checked.models) == {CLAUDE, GLM}
    assert {model.context_window for model in await provider.models()} == {128_000}
    assert {model.max_output for model in await provider.models()} == {16_384}
