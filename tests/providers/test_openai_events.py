"""The events of OpenAI's Responses API: in any order, in any pieces, with parts of them missing."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamma.errors import (
    ContentFiltered,
    ContextOverflow,
    InvalidRequest,
    Overloaded,
    ProviderError,
    ProviderTimeout,
    QuotaExhausted,
    RateLimited,
    StreamInterrupted,
)
from tamma.model.conversation import (
    Completion,
    FinishReason,
    Reasoning,
    ReasoningDelta,
    Start,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from tamma.providers.interface import complete
from tamma.providers.openai import provider as module
from tamma.providers.openai.messages import Reader
from tamma.providers.openai.stream import ResponseStream
from tests.providers.vendors.base import ask, serve
from tests.providers.vendors.openai import (
    OpenAIVendor,
    openai_call,
    openai_end,
    openai_event,
    openai_item,
    openai_response,
    openai_start,
    openai_text,
)
from tests.support.raw_http import Answer

VENDOR = OpenAIVendor()
THINKING = openai_item(
    0,
    {"type": "reasoning", "id": "rs_1", "summary": []},
    {
        "summary": [{"type": "summary_text", "text": "Let me see."}, {"type": "summary_text", "text": "So."}],
        "encrypted_content": "gAAAA",
    },
    openai_event("response.reasoning_summary_part.added", output_index=0, summary_index=0),
    openai_event("response.reasoning_summary_text.delta", output_index=0, summary_index=0, delta="Let me "),
    openai_event("response.reasoning_summary_text.delta", output_index=0, summary_index=0, delta="see."),
    openai_event("response.reasoning_summary_part.added", output_index=0, summary_index=1),
    openai_event("response.reasoning_summary_text.delta", output_index=0, summary_index=1, delta="So."),
)
RECORDED = b"".join(
    [
        openai_start(),
        *THINKING,
        *openai_text(1, "Grüße, ", "世界 ", "🌍\u2028", phase="commentary"),
        *openai_call(2, "call_1", "read", '{"path": "ä.py"}'),
        *openai_call(3, "call_2", "run", ""),
        openai_end((1000, 70), cached=900, written=50, thought=40),
    ]
)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


def parsed(*wire: bytes) -> list[dict[str, Any]]:
    lines = b"".join(wire).decode().split("\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def fed(*wire: bytes) -> tuple[ResponseStream, list[StreamEvent]]:
    answer = ResponseStream(Reader("mine", "m"), None)
    return answer, [ours for event in parsed(*wire) for ours in answer.feed(event)]


def texts(events: Sequence[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


# --- any split of the bytes ----------------------------------------------------------------------


async def heard(pieces: Sequence[bytes], patch: pytest.MonkeyPatch) -> Completion:
    """What the whole adapter makes of a body that arrives in `pieces`."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body())

    def client(*_: object) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))

    patch.setattr(module, "make_client", client)
    provider = VENDOR.provider("http://127.0.0.1:1")
    completion = await complete(provider, ask())
    await provider.close()
    return completion


@settings(deadline=None, max_examples=60)
@given(st.sets(st.integers(1, len(RECORDED) - 1), max_size=40))
def test_any_split_of_the_bytes_gives_the_same_message(cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(RECORDED)]
    pieces = [RECORDED[start:end] for start, end in pairwise(edges)]
    with pytest.MonkeyPatch.context() as patch:
        completion = asyncio.run(heard(pieces, patch))
    thought, phase, said, *calls = completion.message.parts
    assert isinstance(thought, Reasoning)
    assert (thought.text, '"encrypted_content":"gAAAA"' in (thought.provider_data or "")) == (
        "Let me see.\n\nSo.",
        True,
    )
    assert phase == Reasoning("", '{"phase":"commentary"}')
    assert said == Text("Grüße, 世界 🌍\u2028")
    assert calls == [ToolCall("call_1", "read", '{"path": "ä.py"}'), ToolCall("call_2", "run", "{}")]
    assert completion.finish.usage == Usage(1000, 900, 50, 70, 40)


# --- odd orders and missing parts ----------------------------------------------------------------


def test_the_usual_order() -> None:
    answer, events = fed(RECORDED)
    assert isinstance(events[0], Start)
    thoughts = [event.text for event in events if isinstance(event, ReasoningDelta)]
    assert thoughts == ["Let me ", "see.", "\n\n", "So."]
    ends = [event for event in events if isinstance(event, ToolCallEnd)]
    assert [(end.index, end.call.id, end.call.name) for end in ends] == [
        (0, "call_1", "read"),
        (1, "call_2", "run"),
    ]
    assert answer.done
    assert answer.reason is FinishReason.TOOL_CALLS


def test_a_stream_that_does_not_begin_with_its_beginning() -> None:
    _, events = fed(*openai_text(0, "Hel", "lo"), openai_end())
    assert isinstance(events[0], Start)
    assert sum(isinstance(event, Start) for event in events) == 1
    assert texts(events) == "Hello"


def test_text_without_any_item_around_it() -> None:
    delta = openai_event("response.output_text.delta", output_index=0, content_index=0, delta="alone")
    answer, events = fed(openai_start(), delta, openai_end())
    assert texts(events) == "alone"
    assert answer.reason is FinishReason.STOP


def test_text_that_comes_whole() -> None:
    added, *_, done = openai_text(0, "all at once")
    assert texts(fed(openai_start(), added, done, openai_end())[1]) == "all at once"
    assert texts(fed(openai_start(), done, openai_end())[1]) == "all at once"


def test_text_is_not_said_twice() -> None:
    assert texts(fed(openai_start(), *openai_text(0, "", "once", ""), openai_end())[1]) == "once"


def test_calls_whose_fragments_are_mixed() -> None:
    first = openai_call(0, "a", "read", '{"path": "a"}')
    second = openai_call(1, "b", "run", '{"command": "b"}')
    mixed = [part for pair in zip(first, second, strict=True) for part in pair]
    _, events = fed(openai_start(), *mixed, openai_end())
    ends = [event.call for event in events if isinstance(event, ToolCallEnd)]
    assert [(call.id, call.args_json) for call in ends] == [
        ("a", '{"path": "a"}'),
        ("b", '{"command": "b"}'),
    ]


def test_arguments_that_come_before_their_call() -> None:
    added, *deltas, done = openai_call(0, "a", "read", '{"path": "a"}')
    for order in ([*deltas, added, done], [*deltas, done]):
        _, events = fed(openai_start(), *order, openai_end())
        kinds = [type(event) for event in events if not isinstance(event, Start)]
        assert kinds[:3] == [ToolCallStart, ToolCallDelta, ToolCallEnd]
        assert [event.args_fragment for event in events if isinstance(event, ToolCallDelta)] == [
            '{"path": "a"}'
        ]


@pytest.mark.parametrize("kept", [(0, -1), (0, -2, -1), (0, -2), (0, 2, 3)])
def test_a_call_that_was_not_told_in_full(kept: tuple[int, ...]) -> None:
    """Without deltas, without the arguments' end, without the item's end."""
    wire = openai_call(0, "a", "read", '{"path": "a"}')
    answer, events = fed(openai_start(), *(wire[index] for index in kept), openai_end())
    (end,) = [event for event in events if isinstance(event, ToolCallEnd)]
    fragments = [event.args_fragment for event in events if isinstance(event, ToolCallDelta)]
    assert "".join(fragments) == end.call.args_json == '{"path": "a"}'
    assert answer.reason is FinishReason.TOOL_CALLS


def test_items_can_be_told_apart_by_their_ids_alone() -> None:
    """As llama.cpp does it."""
    wire = [
        *openai_text(0, "I ", "look."),
        *openai_call(1, "a", "read", '{"path": "a"}'),
        *openai_call(2, "b", "run", "{}"),
    ]
    usual = fed(openai_start(), *wire, openai_end())[1]
    bare = [re.sub(rb'"(output|content)_index": \d+, ', b"", part) for part in wire]
    assert b"_index" not in b"".join(bare)
    assert fed(openai_start(), *bare, openai_end())[1] == usual


def test_reasoning_in_the_open() -> None:
    thought = openai_event("response.reasoning_text.delta", output_index=0, delta="hm")
    item: dict[str, Any] = {"type": "reasoning", "id": "rs", "summary": []}
    _, events = fed(openai_start(), *openai_item(0, item, {}, thought), openai_end())
    assert [event.text for event in events if isinstance(event, ReasoningDelta)] == ["hm"]


def test_reasoning_whose_summary_was_not_streamed() -> None:
    added, *_, done = THINKING
    _, events = fed(openai_start(), added, done, openai_end())
    assert [event.text for event in events if isinstance(event, ReasoningDelta)] == ["Let me see.\n\nSo."]


def test_kinds_we_do_not_know_are_passed_over() -> None:
    search = openai_item(0, {"type": "web_search_call", "id": "ws"}, {}, openai_event("response.novelty"))
    answer, events = fed(openai_start(), *search, *openai_text(1, "x"), openai_end())
    assert texts(events) == "x"
    assert answer.reason is FinishReason.STOP


# --- how it ends ---------------------------------------------------------------------------------


def test_a_refusal_is_shown_and_named() -> None:
    delta = openai_event("response.refusal.delta", output_index=0, content_index=0, delta="I will not.")
    answer, events = fed(openai_start(), delta, openai_end())
    assert texts(events) == "I will not."
    assert (answer.reason, answer.native_reason) == (FinishReason.CONTENT_FILTER, "refusal")
    item = {"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}
    done = openai_event("response.output_item.done", output_index=0, item=item)
    answer, events = fed(openai_start(), done, openai_end())
    assert texts(events) == "No."
    assert answer.reason is FinishReason.CONTENT_FILTER


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("max_output_tokens", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("max_messages", FinishReason.UNKNOWN),
    ],
)
def test_an_answer_that_was_cut_short(native: str, expected: FinishReason) -> None:
    """Its calls are closed, but it does not end in tool calls: the last one may be half a call."""
    added, _, half, *_ = openai_call(0, "a", "read", '{"path": "a"}')
    answer, events = fed(openai_start(), added, half, openai_end(incomplete=native))
    assert (answer.reason, answer.native_reason) == (expected, native)
    (end,) = [event for event in events if isinstance(event, ToolCallEnd)]
    assert end.parse_error is not None


def failed(code: str | None, message: str = "because") -> bytes:
    response = openai_response("failed", error={"code": code, "message": message})
    return openai_event("response.failed", response=response)


def nested(code: str | None, message: str = "because", kind: str | None = None) -> bytes:
    error = {"type": kind or code, "code": code, "message": message, "param": None}
    return openai_event("error", error=error)


def flat(code: str | None, message: str = "because") -> bytes:
    return openai_event("error", code=code, message=message, param=None)


@pytest.mark.parametrize("form", [failed, nested, flat])
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("rate_limit_exceeded", RateLimited),
        ("too_many_requests", RateLimited),
        ("server_error", Overloaded),
        ("insufficient_quota", QuotaExhausted),
        ("context_length_exceeded", ContextOverflow),
        ("invalid_prompt", ContentFiltered),
        ("bio_policy", ContentFiltered),
        ("invalid_image", InvalidRequest),
        ("vector_store_timeout", ProviderTimeout),
        (None, Overloaded),
    ],
)
async def test_a_response_that_fails(
    stack: AsyncExitStack, form: Any, code: str | None, expected: type[ProviderError]
) -> None:
    wire = [openai_start(), *openai_text(0, "half ")[:3], form(code), openai_end()]
    provider = await serve(VENDOR, Answer(wire, headers={"x-request-id": "req_9"}), stack)
    with pytest.raises(ProviderError, match="because") as caught:
        await complete(provider, ask())
    assert type(caught.value) is expected
    assert caught.value.__cause__ is None


async def test_an_invalid_request_inside_a_stream_is_not_asked_again(stack: AsyncExitStack) -> None:
    event = nested("unsupported_value", kind="invalid_request_error")
    with pytest.raises(InvalidRequest):
        await complete(await serve(VENDOR, Answer([event]), stack), ask())


@pytest.mark.parametrize(
    "event",
    [
        openai_event("response.output_text.delta"),
        openai_event("response.output_text.delta", output_index=0, delta=5),
        openai_event("response.output_text.delta", output_index=[], delta="x"),
        openai_event("response.output_item.added", output_index=0),
        openai_event("response.output_item.added", output_index=0, item={"type": "function_call"}),
        openai_event("response.function_call_arguments.delta", output_index=0),
        openai_event("response.completed"),
        openai_event("response.completed", response={"usage": "much"}),
        openai_event("error"),
        b'data: {"no": "type"}\n\n',
        b'data: {"type": ["x"]}\n\n',
        b"data: null\n\n",
        b"data: 5\n\n",
    ],
)
async def test_events_with_missing_or_strange_fields(stack: AsyncExitStack, event: bytes) -> None:
    provider = await serve(VENDOR, Answer([openai_start(), event, openai_end()]), stack)
    with pytest.raises(StreamInterrupted):
        await complete(provider, ask())
