"""OpenRouter: what its options send, whom its costs name, and how it says no."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import pytest

from tamma.errors import (
    AuthFailed,
    ConfigError,
    ContentFiltered,
    ContextOverflow,
    InvalidRequest,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    RateLimited,
)
from tamma.model.conversation import (
    CostSource,
    Message,
    Reasoning,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    user,
)
from tamma.providers.interface import complete
from tamma.providers.openrouter.provider import charge
from tests.providers.vendors.base import KEY, Said, ask, serve
from tests.providers.vendors.chat import DONE, openai_chunk, openai_usage
from tests.providers.vendors.openrouter import PROCESSING, OpenRouterVendor, openrouter_chunk
from tests.support.raw_http import Answer, RawServer, json_answer

VENDOR = OpenRouterVendor()
CLAUDE = "anthropic/claude-sonnet-5.5"


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def sent(request: Request, **settings: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Headers and body of `request` as they reach the service."""
    async with RawServer(Answer(VENDOR.wire(Said(["x"])))) as server:
        provider = VENDOR.provider(server.url, **settings)
        await complete(provider, request)
        await provider.close()
        return server.received[0].headers, server.received[0].body


async def failure(answer: Answer) -> ProviderError:
    async with AsyncExitStack() as opened:
        provider = await serve(VENDOR, answer, opened)
        with pytest.raises(ProviderError) as caught:
            await complete(provider, ask())
    return caught.value


# --- options -------------------------------------------------------------------------------------


async def test_the_options_reach_the_service() -> None:
    options: dict[str, object] = {
        "models": ["z-ai/glm-5.3"],
        "provider": {"order": ["anthropic"], "allow_fallbacks": False, "max_price": {"prompt": 1}},
        "transforms": ["middle-out"],
        "referer": "https://example.com/app",
        "title": "My tamma",
    }
    headers, body = await sent(ask(), options=options)
    assert {name: body[name] for name in ("models", "provider", "transforms")} == {
        name: options[name] for name in ("models", "provider", "transforms")
    }
    assert (headers["http-referer"], headers["x-title"]) == ("https://example.com/app", "My tamma")
    assert headers["authorization"] == f"Bearer {KEY}"


async def test_without_options_only_the_name_is_told() -> None:
    headers, body = await sent(ask(max_output_tokens=9))
    assert headers["x-title"] == "Tamma"
    assert "http-referer" not in headers
    assert body.keys() == {"model", "messages", "stream", "max_tokens"}


@pytest.mark.parametrize(
    ("options", "wrong", "hint"),
    [
        ({"modles": ["a"]}, "modles", "models"),
        ({"models": "a"}, "models", "list"),
        ({"models": [""]}, "models", "list"),
        ({"provider": "anthropic"}, "provider", "object"),
        ({"provider": {"allow_fallback": False}}, "allow_fallback", "allow_fallbacks"),
        ({"provider": {"allow_fallbacks": "no"}}, "allow_fallbacks", "true or false"),
        ({"provider": {"data_collection": "never"}}, "data_collection", "'deny'"),
        ({"provider": {"sort": "speed"}}, "sort", "'throughput'"),
        ({"provider": {"only": "a"}}, "only", "list"),
        ({"provider": {"preferred_max_latency": True}}, "preferred_max_latency", "number"),
        ({"title": ""}, "title", "text"),
    ],
)
def test_a_wrong_option_is_refused_with_what_there_is(
    options: dict[str, object], wrong: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=wrong) as caught:
        VENDOR.provider("http://127.0.0.1:1", options=options)
    assert hint in (caught.value.hint or "")


def test_every_form_of_routing_is_taken() -> None:
    routing = {
        "order": ["a"], "only": ("a",), "ignore": [], "quantizations": ["fp8"],
        "require_parameters": True, "zdr": True, "enforce_distillable_text": False,
        "data_collection": "deny", "sort": {"by": "price", "partition": "none"}, "max_price": {"prompt": 1},
        "preferred_min_throughput": 50, "preferred_max_latency": {"p90": 2.5},
    }  # fmt: skip
    options = {"provider": routing, "allowInsecureHttp": True}
    assert VENDOR.provider("http://192.0.2.1", options=options).settings.options == options


# --- reasoning and caching -----------------------------------------------------------------------


async def test_effort_is_asked_for_in_its_own_form() -> None:
    _, body = await sent(ask(reasoning_effort="high"))
    assert body["reasoning"] == {"effort": "high"}
    assert "reasoning_effort" not in body


THOUGHT = [
    {"type": "reasoning.text", "text": "I ", "format": "anthropic-claude-v1", "index": 0},
    {"type": "reasoning.text", "text": "look.", "format": "anthropic-claude-v1", "index": 0},
    {"type": "reasoning.text", "signature": "sig==", "format": "anthropic-claude-v1", "index": 0},
]
WHOLE = {"type": "reasoning.text", "text": "I look.", "signature": "sig==", "format": "anthropic-claude-v1"}
SECRET = {
    "type": "reasoning.encrypted",
    "data": "abc",
    "id": "e1",
    "format": "openai-responses-v1",
    "index": 1,
}


async def test_reasoning_goes_back_as_it_came(stack: AsyncExitStack) -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "read", "arguments": "{}"}}
    wire = [
        *(
            openai_chunk({"content": "", "reasoning": piece.get("text"), "reasoning_details": [piece]})
            for piece in THOUGHT
        ),
        openai_chunk({"content": "Now."}),
        openai_chunk({"reasoning_details": [SECRET], "tool_calls": [call]}),
        openai_chunk({}, "tool_calls"),
        openai_usage(1, 1, cost=0),
        DONE,
    ]
    server = await stack.enter_async_context(RawServer(Answer(wire)))
    provider = VENDOR.provider(server.url, model=CLAUDE)
    stack.push_async_callback(provider.close)
    tool = Tool("read", "reads", {"type": "object"})
    first = await complete(provider, Request(CLAUDE, (user("hi"),), tools=(tool,)))
    assert [type(part) for part in first.message.parts] == [Reasoning, Text, Reasoning, ToolCall]
    answered = (user("hi"), first.message, Message(Role.USER, (ToolResult("c1", "out"),)))
    await complete(provider, Request(CLAUDE, answered, tools=(tool,)))
    assistant = server.received[1].body["messages"][1]
    assert assistant["content"] == "Now."
    assert assistant["reasoning_details"] == [{**WHOLE, "index": 0}, SECRET]
    await complete(provider, Request("z-ai/glm-5.3", answered, tools=(tool,)))
    assert "reasoning_details" not in server.received[2].body["messages"][1]


async def test_reasoning_of_others_is_left_out() -> None:
    for data in (None, "no json", "[1]", json.dumps({"model": CLAUDE, "block": {}})):
        message = Message(Role.ASSISTANT, (Reasoning("hm", data), Text("yes")))
        _, body = await sent(Request(CLAUDE, (user("a"), message, user("b"))))
        assert body["messages"][1] == {"role": "assistant", "content": "yes"}


async def test_claude_models_are_told_what_to_cache() -> None:
    messages = (
        user("first"),
        Message(Role.ASSISTANT, (ToolCall("c1", "read", "{}"),)),
        Message(Role.USER, (ToolResult("c1", "out"),)),
        Message(Role.ASSISTANT, (Text("and?"),)),
        user("second"),
    )
    _, body = await sent(Request(CLAUDE, messages, system="be brief"))
    marked = [
        entry["role"]
        for entry in body["messages"]
        if isinstance(entry["content"], list)
        and entry["content"][-1]["cache_control"] == {"type": "ephemeral"}
    ]
    assert marked == ["system", "tool", "user"]
    for request in (Request(CLAUDE, messages, cache=False), Request("z-ai/glm-5.3", messages)):
        _, body = await sent(request)
        assert "cache_control" not in json.dumps(body)


# --- answers -------------------------------------------------------------------------------------


async def test_the_model_that_answered_is_named_and_billed(stack: AsyncExitStack) -> None:
    served = "z-ai/glm-5.3"
    wire = [
        PROCESSING,
        openrouter_chunk({"role": "assistant", "content": "x"}, served),
        PROCESSING,
        openai_chunk({}, "stop", model=served),
        openai_usage(1000, 1000, cost=0.00421, model=served),
        DONE,
    ]
    completion = await complete(await serve(VENDOR, Answer(wire), stack), ask())
    assert completion.finish.served_model == served
    assert completion.finish.cost.usd == Decimal("0.00421")
    assert completion.finish.cost.source is CostSource.PROVIDER
    untold = [*wire[:4], openai_usage(1_000_000, 0, model=served), DONE]
    cost = (await complete(await serve(VENDOR, Answer(untold), stack), ask())).finish.cost
    assert cost.source is CostSource.PRICES
    assert cost.usd


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        ({"cost": 0.5}, "0.5"),
        ({"cost": 0}, "0"),
        ({"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}, "0.21"),
        ({"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": None}}, None),
        ({"cost": None}, None),
        ({}, None),
    ],
)
def test_what_was_charged(usage: dict[str, Any], dollars: str | None) -> None:
    assert charge(usage) == (None if dollars is None else Decimal(dollars))


@pytest.mark.parametrize(
    ("status", "error", "expected", "words"),
    [
        (402, {"message": "Insufficient credits"}, QuotaExhausted, "Insufficient"),
        (402, {"metadata": {"limit_source": "openrouter_in_flight_budget"}}, RateLimited, "in_flight"),
        (403, {"message": "flagged", "metadata": {"reasons": ["violence"]}}, ContentFiltered, "violence"),
        (403, {"message": "Key disabled"}, AuthFailed, "disabled"),
        (
            502,
            {"metadata": {"provider_name": "P", "raw": "upstream died"}},
            Overloaded,
            "P says upstream died",
        ),
        (503, {"message": "no provider meets your routing requirements"}, Overloaded, "routing"),
        (
            400,
            {"message": "Provider returned error", "metadata": {"raw": "maximum context length is 9"}},
            ContextOverflow,
            "maximum context length",
        ),
        (400, {"message": "bad", "metadata": "odd"}, InvalidRequest, "bad"),
    ],
)
async def test_refusals(
    status: int, error: dict[str, Any], expected: type[ProviderError], words: str
) -> None:
    found = await failure(json_answer({"error": {"code": status, **error}}, status))
    assert type(found) is expected
    assert words in str(found)


@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        (openai_chunk({"content": ""}, "error"), Overloaded),
        (openai_chunk({"content": ""}, "error", error={"code": 429, "message": "slow"}), RateLimited),
        (openai_chunk({"content": ""}, "error", error={"code": "server_error", "message": "x"}), Overloaded),
    ],
)
async def test_a_failure_in_the_middle_is_no_answer(chunk: bytes, expected: type[ProviderError]) -> None:
    assert type(await failure(Answer([openai_chunk({"content": "half"}), chunk, DONE]))) is expected


async def test_a_failure_in_a_choice_is_no_answer() -> None:
    choice = {"index": 0, "message": {"content": ""}, "error": {"code": 502, "message": "upstream"}}
    assert type(await failure(json_answer({"id": "gen-1", "choices": [choice]}))) is Overloaded


# --- what it tells about itself ------------------------------------------------------------------


async def test_the_list_tells_windows_and_limits(stack: AsyncExitStack) -> None:
    (model,) = await (await serve(VENDOR, json_answer(VENDOR.models_answer), stack)).models()
    assert (model.id, model.context_window, model.max_output) == ("m1", 128_000, 16_384)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"data": {"limit": 100, "limit_remaining": 74.5}}, "$74.5 left"),
        ({"data": {"limit": None, "limit_remaining": None}}, "without a limit"),
        ([], "without a limit"),
    ],
)
async def test_a_check_asks_about_the_key(told: object, words: str) -> None:
    async with RawServer(json_answer(told), json_answer(VENDOR.models_answer)) as server:
        provider = VENDOR.provider(server.url)
        checked = await provider.check()
        assert checked.ok
        assert words in checked.detail
        assert [entry.path for entry in server.received] == ["/key", "/models"]
        assert server.received[0].headers["authorization"] == f"Bearer {KEY}"
        await provider.close()
