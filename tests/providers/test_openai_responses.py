"""Requests to OpenAI's Responses API: their form, replayed reasoning, what surrounds a call."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, cast

import httpx2
import pytest
import structlog
from openai import AsyncOpenAI, AsyncStream

from tamma.errors import ConfigError, InvalidRequest
from tamma.model.conversation import (
    UNKNOWN_COST,
    CostSource,
    Image,
    Message,
    Reasoning,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    user,
)
from tamma.providers.catalogue import models as catalogue
from tamma.providers.interface import complete
from tamma.providers.openai.messages import (
    Reader,
    build,
    is_strict,
    items,
    phase_data,
    reasoning_data,
)
from tests.providers.vendors.base import KEY, Said, ask, serve
from tests.providers.vendors.openai import (
    OpenAIVendor,
    openai_end,
    openai_item,
    openai_start,
    openai_text,
)
from tests.support.raw_http import Answer, RawServer, json_answer

VENDOR = OpenAIVendor()
MODEL = "gpt-6.1-sol"
READER = Reader("mine", MODEL)
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Let me see."}],
    "encrypted_content": "gAAAA-opaque",
}
TOOL = Tool("bash", "runs", {"type": "object", "properties": {"command": {"type": "string"}}})
CONVERSATION = (
    user("Grüße, 世界 🌍 \x00 \u2028"),
    Message(
        Role.ASSISTANT,
        (
            Reasoning("Let me see.", reasoning_data(READER, THOUGHT)),
            Text("look"),
            ToolCall("c1", "bash", '{"command": "ls", "timeout": 2.5}'),
        ),
    ),
    Message(Role.USER, (ToolResult("c1", "a\nb", is_error=True), Image("image/png", "aGk="))),
)
ASKED = Request(MODEL, CONVERSATION, system="be brief", tools=(TOOL,), max_output_tokens=100)


def body_of(request: Request, model: str = MODEL) -> dict[str, Any]:
    return build(request, Reader("mine", model), catalogue.lookup("openai", model)).body


def sent_items(*parts: Any, role: Role = Role.ASSISTANT) -> list[dict[str, Any]]:
    return list(items((Message(role, parts),), READER))


# --- the request's form --------------------------------------------------------------------------


def test_a_conversation_as_items() -> None:
    body = body_of(ASKED)
    assert body["store"] is False
    assert body["instructions"] == "be brief"
    assert body["include"] == ["reasoning.encrypted_content"]
    assert [item["type"] for item in body["input"]] == [
        "message",
        "reasoning",
        "message",
        "function_call",
        "function_call_output",
        "message",
    ]
    _, thought, said, called, output, image = body["input"]
    assert thought == THOUGHT
    assert said == {"type": "message", "role": "assistant", "content": "look"}
    assert called["arguments"] == '{"command": "ls", "timeout": 2.5}'
    assert (output["call_id"], output["output"]) == ("c1", "[error] a\nb")
    assert image["content"] == [
        {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,aGk="}
    ]
    (tool,) = body["tools"]
    assert (tool["name"], tool["strict"], tool["parameters"]) == ("bash", False, dict(TOOL.input_schema))


def test_options_of_the_request() -> None:
    body = body_of(
        replace(
            ASKED,
            tool_choice=ToolChoice.REQUIRED,
            reasoning_effort="high",
            provider_options={"service_tier": "flex"},
            metadata={"session": "acme/secret-name", "attempt": "2"},
        )
    )
    assert body["tool_choice"] == "required"
    assert body["parallel_tool_calls"] is True
    assert body["reasoning"] == {"effort": "high"}
    assert body["service_tier"] == "flex"
    assert len(body["prompt_cache_key"]) == 32
    assert "secret-name" not in json.dumps(body)
    other = replace(ASKED, metadata={"session": "acme/secret-name", "attempt": "3"})
    assert body_of(other)["prompt_cache_key"] == body["prompt_cache_key"]
    assert "prompt_cache_key" not in body_of(replace(other, cache=False))


def test_what_a_model_cannot_do_is_left_out_and_named() -> None:
    able = catalogue.lookup("openai", "gpt-4.1")
    blind = replace(able, capabilities=replace(able.capabilities, vision=False, structured_output=False))
    asked = replace(
        ASKED, reasoning_effort="high", output_schema={}, max_output_tokens=10**6, temperature=0.5
    )
    built = build(asked, Reader("mine", "gpt-4.1"), blind)
    assert built.dropped == (
        "image",
        "max_output_tokens above 32768",
        "reasoning_effort",
        "output_schema",
    )
    assert not {"reasoning", "include", "text"} & built.body.keys()
    assert (built.body["max_output_tokens"], built.body["temperature"]) == (32768, 0.5)
    assert "[an image was left out" in json.dumps(built.body)


def test_a_tiny_limit_is_raised_to_the_least_that_is_taken() -> None:
    assert body_of(replace(ASKED, max_output_tokens=1))["max_output_tokens"] == 16


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "object", "properties": {}, "required": [], "additionalProperties": False}, True),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}, True),
        ({"type": "object", "properties": {"a": {}}, "required": [], "additionalProperties": False}, False),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, False),
        ({"type": "array", "items": {"type": "object"}}, False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, True),
        ({"oneOf": [{"type": "string"}]}, False),
    ],
)
def test_a_schema_is_strict_only_where_the_service_takes_it(schema: Mapping[str, Any], strict: bool) -> None:
    assert is_strict(schema) is strict
    form = body_of(replace(ASKED, output_schema=schema))["text"]["format"]
    assert form == {"type": "json_schema", "name": "answer", "schema": schema, "strict": strict}


def test_nothing_empty_is_sent() -> None:
    assert sent_items(Text(" \n"), role=Role.USER) == []
    assert sent_items(Text("")) == []
    assert "instructions" not in body_of(replace(ASKED, system=" "))


def test_broken_arguments_are_shown_to_the_model() -> None:
    (item,) = sent_items(ToolCall("c", "bash", '{"command": '))
    assert json.loads(item["arguments"]) == {"invalid_json": '{"command": '}


async def sent(body: dict[str, Any], *, by_create: bool) -> tuple[httpx2.Headers, Any]:
    """The request that leaves the SDK."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=b"")

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    async with AsyncOpenAI(
        api_key=KEY, base_url="http://localhost", http_client=http, max_retries=0
    ) as client:
        if by_create:
            stream = await client.responses.create(**cast("Any", body), stream=True)
        else:
            stream = await client.post(
                "/responses",
                content=json.dumps({**body, "stream": True}).encode(),
                cast_to=object,
                stream=True,
                stream_cls=AsyncStream[object],
            )
        await stream.close()
    return seen[-1].headers, json.loads(seen[-1].content)


async def test_the_request_is_the_one_that_create_sends() -> None:
    body = body_of(replace(ASKED, output_schema={"type": "string"}, reasoning_effort="low"))
    their_headers, theirs = await sent(body, by_create=True)
    our_headers, ours = await sent(body, by_create=False)
    assert ours == theirs
    changing = {"content-length", "idempotency-key"}
    assert {k: v for k, v in our_headers.items() if k not in changing} == {
        k: v for k, v in their_headers.items() if k not in changing
    }


# --- reasoning that is sent back -----------------------------------------------------------------


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def test_reasoning_and_phases_make_the_round_trip_unchanged() -> None:
    thought = {**THOUGHT, "content": None, "status": None}
    first = Answer(
        [
            openai_start(),
            *openai_item(0, {**thought, "summary": []}, {"summary": THOUGHT["summary"]}),
            *openai_text(1, "I look.", phase="commentary"),
            *openai_text(2, "Done.", phase="final_answer"),
            openai_end(),
        ]
    )
    async with RawServer(first, Answer(VENDOR.wire(Said(["fine"])))) as server:
        provider = VENDOR.provider(server.url)
        said = (await complete(provider, ask())).message
        assert [part.text for part in said.parts if isinstance(part, Text)] == ["I look.", "Done."]
        assert said.parts[0] == Reasoning("Let me see.", said.parts[0].provider_data)  # type: ignore[union-attr]
        await complete(provider, replace(ask(), messages=(user("hello"), said, user("go on"))))
        assert server.received[-1].body["input"][1:-1] == [
            THOUGHT,
            {"type": "message", "role": "assistant", "content": "I look.", "phase": "commentary"},
            {"type": "message", "role": "assistant", "content": "Done.", "phase": "final_answer"},
        ]
        await provider.close()


@pytest.mark.parametrize(
    "data",
    [
        None,
        "not json",
        "[1]",
        json.dumps({"model": MODEL, "block": {"type": "thinking", "signature": "c2ln"}}),
        reasoning_data(Reader("mine", "gpt-6-luna"), THOUGHT),
        reasoning_data(Reader("another account", MODEL), THOUGHT),
    ],
    ids=["none", "broken", "list", "other vendor", "other model", "other account"],
)
def test_reasoning_that_cannot_be_read_is_left_out(data: str | None) -> None:
    assert [item["type"] for item in sent_items(Reasoning("hm", data), Text("yes"))] == ["message"]


def test_reasoning_that_nothing_follows_is_left_out() -> None:
    """The answer was cut short after it: the service refuses such an item."""
    thought = Reasoning("hm", reasoning_data(READER, THOUGHT))
    assert sent_items(thought) == []
    assert [item["type"] for item in sent_items(thought, Text("x"), thought)] == ["reasoning", "message"]


def test_reasoning_without_its_encrypted_content_is_not_kept() -> None:
    assert reasoning_data(READER, {**THOUGHT, "encrypted_content": None}) is None


def test_plain_reasoning_is_not_sent_back() -> None:
    data = reasoning_data(READER, {**THOUGHT, "content": [{"type": "reasoning_text", "text": "secret"}]})
    assert data is not None
    assert "secret" not in data


def test_a_phase_lasts_until_the_next() -> None:
    parts = (Text("a"), Reasoning("", phase_data("commentary")), Text("b"), Text("c"))
    assert [item.get("phase") for item in sent_items(*parts)] == [None, "commentary", "commentary"]


async def test_reasoning_can_be_kept_out() -> None:
    async with RawServer(Answer(VENDOR.wire(Said(["x"])))) as server:
        provider = VENDOR.provider(server.url, options={"replayReasoning": False})
        await complete(provider, ASKED)
        assert "opaque" not in json.dumps(server.received[0].body)
        await provider.close()


async def test_replayed_reasoning_that_is_refused_says_what_to_do(stack: AsyncExitStack) -> None:
    body = {"error": {"message": "no", "type": "invalid_request_error", "code": "invalid_encrypted_content"}}
    provider = await serve(VENDOR, json_answer(body, 400), stack)
    with pytest.raises(InvalidRequest) as caught:
        await complete(provider, ask())
    assert "replayReasoning" in (caught.value.hint or "")


# --- the client ----------------------------------------------------------------------------------


async def test_nothing_of_the_environment_goes_over_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "WEBHOOK_SECRET", "BASE_URL"):
        monkeypatch.setenv(f"OPENAI_{name}", "canary")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "x-strange: canary\nauthorization: Bearer canary")
    async with RawServer(Answer(VENDOR.wire(Said(["x"])))) as server:
        provider = VENDOR.provider(server.url, headers={"x-team": "blue"})
        await complete(provider, ask())
        received = server.received[0]
        assert "canary" not in str(received)
        assert (received.method, received.path) == ("POST", "/responses")
        assert received.headers["authorization"] == f"Bearer {KEY}"
        assert received.headers["x-team"] == "blue"
        assert not [name for name in received.headers if name.startswith("openai-")]
        await provider.close()


async def test_the_account_is_named_where_it_is_configured() -> None:
    async with RawServer(Answer(VENDOR.wire(Said(["x"])))) as server:
        options = {"organization": "org-1", "project": "proj_1"}
        provider = VENDOR.provider(
            server.url, api_key=None, headers={"Authorization": "Bearer t"}, options=options
        )
        await complete(provider, ask())
        headers = server.received[0].headers
        assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "proj_1")
        assert headers["authorization"] == "Bearer t"
        await provider.close()


async def test_a_summary_of_reasoning_is_asked_for_where_wanted() -> None:
    async with RawServer(Answer(VENDOR.wire(Said(["x"])))) as server:
        provider = VENDOR.provider(server.url, options={"reasoningSummary": "auto"}, temperature=0.1)
        with structlog.testing.capture_logs() as logs:
            await complete(provider, ASKED)
        assert server.received[0].body["reasoning"] == {"summary": "auto"}
        assert [log["dropped"] for log in logs if log["log_level"] == "warning"] == [["temperature"]]
        await provider.close()
    with pytest.raises(ConfigError, match="loud") as caught:
        VENDOR.provider("http://127.0.0.1:1", options={"reasoningSummary": "loud"})
    assert "concise" in (caught.value.hint or "")


async def test_tokens_are_counted_by_the_service_or_estimated(stack: AsyncExitStack) -> None:
    async with RawServer(json_answer({"object": "response.input_tokens", "input_tokens": 42})) as server:
        provider = VENDOR.provider(server.url)
        counted = await provider.count_tokens(replace(ASKED, metadata={"session": "s"}))
        assert (counted.tokens, counted.estimated) == (42, False)
        received = server.received[0]
        assert received.path == "/responses/input_tokens"
        assert received.body.keys() <= {"model", "input", "instructions", "tools", "parallel_tool_calls"}
        await provider.close()
    missing = await serve(VENDOR, json_answer({"error": {"message": "no such page"}}, 404), stack)
    estimate = await missing.count_tokens(ask("word " * 100))
    assert estimate.estimated
    assert 80 < estimate.tokens < 250
    answers: tuple[object, ...] = ({}, [], {"input_tokens": "many"})
    for strange in answers:
        provider = await serve(VENDOR, json_answer(strange), stack)
        with pytest.raises(InvalidRequest, match="count of tokens"):
            await provider.count_tokens(ask())


@pytest.mark.parametrize(("tier", "priced"), [(None, True), ("default", True), ("flex", False)])
async def test_a_price_is_known_for_the_default_tier_only(
    stack: AsyncExitStack, tier: str | None, priced: bool
) -> None:
    wire = [openai_start(MODEL), openai_end((1000, 100), model=MODEL, service_tier=tier)]
    cost = (await complete(await serve(VENDOR, Answer(wire), stack), ask())).finish.cost
    assert cost.source is (CostSource.PRICES if priced else CostSource.UNKNOWN)
    assert (cost == UNKNOWN_COST) is not priced
