"""Gemini's form: the request against the SDK's own, signatures, calls, errors and the end of a stream."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

import httpx2
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from tamma.errors import (
    AuthFailed,
    ContextOverflow,
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
    Image,
    Message,
    Reasoning,
    ReasoningDelta,
    ReasoningEnd,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
    user,
)
from tamma.providers.catalogue import models as catalogue
from tamma.providers.catalogue.prices import cost_of
from tamma.providers.common.errors import CallContext
from tamma.providers.common.sse import SSEDecoder
from tamma.providers.gemini import errors
from tamma.providers.gemini.messages import UNSIGNED, Built, build, contents
from tamma.providers.gemini.stream import FINISH, GeminiStream
from tamma.providers.interface import Folder, complete
from tests.providers.vendors.base import KEY, Said, ask, serve
from tests.providers.vendors.gemini import GeminiVendor, gemini_call, gemini_chunk, gemini_event
from tests.support.raw_http import Answer, RawServer, json_answer

VENDOR = GeminiVendor()
MODEL = "gemini-3.8-flash"
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
TOOL = Tool("read", "reads a file", SCHEMA)
CALL = ToolCall("c1", "read", '{"path": "a.py"}')


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


def built(request: Request, model: str = MODEL) -> Built:
    return build(request, model, catalogue.lookup("gemini", model))


def body(model: str = MODEL, **more: Any) -> dict[str, Any]:
    return built(replace(ask(), **more), model).body


# --- the request ---------------------------------------------------------------------------------


def in_camel_case(value: Any) -> Any:
    """The SDK sends some names as `mime_type`. The service takes both forms, as protocol buffers do."""
    if isinstance(value, dict):
        known = cast("dict[str, Any]", value)
        return {re.sub("_(.)", lambda f: f[1].upper(), name): in_camel_case(v) for name, v in known.items()}
    return [in_camel_case(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


async def sent_by_the_sdk(
    model: str, content: list[dict[str, Any]], config: dict[str, Any]
) -> httpx2.Request:
    """What `generate_content_stream` sends for the same, in its own words."""
    from google.genai import Client, types

    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=b"")

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    client = Client(
        vertexai=False,
        api_key=KEY,
        http_options=types.HttpOptions(
            base_url="http://localhost",
            api_version="v1beta",
            httpx_async_client=http,
            httpx_client=httpx2.Client(transport=httpx2.BaseTransport(), trust_env=False),
        ),
    )
    asked = [types.Content.model_validate(entry) for entry in content]
    config = {**config, "automatic_function_calling": {"disable": True}}
    generate = cast("Any", client.aio.models).generate_content_stream  # its type names PIL, which is not here
    stream = await generate(
        model=model, contents=asked, config=types.GenerateContentConfig.model_validate(config)
    )
    assert [chunk async for chunk in stream] == []
    await http.aclose()
    return seen[-1]


@pytest.mark.parametrize("model", [MODEL, "gemini-2.5-flash-lite"])
async def test_the_request_is_the_one_that_the_sdk_sends(model: str) -> None:
    asked = ask(
        system="be brief",
        tools=(TOOL,),
        tool_choice=ToolChoice.REQUIRED,
        max_output_tokens=100,
        reasoning_effort="low",
    )
    signed = Reasoning("", json.dumps({"model": model, "on": "call", "signature": "c2ln"}))
    conversation = (
        Message(Role.USER, (Text("Grüße 🌍\u2028"), Image("image/png", "aGk="))),
        Message(Role.ASSISTANT, (Text("I look."), signed, CALL)),
        Message(Role.USER, (ToolResult("c1", "a\nb"),)),
    )
    thinking = {"thinking_budget": 1024} if model.startswith("gemini-2") else {"thinking_level": "LOW"}
    config: dict[str, Any] = {
        "system_instruction": {"parts": [{"text": "be brief"}]},
        "tools": [
            {
                "function_declarations": [
                    {"name": "read", "description": "reads a file", "parameters_json_schema": SCHEMA}
                ]
            }
        ],
        "tool_config": {"function_calling_config": {"mode": "ANY"}},
        "max_output_tokens": 100,
        "thinking_config": {"include_thoughts": True, **thinking},
    }
    response = {"id": "c1", "name": "read", "response": {"output": "a\nb"}}
    content: list[dict[str, Any]] = [
        {
            "role": "user",
            "parts": [{"text": "Grüße 🌍\u2028"}, {"inline_data": {"mime_type": "image/png", "data": b"hi"}}],
        },
        {
            "role": "model",
            "parts": [
                {"text": "I look."},
                {
                    "function_call": {"id": "c1", "name": "read", "args": {"path": "a.py"}},
                    "thought_signature": b"sig",
                },
            ],
        },
        {"role": "user", "parts": [{"function_response": response}]},
    ]
    theirs = await sent_by_the_sdk(model, content, config)
    async with RawServer(Answer(VENDOR.wire(Said(["x"])))) as server:
        provider = VENDOR.provider(server.url)
        await complete(provider, replace(asked, model=model, messages=conversation))
        await provider.close()
    (ours,) = server.received
    assert ours.body == in_camel_case(json.loads(theirs.content))
    assert ours.path == theirs.url.raw_path.decode()
    assert ours.headers["x-goog-api-key"] == theirs.headers["x-goog-api-key"] == KEY


def test_a_schema_for_the_answer() -> None:
    assert body(output_schema=SCHEMA)["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
        "thinkingConfig": {"includeThoughts": True},
    }
    beside_tools = built(replace(ask(), output_schema=SCHEMA, tools=(TOOL,)), "gemini-2.5-flash-lite")
    assert beside_tools.dropped == ("output_schema",)
    assert "generationConfig" not in beside_tools.body


@pytest.mark.parametrize(
    ("model", "effort", "config"),
    [
        (MODEL, None, {"includeThoughts": True}),
        (MODEL, "high", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-2.5-flash-lite", None, None),
        ("gemini-2.5-flash-lite", "medium", {"includeThoughts": True, "thinkingBudget": 8192}),
        ("gemini-nobody-knows", "high", None),
    ],
)
def test_thinking(model: str, effort: Any, config: dict[str, Any] | None) -> None:
    assert body(model, reasoning_effort=effort).get("generationConfig", {}).get("thinkingConfig") == config


async def test_what_a_model_does_not_take_is_left_out_with_a_warning(stack: AsyncExitStack) -> None:
    provider = await serve(VENDOR, Answer(VENDOR.wire(Said(["x"]))), stack)
    asked = ask(temperature=0.5, reasoning_effort="high", output_schema=SCHEMA, tools=(TOOL,))
    asked = replace(asked, model="gemini-nobody-knows", tool_choice=ToolChoice.REQUIRED)
    with structlog.testing.capture_logs() as logs:
        await complete(provider, asked)
    dropped = ["tool_choice 'required'", "temperature", "output_schema", "reasoning_effort"]
    assert [log["dropped"] for log in logs] == [dropped]


def test_limits_and_options() -> None:
    assert body(max_output_tokens=10**6)["generationConfig"]["maxOutputTokens"] == 65_536
    assert body("gemini-2.5-flash-lite", temperature=0.5)["generationConfig"] == {"temperature": 0.5}
    options: dict[str, object] = {"generationConfig": {"topK": 3}, "safetySettings": []}
    made = body(max_output_tokens=9, provider_options=options)
    assert made["generationConfig"]["topK"] == 3
    assert made["generationConfig"]["maxOutputTokens"] == 9
    assert made["safetySettings"] == []
    assert body(tools=(TOOL,), tool_choice=ToolChoice.NONE)["toolConfig"] == {
        "functionCallingConfig": {"mode": "NONE"}
    }


def test_results_go_first_and_by_the_name_of_their_call() -> None:
    said = Message(Role.ASSISTANT, (CALL, ToolCall("c2", "run", "{}")))
    back = Message(
        Role.USER, (Text("go on"), ToolResult("c2", "oops", is_error=True), ToolResult("c1", "text"))
    )
    entries = contents((user("hello"), user("there"), said, back), MODEL)
    assert [entry["role"] for entry in entries] == ["user", "model", "user"]
    assert entries[2]["parts"] == [
        {"functionResponse": {"id": "c2", "name": "run", "response": {"error": "oops"}}},
        {"functionResponse": {"id": "c1", "name": "read", "response": {"output": "text"}}},
        {"text": "go on"},
    ]


def test_a_result_whose_call_is_gone_becomes_text() -> None:
    (entry,) = contents((Message(Role.USER, (ToolResult("gone", "text"),)),), MODEL)
    assert entry["parts"] == [{"text": "[result of an earlier tool call]\ntext"}]


@pytest.mark.parametrize("args", ["{", "[1]", "null", "[" * 100_000])
def test_broken_arguments_are_shown_to_the_model(args: str) -> None:
    (entry,) = contents((Message(Role.ASSISTANT, (ToolCall("c", "run", args),)),), MODEL)
    assert entry["parts"][0]["functionCall"]["args"] == {"invalid_json": args}


def test_a_model_that_cannot_see() -> None:
    entries = contents((Message(Role.USER, (Image("image/png", "aGk="),)),), MODEL, vision=False)
    assert "left out" in entries[0]["parts"][0]["text"]


# --- thought signatures --------------------------------------------------------------------------


async def test_signatures_make_the_round_trip_unchanged() -> None:
    first = Answer(
        [
            gemini_chunk({"text": "Let me ", "thought": True}),
            gemini_chunk({"text": "see.", "thought": True}),
            gemini_chunk({"text": "I read "}),
            gemini_chunk({"text": "two."}),
            gemini_chunk({"text": "", "thoughtSignature": "dGV4dA=="}),
            gemini_chunk(
                gemini_call("read", {"path": "a"}, thoughtSignature="Y2Fs_-bA=="),
                gemini_call("read", {"path": "b"}),
            ),
            gemini_chunk({"text": "hm", "thought": True, "thoughtSignature": "dGhvdWdodA=="}),
            gemini_chunk(finish="STOP"),
        ]
    )
    async with RawServer(first, Answer(VENDOR.wire(Said(["done"])))) as server:
        provider = VENDOR.provider(server.url, model=MODEL)
        asked = replace(ask(tools=(TOOL,)), model=MODEL)
        said = (await complete(provider, asked)).message
        assert [type(part) for part in said.parts] == [
            Reasoning, Text, Reasoning, Reasoning, ToolCall, ToolCall, Reasoning,
        ]  # fmt: skip
        results = Message(Role.USER, tuple(ToolResult(call.id, "x") for call in said.tool_calls))
        await complete(provider, replace(asked, messages=(user("hello"), said, results)))
        await provider.close()
    parts = server.received[1].body["contents"][1]["parts"]
    one, two = said.tool_calls
    assert one.id != two.id
    assert parts == [
        {"text": "I read two."},
        {"text": "", "thoughtSignature": "dGV4dA=="},
        {
            "functionCall": {"id": one.id, "name": "read", "args": {"path": "a"}},
            "thoughtSignature": "Y2Fs_-bA==",
        },
        {"functionCall": {"id": two.id, "name": "read", "args": {"path": "b"}}},
        {"text": "hm", "thought": True, "thoughtSignature": "dGhvdWdodA=="},
    ]


@pytest.mark.parametrize(
    ("model", "signature"),
    [(MODEL, UNSIGNED), ("gemini-4-argon", UNSIGNED), ("gemini-2.5-pro", None), ("gemma-4", None)],
)
def test_a_history_of_another_model_is_taken_by_those_that_check(model: str, signature: str | None) -> None:
    foreign = Reasoning("", json.dumps({"model": "another", "on": "call", "signature": "c2ln"}))
    strange = [Reasoning("", data) for data in (None, "no json", "[1]", '{"model": 1}', '{"block": {}}')]
    said = Message(Role.ASSISTANT, (foreign, *strange, CALL, ToolCall("c2", "run", "{}")))
    (entry,) = contents((said,), model)
    assert [part.get("thoughtSignature") for part in entry["parts"]] == [signature, None]


# --- the answer ----------------------------------------------------------------------------------


async def test_calls_without_ids_get_their_own(stack: AsyncExitStack) -> None:
    same: dict[str, Any] = {"id": "same", "name": "run", "args": {}}
    chunks = [
        gemini_chunk(gemini_call("run", {}), gemini_call("run", {})),
        gemini_chunk({"functionCall": same}),
    ]
    chunks += [gemini_chunk({"functionCall": same}, finish="STOP")]
    calls = (await complete(await serve(VENDOR, Answer(chunks), stack), ask())).message.tool_calls
    assert len({call.id for call in calls}) == 4
    assert calls[2].id == "same"


async def test_usage_takes_in_cache_and_thoughts(stack: AsyncExitStack) -> None:
    counts = {"promptTokenCount": 1000, "cachedContentTokenCount": 600, "candidatesTokenCount": 20}
    end = gemini_chunk(finish="STOP", **counts, thoughtsTokenCount=30, toolUsePromptTokenCount=5)
    provider = await serve(VENDOR, Answer([gemini_chunk({"text": "x"}), end]), stack)
    finish = (await complete(provider, ask())).finish
    assert finish.usage == Usage(1005, cache_read=600, output_total=50, reasoning=30)
    assert finish.request_id == "resp-1"


async def test_usage_that_comes_after_the_end_is_still_read(stack: AsyncExitStack) -> None:
    end = gemini_event({"candidates": [{"finishReason": "STOP"}]})
    usage = gemini_event({"usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 2}})
    provider = await serve(VENDOR, Answer([end, 0.01, usage]), stack)
    assert (await complete(provider, ask())).finish.usage == Usage(7, output_total=2)


async def test_without_usage_it_is_estimated(stack: AsyncExitStack) -> None:
    text = gemini_event(
        {"candidates": [{"content": {"parts": [{"text": "some words"}]}, "finishReason": "STOP"}]}
    )
    usage = (await complete(await serve(VENDOR, Answer([text]), stack), ask())).finish.usage
    assert usage.estimated
    assert usage.input_total
    assert usage.output_total


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"])
async def test_content_that_was_stopped(stack: AsyncExitStack, reason: str) -> None:
    finish = gemini_event({"candidates": [{"finishReason": reason}]})
    completion = await complete(await serve(VENDOR, Answer([finish]), stack), ask())
    assert (completion.finish.reason, completion.finish.native_reason) == (
        FinishReason.CONTENT_FILTER,
        reason,
    )


@pytest.mark.parametrize("reason", ["PROHIBITED_CONTENT", "OTHER", "STOP"])
async def test_a_blocked_prompt_is_a_content_filter(stack: AsyncExitStack, reason: str) -> None:
    blocked = gemini_event(
        {"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 4}}
    )
    completion = await complete(await serve(VENDOR, Answer([blocked]), stack), ask())
    assert completion.message.parts == ()
    assert completion.finish.reason is FinishReason.CONTENT_FILTER
    assert completion.finish.usage == Usage(4)


async def test_a_malformed_call_is_told(stack: AsyncExitStack) -> None:
    finish = gemini_event(
        {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "print("}]}
    )
    completion = await complete(await serve(VENDOR, Answer([finish]), stack), ask())
    assert completion.finish.reason is FinishReason.UNKNOWN
    assert completion.finish.native_reason == "MALFORMED_FUNCTION_CALL"


def test_every_finish_reason_of_the_sdk_is_in_the_table() -> None:
    from google.genai import types

    unused = {"FINISH_REASON_UNSPECIFIED", "NO_IMAGE", "IMAGE_OTHER"}  # images are not asked for
    assert {reason.value for reason in types.FinishReason} - unused <= FINISH.keys()


@pytest.mark.parametrize(
    "data",
    [
        {"candidates": "x"},
        {"candidates": [5]},
        {"candidates": [{"content": {"parts": [5]}}]},
        {"candidates": [{"content": {"parts": [{"text": 5}]}}]},
        {"candidates": [{"content": {"parts": [{"functionCall": "x"}]}}]},
        {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": "x"}},
    ],
)
async def test_fields_of_another_type(stack: AsyncExitStack, data: dict[str, Any]) -> None:
    provider = await serve(VENDOR, Answer([gemini_event(data)]), stack)
    with pytest.raises(StreamInterrupted, match="not readable"):
        await complete(provider, ask())


RECORDED = b"".join(
    [
        gemini_chunk({"text": "Ich überlege 🦜", "thought": True}),
        gemini_chunk({"text": "día 日本 "}),
        gemini_chunk({"text": 'und "mehr"\u2028\\n'}),
        gemini_chunk(gemini_call("read", {"path": "ä.py"}, thoughtSignature="c2ln")),
        gemini_chunk(finish="STOP", candidatesTokenCount=9, thoughtsTokenCount=4),
    ]
)


def folded(pieces: list[bytes]) -> tuple[Message, FinishReason, Usage]:
    decoder, answer, folder = SSEDecoder(), GeminiStream(MODEL, 1), Folder()
    for piece in pieces:
        for event in decoder.feed(piece):
            for ours in answer.feed(json.loads(event.data)):
                folder.add(ours)
    assert answer.done
    folder.add(Finish(answer.reason, answer.usage, cost_of("x", "m", answer.usage, None), "m"))
    message = folder.completion().message
    parts = tuple(replace(p, id="c") if isinstance(p, ToolCall) else p for p in message.parts)
    return replace(message, parts=parts), answer.reason, answer.usage


@given(st.lists(st.integers(0, len(RECORDED)), max_size=12))
def test_any_split_gives_the_same_message(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(RECORDED)]
    pieces = [RECORDED[start:end] for start, end in pairwise(edges)]
    message, reason, usage = folded(pieces)
    assert (message, reason, usage) == folded([RECORDED])
    assert message.text == 'día 日本 und "mehr"\u2028\\n'
    assert reason is FinishReason.TOOL_CALLS
    assert usage == Usage(10, output_total=13, reasoning=4)


def test_thoughts_are_reasoning() -> None:
    answer = GeminiStream(MODEL, 1)
    signed = {"text": "hm", "thought": True, "thoughtSignature": "c2ln"}
    _, delta, end = answer.feed({"candidates": [{"content": {"parts": [signed]}}]})
    assert delta == ReasoningDelta("hm")
    assert isinstance(end, ReasoningEnd)


# --- errors --------------------------------------------------------------------------------------


def refusal(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def quota(quota_id: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota_id}]}


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37.5s"}
BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (refusal(429, "RESOURCE_EXHAUSTED", "slow down", quota(PER_MINUTE), RETRY), RateLimited),
        (
            refusal(429, "RESOURCE_EXHAUSTED", "quota", quota(PER_MINUTE), quota(PER_DAY), RETRY),
            QuotaExhausted,
        ),
        (refusal(429, "RESOURCE_EXHAUSTED", "metric: x, limit: 0, model: y", RETRY), QuotaExhausted),
        (refusal(400, "INVALID_ARGUMENT", "API key not valid. Please pass one", BAD_KEY), AuthFailed),
        (refusal(400, "INVALID_ARGUMENT", "API key expired"), AuthFailed),
        (refusal(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum"), ContextOverflow),
        (refusal(400, "INVALID_ARGUMENT", "Function call is missing a thought_signature"), InvalidRequest),
        (refusal(400, "FAILED_PRECONDITION", "User location is not supported"), InvalidRequest),
        ([refusal(503, "UNAVAILABLE", "The model is overloaded")], Overloaded),
        ({"message": "not JSON"}, InvalidRequest),
        ({"error": {"details": [5, {"violations": 7}, {"violations": [8]}]}}, InvalidRequest),
        ([], InvalidRequest),
        ("text", InvalidRequest),
    ],
)
def test_what_a_refusal_means(body: Any, expected: type[ProviderError]) -> None:
    said = errors.read_body(body)
    error = errors.to_error(said.code or 400, body, {}, CallContext("mine", MODEL, "host"))
    assert type(error) is expected
    assert error.retry_after == (37.5 if "retryDelay" in json.dumps(body) else None)


async def test_a_refusal_in_the_middle_that_is_no_event(stack: AsyncExitStack) -> None:
    bare = json.dumps(refusal(429, "RESOURCE_EXHAUSTED", f"slow down {KEY}", RETRY), indent=2).encode()
    for steps in (
        [bare],
        [gemini_chunk({"text": "one"}), bare[:20], bare[20:]],
        [gemini_chunk({"text": "one"}) + bare],
    ):
        provider = await serve(VENDOR, Answer(steps), stack)
        with pytest.raises(RateLimited, match=re.escape("slow down ***")) as caught:
            await complete(provider, ask())
        assert caught.value.retry_after == 37.5


async def test_a_fault_after_the_end_costs_nothing(stack: AsyncExitStack) -> None:
    whole = [gemini_chunk({"text": "all"}), gemini_chunk(finish="STOP")]
    for end in (b"data: {\n\n", "drop"):
        provider = await serve(VENDOR, Answer([*whole, end]), stack)
        assert (await complete(provider, ask())).message.text == "all"


# --- around it -----------------------------------------------------------------------------------


async def test_tokens_are_counted_with_system_and_tools() -> None:
    async with RawServer(json_answer({"totalTokens": 42})) as server:
        provider = VENDOR.provider(server.url)
        counted = await provider.count_tokens(replace(ask(system="be brief", tools=(TOOL,)), model=MODEL))
        await provider.close()
    assert (counted.tokens, counted.estimated) == (42, False)
    (asked,) = server.received
    assert asked.path == f"/v1beta/models/{MODEL}:countTokens"
    whole = asked.body["generateContentRequest"]
    assert whole["model"] == f"models/{MODEL}"
    assert whole.keys() >= {"contents", "systemInstruction", "tools"}


async def test_tokens_are_estimated_where_nobody_counts(stack: AsyncExitStack) -> None:
    missing = await serve(VENDOR, json_answer(refusal(404, "NOT_FOUND", "no"), 404), stack)
    assert (await missing.count_tokens(ask())).estimated
    strange = await serve(VENDOR, json_answer({"tokens": 1}), stack)
    with pytest.raises(StreamInterrupted, match="not readable"):
        await strange.count_tokens(ask())


async def test_the_models_and_their_limits() -> None:
    async with RawServer(json_answer(VENDOR.models_answer)) as server:
        provider = VENDOR.provider(server.url)
        (model,) = await provider.models()
        await provider.close()
    assert (model.id, model.context_window, model.max_output) == ("m1", 1_048_576, 65_536)
    assert server.received[0].headers["x-goog-api-key"] == KEY


@pytest.mark.parametrize("answer", [json_answer([1]), json_answer({"models": 5}), Answer([b"<html>"])])
async def test_a_list_of_models_that_is_none(stack: AsyncExitStack, answer: Answer) -> None:
    with pytest.raises(StreamInterrupted, match="not readable"):
        await (await serve(VENDOR, answer, stack)).models()


async def test_a_list_of_models_is_asked_for_once(stack: AsyncExitStack) -> None:
    """The SDK could try again by itself; Temporal does that."""
    server = await stack.enter_async_context(RawServer(json_answer(refusal(503, "UNAVAILABLE", "busy"), 503)))
    provider = VENDOR.provider(server.url)
    with pytest.raises(Overloaded):
        await provider.models()
    assert len(server.received) == 1
    await provider.close()


async def test_the_environment_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "GOOGLE_API_KEY": "from-the-environment",
        "GEMINI_API_KEY": "from-the-environment",
        "GOOGLE_GENAI_USE_VERTEXAI": "true",
        "GOOGLE_GENAI_USE_ENTERPRISE": "true",
        "GOOGLE_CLOUD_PROJECT": "project",
        "GOOGLE_CLOUD_LOCATION": "somewhere",
        "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:1",
        "GOOGLE_GENAI_API_VERSION": "v9",
        "GOOGLE_GENAI_CLIENT_MODE": "replay",
        "GOOGLE_GENAI_REPLAYS_DIRECTORY": "/nowhere",
        "GOOGLE_GENAI_REPLAY_ID": "x",
        "GOOGLE_GENAI_HTTP_CLIENT": "httpx",
    }.items():
        monkeypatch.setenv(name, value)
    without = VENDOR.provider("http://127.0.0.1:1", api_key=None)
    for call in (complete(without, ask()), without.models(), without.count_tokens(ask())):
        with pytest.raises(AuthFailed, match="no API key"):
            await call
    async with RawServer(Answer(VENDOR.wire(Said(["x"]))), json_answer(VENDOR.models_answer)) as server:
        provider = VENDOR.provider(server.url)
        await complete(provider, ask())
        await provider.models()
        await provider.close()
    assert [asked.headers["x-goog-api-key"] for asked in server.received] == [KEY, KEY]
    assert all(asked.path.startswith("/v1beta/models") for asked in server.received)


async def test_a_key_may_stand_in_a_header() -> None:
    async with RawServer(Answer(VENDOR.wire(Said(["x"])))) as server:
        provider = VENDOR.provider(
            f"{server.url}/v1beta/", api_key=None, headers={"X-Goog-Api-Key": "theirs"}
        )
        assert (await complete(provider, replace(ask(), model="models/a b?c"))).message.text == "x"
        await provider.close()
    (asked,) = server.received
    assert asked.headers["x-goog-api-key"] == "theirs"
    assert asked.path == "/v1beta/models/a%20b%3Fc:streamGenerateContent?alt=sse"


# --- figures -------------------------------------------------------------------------------------


def test_the_default_model_is_current_and_priced() -> None:
    default = catalogue.default_model("gemini")
    assert default is not None
    found = catalogue.lookup("gemini", default).capabilities
    assert (found.lifecycle, found.tools, found.structured_output) == ("active", True, True)
    assert cost_of("gemini", default, Usage(1000), None).usd


def test_prices_know_the_cache_and_long_prompts() -> None:
    pro = "gemini-3.1-pro-preview"
    cached = cost_of("gemini", pro, Usage(100_000, cache_read=100_000, output_total=1000), None)
    assert cached.usd == Decimal("0.02") + Decimal("0.012")
    short, long = (cost_of("gemini", pro, Usage(count), None).usd for count in (100_000, 300_000))
    assert short == Decimal("0.2")
    assert long == Decimal("1.2")


def test_the_catalogue_agrees_with_the_price_data() -> None:
    import genai_prices

    for model in (
        "gemini-4-argon",
        "gemini-3.8-flash",
        "gemini-3.5-flash-lite",
        "gemini-2.5-flash",
        "gemini-3.6-flash",
    ):
        found = catalogue.lookup("gemini", model).capabilities
        priced = genai_prices.calc_price(
            genai_prices.Usage(input_tokens=1), model, provider_id="google"
        ).model
        assert priced.id == model
        assert found.context_window is not None
        assert abs(found.context_window - (priced.context_window or 0)) < 50_000, model  # "1M" or 1,048,576
        assert "cautious" not in found.source
