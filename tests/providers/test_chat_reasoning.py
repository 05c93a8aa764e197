"""Reasoning through the chat base, and whole streams cut anywhere."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.model.conversation import (
    UNKNOWN_COST,
    Finish,
    FinishReason,
    Message,
    Reasoning,
    ReasoningEnd,
    Role,
    ToolCallEnd,
    Usage,
)
from tamma.providers.chat.quirks import Quirks
from tamma.providers.chat.reasoning import ReasoningBlock, Replay, replayed
from tamma.providers.chat.stream import OpenAIStream, ToolCalls
from tamma.providers.common.sse import SSEDecoder
from tamma.providers.interface import Folder
from tests.providers.vendors.base import Call, Said
from tests.providers.vendors.chat import openai_chunk
from tests.providers.vendors.openrouter import PROCESSING, OpenRouterVendor

DETAILS = Replay("m", "reasoning_details")
QUIRKS = Quirks(replay_field="reasoning_details")


def block(*deltas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The details of a block that arrived in `deltas`."""
    made = ReasoningBlock(DETAILS)
    for delta in deltas:
        made.add({"reasoning_details": delta})
    data = made.close()
    return [] if data is None else json.loads(data)["details"]


def text(text: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": text, "index": index, **more}


DELTAS: list[tuple[list[list[dict[str, Any]]], list[dict[str, Any]]]] = [
    ([], []),
    ([[]], []),
    ([[text("a")], [text("b")]], [text("ab")]),
    ([[text("a"), text("b")]], [text("ab")]),
    ([[text("a")], [text("b", 1)]], [text("a"), text("b", 1)]),
    ([[text()], [text("b")], [text(signature="s")]], [text("b", signature="s")]),
    ([[text("a", signature="s")], [text("", signature="")]], [text("a", signature="s")]),
    ([[text("a", id="1")], [text("b", id="2")]], [text("a", id="1"), text("b", id="2")]),
    ([[text("a", id="1")], [text("b", id=None)]], [text("ab", id="1")]),
    (
        [[text("a")], [{"type": "reasoning.encrypted", "data": "x", "index": 0}]],
        [text("a"), {"type": "reasoning.encrypted", "data": "x", "index": 0}],
    ),
]


@pytest.mark.parametrize(("deltas", "whole"), DELTAS)
def test_details_are_put_together(deltas: list[list[dict[str, Any]]], whole: list[dict[str, Any]]) -> None:
    assert block(*deltas) == whole


def test_a_block_begins_anew_after_its_end() -> None:
    made = ReasoningBlock(DETAILS)
    made.add({"reasoning_details": [text("a")]})
    assert made.close() is not None
    assert made.close() is None
    made.add({"reasoning_details": [text("b")]})
    assert json.loads(made.close() or "")["details"] == [text("b")]


def test_nothing_is_kept_where_nothing_is_wanted_back() -> None:
    made = ReasoningBlock(Replay("m", None))
    made.add({"reasoning_details": [text("a")], None: "x"})  # type: ignore[dict-item]
    assert made.close() is None


def test_blocks_of_one_message_go_back_together() -> None:
    def kept(details: list[dict[str, Any]], model: str = "m", field: str = "reasoning_details") -> Reasoning:
        return Reasoning("t", json.dumps({"model": model, "field": field, "details": details}))

    parts = (kept([text("a")]), kept([text("x")], model="other"), kept([text("b")]), Reasoning("t", None))
    message = Message(Role.ASSISTANT, parts)
    assert replayed(message, DETAILS) == {"reasoning_details": [text("a"), text("b")]}
    assert replayed(message, Replay("m", "reasoning_content")) == {}
    assert replayed(message, Replay("m", None)) == {}
    plain = json.dumps({"model": "m", "field": "reasoning_content"})
    words = Message(Role.ASSISTANT, (Reasoning("I ", plain), Reasoning("look.", plain)))
    assert replayed(words, Replay("m", "reasoning_content")) == {"reasoning_content": "I look."}


# --- whole streams -------------------------------------------------------------------------------


def folded(parts: list[bytes], quirks: Quirks = QUIRKS) -> tuple[Message, FinishReason, Usage]:
    """What a stream that arrives in `parts` adds up to."""
    decoder, stream, folder = SSEDecoder(), OpenAIStream("m", None, quirks, 0), Folder()
    events = [event for part in parts for event in decoder.feed(part)] + decoder.flush()
    for event in events:
        if event.data != "[DONE]":
            for ours in stream.feed(json.loads(event.data)):
                folder.add(ours)
    assert stream.done
    folder.add(Finish(stream.reason, stream.usage, UNKNOWN_COST, "m"))
    return folder.completion().message, stream.reason, stream.usage


THOUGHT = [
    openai_chunk({"reasoning": "día ", "reasoning_details": [text("día ")]}),
    openai_chunk({"reasoning": "日本", "reasoning_details": [text("日本")]}),
    PROCESSING,
    openai_chunk({"content": "", "reasoning_details": [text(signature="🦜==")]}),
]
SAID = Said(
    ["día ", "日本", "語 🦜\n"], [Call("c1", "read", '{"p": "ä"}'), Call("c2", "run", "")], usage=(7, 3)
)
RECORDED = b"".join([*THOUGHT, *OpenRouterVendor().wire(SAID)])
WHOLE = folded([RECORDED])


def test_the_recorded_stream_is_what_it_should_be() -> None:
    message, reason, usage = WHOLE
    assert message.text == "día 日本語 🦜\n"
    assert [(call.id, call.name, call.args_json) for call in message.tool_calls] == [
        ("c1", "read", '{"p": "ä"}'),
        ("c2", "run", "{}"),
    ]
    (reasoning,) = [part for part in message.parts if isinstance(part, Reasoning)]
    assert reasoning.text == "día 日本"
    assert json.loads(reasoning.provider_data or "")["details"] == [text("día 日本", signature="🦜==")]
    assert (reason, usage.input_total, usage.output_total) == (FinishReason.TOOL_CALLS, 7, 3)


@given(st.lists(st.integers(0, len(RECORDED)), max_size=40))
def test_any_cut_of_a_recorded_stream_gives_the_same_message(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(RECORDED)]
    assert folded([RECORDED[a:b] for a, b in pairwise(edges)]) == WHOLE


def test_reasoning_in_one_delta_with_its_answer_comes_first() -> None:
    chunk = {"choices": [{"delta": {"content": "x", "reasoning": "hm", "reasoning_details": [text("hm")]}}]}
    events = OpenAIStream("m", None, QUIRKS, 0).feed(chunk)
    assert [type(event).__name__ for event in events] == [
        "Start", "ReasoningDelta", "ReasoningEnd", "TextDelta",
    ]  # fmt: skip


def test_reasoning_without_an_answer_is_closed_at_the_end() -> None:
    stream = OpenAIStream("m", None, QUIRKS, 0)
    stream.feed({"choices": [{"delta": {"reasoning": "hm", "reasoning_details": [text("hm")]}}]})
    events = stream.feed({"choices": [{"delta": {}, "finish_reason": "length"}]})
    assert [type(event) for event in events] == [ReasoningEnd]


# --- deltas of tool calls that keep to no rule ----------------------------------------------------


@given(
    st.lists(st.sampled_from(["read", "run"]), min_size=1, max_size=4),
    st.sampled_from(["index", "same index", "no index"]),
    st.sampled_from(["id once", "id always", "id null after"]),
    st.booleans(),
    st.integers(1, 5),
)
def test_calls_one_after_the_other_survive_every_habit(
    names: list[str], indices: str, ids: str, empty_deltas: bool, size: int
) -> None:
    """Index missing or the same for all, ids once or always or null, empty fragments in between."""
    calls = ToolCalls()
    for number, name in enumerate(names):
        arguments = json.dumps({"n": number})
        cut = [arguments[at : at + size] for at in range(0, len(arguments), size)]
        pieces = [piece for part in cut for piece in (["", part, ""] if empty_deltas else [part])]
        for place, piece in enumerate(pieces):
            delta: dict[str, Any] = {"function": {"arguments": piece}}
            if place == 0:
                delta["function"]["name"] = name
            if place == 0 or ids == "id always":
                delta["id"] = f"c{number}"
            elif ids == "id null after":
                delta["id"] = None
                delta["function"]["name"] = None
            if indices != "no index":
                delta["index"] = number if indices == "index" else 0
            calls.add(delta)
    ends = [end.call for end in calls.ends() if isinstance(end, ToolCallEnd)]
    assert [(end.id, end.name, json.loads(end.args_json)) for end in ends] == [
        (f"c{number}", name, {"n": number}) for number, name in enumerate(names)
    ]
