"""Anthropic's stream: thinking, cache figures, gateways that do it differently."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import structlog

from tamma.model.conversation import (
    CostSource,
    FinishReason,
    Message,
    Reasoning,
    ReasoningDelta,
    ReasoningEnd,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    user,
)
from tamma.providers.anthropic.messages import BINDING_BETA
from tamma.providers.interface import complete
from tests.providers.vendors.anthropic import (
    AnthropicVendor,
    anthropic_block,
    anthropic_end,
    anthropic_event,
    anthropic_start,
)
from tests.providers.vendors.base import KEY, MODEL, Said, ask, serve
from tests.support.raw_http import Answer, RawServer, json_answer

VENDOR = AnthropicVendor()
THINKING = anthropic_block(
    0,
    {"type": "thinking", "thinking": "", "signature": ""},
    {"type": "thinking_delta", "thinking": "Let me "},
    {"type": "thinking_delta", "thinking": "see."},
    {"type": "signature_delta", "signature": "c2lnbmF0dXJl"},
)
REDACTED = anthropic_block(1, {"type": "redacted_thinking", "data": "b3BhcXVl"})
CALL = anthropic_block(
    2,
    {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}},
    {"type": "input_json_delta", "partial_json": '{"path": "a"}'},
)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def test_thinking_makes_the_round_trip_unchanged() -> None:
    first = Answer([anthropic_start(), *THINKING, *REDACTED, *CALL, *anthropic_end("tool_use")])
    second = Answer(VENDOR.wire(Said(["done"])))
    async with RawServer(first, second) as server:
        provider = VENDOR.provider(server.url)
        events = [event async for event in provider.stream(ask())]
        assert [e.text for e in events if isinstance(e, ReasoningDelta)] == ["Let me ", "see."]
        assert sum(isinstance(e, ReasoningEnd) for e in events) == 2
        server.answers.insert(0, first)
        said = (await complete(provider, ask())).message
        assert [type(part) for part in said.parts] == [Reasoning, Reasoning, ToolCall]
        back = Message(Role.USER, (ToolResult("toolu_1", "text"),))
        await complete(provider, ask_with(user("hello"), said, back))
        sent = server.received[-1].body["messages"][1]["content"]
        assert sent[0] == {"type": "thinking", "thinking": "Let me see.", "signature": "c2lnbmF0dXJl"}
        assert sent[1] == {"type": "redacted_thinking", "data": "b3BhcXVl"}
        await provider.close()


def ask_with(*messages: Message) -> Any:
    return ask().__class__(model=MODEL, messages=messages)


async def test_the_input_includes_the_cache(stack: AsyncExitStack) -> None:
    start = anthropic_start(input_tokens=100, cache_read_input_tokens=2_000, cache_creation_input_tokens=50)
    end = anthropic_end(output_tokens=30, output_tokens_details={"thinking_tokens": 12})
    provider = await serve(VENDOR, Answer([start, *end]), stack)
    finish = (await complete(provider, ask())).finish
    usage = finish.usage
    assert (usage.input_total, usage.cache_read, usage.cache_write) == (2_150, 2_000, 50)
    assert (usage.output_total, usage.reasoning) == (30, 12)
    assert finish.cost.source is CostSource.PRICES
    # 100 at $2, 2,000 at $0.10, 50 at $2.50 and 30 at $10 a million
    assert str(finish.cost.usd) == "0.000825"


async def test_a_later_figure_replaces_an_earlier_one(stack: AsyncExitStack) -> None:
    provider = await serve(
        VENDOR, Answer([anthropic_start(input_tokens=1), *anthropic_end(input_tokens=7)]), stack
    )
    assert (await complete(provider, ask())).finish.usage.input_total == 7


async def test_input_that_comes_whole(stack: AsyncExitStack) -> None:
    block = {"type": "tool_use", "id": "t", "name": "read", "input": {"path": "b"}}
    wire = [anthropic_start(), *anthropic_block(0, block), *anthropic_end("tool_use")]
    completion = await complete(await serve(VENDOR, Answer(wire), stack), ask())
    assert json.loads(completion.message.tool_calls[0].args_json) == {"path": "b"}


async def test_kinds_we_do_not_know_are_passed_over(stack: AsyncExitStack) -> None:
    server_tool = anthropic_block(
        0,
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "input_json_delta", "partial_json": "{}"},
    )
    news = [
        anthropic_event({"type": "something_new", "value": 1}),
        *anthropic_block(1, {"type": "novelty", "x": 1}, {"type": "novelty_delta", "y": 2}),
    ]
    text = anthropic_block(2, {"type": "text", "text": "a"}, {"type": "text_delta", "text": "b"})
    wire = [anthropic_start(), *server_tool, *news, *text, *anthropic_end("pause_turn")]
    completion = await complete(await serve(VENDOR, Answer(wire), stack), ask())
    assert completion.message.parts == (Text("ab"),)
    assert completion.finish.reason is FinishReason.PAUSED


async def test_the_served_model_and_the_request_id_are_told(stack: AsyncExitStack) -> None:
    answer = Answer([anthropic_start("claude-opus-5"), *anthropic_end()], headers={"request-id": "req_9"})
    finish = (await complete(await serve(VENDOR, answer, stack), ask())).finish
    assert (finish.served_model, finish.request_id) == ("claude-opus-5", "req_9")


async def test_what_goes_over_the_wire() -> None:
    async with RawServer(Answer(VENDOR.wire(Said(["x"])))) as server:
        provider = VENDOR.provider(server.url, headers={"x-team": "blue"}, temperature=0.1)
        tool = Tool("read", "reads", {"type": "object"})
        with structlog.testing.capture_logs() as logs:
            await complete(provider, ask(system="be brief", tools=(tool,)))
        received = server.received[0]
        assert (received.method, received.path) == ("POST", "/v1/messages")
        assert received.headers["authorization"] == f"Bearer {KEY}"
        assert received.headers["x-team"] == "blue"
        assert received.body["stream"] is True
        assert "temperature" not in received.body
        assert [log["dropped"] for log in logs if log["log_level"] == "warning"] == [["temperature"]]
        await provider.close()


async def test_the_service_can_be_asked_to_drop_changed_thinking() -> None:
    async with RawServer(Answer(VENDOR.wire(Said(["x"])))) as server:
        provider = VENDOR.provider(server.url, options={"dropChangedThinking": True})
        await complete(provider, ask())
        received = server.received[0]
        assert received.headers["anthropic-beta"] == BINDING_BETA
        assert received.body["thinking"]["block_binding"] == {"prefix_mismatch_behavior": "drop_block"}
        await provider.close()


async def test_tokens_are_counted_by_the_service_or_estimated(stack: AsyncExitStack) -> None:
    counted = await serve(VENDOR, json_answer({"input_tokens": 42}), stack)
    assert (await counted.count_tokens(ask())).tokens == 42
    missing = await serve(VENDOR, json_answer({"error": {"type": "not_found_error"}}, 404), stack)
    estimate = await missing.count_tokens(ask("word " * 100))
    assert estimate.estimated
    assert 80 < estimate.tokens < 250
