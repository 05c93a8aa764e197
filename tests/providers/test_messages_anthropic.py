"""What is sent to Anthropic, checked as data and against the SDK's own parameter types."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tamma.model.conversation import (
    Capabilities,
    Image,
    Message,
    Part,
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
from tamma.providers.anthropic.messages import BINDING_BETA, Built, build, messages, thinking_data
from tamma.providers.catalogue import models as catalogue

MODEL = "claude-sonnet-5-5"
TOOL = Tool("read", "reads", {"type": "object", "properties": {"path": {"type": "string"}}})
EPHEMERAL = {"type": "ephemeral"}


def assistant(*parts: Part) -> Message:
    return Message(Role.ASSISTANT, parts)


def built(model: str = MODEL, *given: Message, **more: Any) -> Built:
    request = Request(model, given or (user("hi"),), **more)
    return build(request, model, catalogue.lookup("anthropic-claude", model))


def test_neighbours_are_merged_with_tool_results_first() -> None:
    made = messages(
        [
            user("first"),
            user("second"),
            assistant(Text("I look"), ToolCall("c1", "read", '{"path": "a"}')),
            assistant(ToolCall("c2", "read", "")),
            user("by the way"),
            Message(Role.USER, (ToolResult("c1", "text"), ToolResult("c2", "", is_error=True))),
        ],
        MODEL,
    )
    assert [entry["role"] for entry in made] == ["user", "assistant", "user"]
    assert [block["type"] for block in made[1]["content"]] == ["text", "tool_use", "tool_use"]
    assert made[1]["content"][1]["input"] == {"path": "a"}
    assert made[1]["content"][2]["input"] == {}
    assert [block["type"] for block in made[2]["content"]] == ["tool_result", "tool_result", "text"]
    assert made[2]["content"][1]["content"] == "(no output)"
    assert made[2]["content"][1]["is_error"] is True


def test_nothing_empty_is_sent() -> None:
    made = messages([user("a"), assistant(Text(" \n"), Reasoning("thought", None)), user("b")], MODEL)
    assert made == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    ]


def test_thinking_goes_back_unchanged_to_the_model_that_thought_it() -> None:
    thought = {"type": "thinking", "thinking": "hm ü", "signature": "c2ln+/=="}
    hidden = {"type": "redacted_thinking", "data": "opaque"}
    message = assistant(
        Reasoning("hm ü", thinking_data(MODEL, thought)),
        Reasoning("", thinking_data(MODEL, hidden)),
        Reasoning("another vendor's", '{"id": 5}'),
        Reasoning("no data", "not json"),
        ToolCall("c1", "read", "{}"),
    )
    assert messages([message], MODEL)[0]["content"][:2] == [thought, hidden]
    assert [block["type"] for block in messages([message], MODEL)[0]["content"]] == [
        "thinking",
        "redacted_thinking",
        "tool_use",
    ]
    assert [block["type"] for block in messages([message], "claude-opus-5-5")[0]["content"]] == ["tool_use"]


def test_broken_arguments_are_wrapped() -> None:
    for broken in ('{"path": ', "[1]", "null"):
        made = messages([assistant(ToolCall("c", "read", broken))], MODEL)
        assert made[0]["content"][0]["input"] == {"invalid_json": broken}


def test_cache_marks_stand_on_tools_system_and_the_last_two_user_turns() -> None:
    turns = (user("one"), assistant(Text("1")), user("two"), assistant(Text("2")), user("three"))
    arguments = built(MODEL, *turns, system="be brief", tools=(TOOL, TOOL)).arguments
    assert ["cache_control" in tool for tool in arguments["tools"]] == [False, True]
    assert arguments["system"][0]["cache_control"] == EPHEMERAL
    marked = ["cache_control" in entry["content"][-1] for entry in arguments["messages"]]
    assert marked == [False, False, True, False, True]


def test_cache_can_be_left_off_or_made_long() -> None:
    off = built(MODEL, user("hi"), system="s", tools=(TOOL,), cache=False).arguments
    assert "cache_control" not in str(off)
    long = built(MODEL, user("hi"), provider_options={"cache_ttl": "1h"}).arguments
    mark = long["messages"][0]["content"][0]["cache_control"]
    assert mark == {"type": "ephemeral", "ttl": "1h"}
    assert "extra_body" not in long


def test_the_callers_request_is_not_changed() -> None:
    before = dict(TOOL.input_schema)
    built(MODEL, user("hi"), tools=(TOOL,), system="s")
    assert TOOL.input_schema == before


def test_what_a_model_cannot_do_is_dropped_and_named() -> None:
    everything: dict[str, Any] = {
        "temperature": 0.5,
        "tools": (TOOL,),
        "tool_choice": ToolChoice.REQUIRED,
        "max_output_tokens": 10_000_000,
        "reasoning_effort": "high",
        "output_schema": {"type": "object"},
    }
    newest = built("claude-opus-5-5", user("hi"), **everything)
    assert newest.dropped == ("max_output_tokens above 128000", "tool_choice 'required'", "temperature")
    assert newest.arguments["tool_choice"] == {"type": "auto"}
    assert newest.arguments["max_tokens"] == 128_000
    assert newest.arguments["output_config"] == {
        "format": {"type": "json_schema", "schema": {"type": "object"}},
        "effort": "high",
    }
    small = built("claude-haiku-4-5-20251001", user("hi"), **everything)
    assert "reasoning_effort" in small.dropped
    assert small.arguments["tool_choice"] == {"type": "any"}
    assert "thinking" not in small.arguments
    unknown = built("claude-next", user("hi"), **everything)
    assert "output_schema" in unknown.dropped


def test_thinking_is_asked_for_where_the_model_thinks() -> None:
    adaptive = {"type": "adaptive", "display": "summarized"}
    assert built("claude-sonnet-5-5").arguments["thinking"] == adaptive
    assert "thinking" not in built("claude-opus-4-8").arguments
    assert built("claude-opus-4-8", user("hi"), reasoning_effort="low").arguments["thinking"] == adaptive
    assert built("claude-opus-4-8", user("hi"), provider_options={"speed": "fast"}).arguments[
        "extra_body"
    ] == {"speed": "fast"}


def test_thinking_of_a_changed_history_can_be_dropped_by_the_service() -> None:
    entry = catalogue.lookup("anthropic-claude", MODEL)
    request = Request(MODEL, (user("hi"),))
    arguments = build(request, MODEL, entry, drop_changed_thinking=True).arguments
    assert arguments["thinking"]["block_binding"] == {"prefix_mismatch_behavior": "drop_block"}
    assert arguments["extra_headers"] == {"anthropic-beta": BINDING_BETA}
    assert "extra_headers" not in built().arguments


def test_images() -> None:
    message = Message(Role.USER, (Image("image/png", "aGk="), Text("what is it?")))
    sent = messages([message], MODEL)[0]["content"][0]
    assert sent["source"] == {"type": "base64", "media_type": "image/png", "data": "aGk="}
    blind = replace(catalogue.lookup("anthropic-claude", MODEL), capabilities=Capabilities(MODEL))
    asked = build(Request(MODEL, (message, message)), MODEL, blind)
    assert asked.arguments["messages"][0]["content"][0]["type"] == "text"
    assert asked.dropped == ("image",)


def test_everything_fits_the_types_of_the_sdk() -> None:
    from anthropic.types import message_create_params
    from pydantic import TypeAdapter

    history = (
        user("hi"),
        assistant(
            Reasoning("x", thinking_data(MODEL, {"type": "thinking", "thinking": "x", "signature": "s"})),
            ToolCall("c", "read", "{}"),
        ),
        Message(Role.USER, (ToolResult("c", "out", is_error=True), Image("image/png", "aGk="))),
    )
    arguments = built(
        MODEL, *history, system="s", tools=(TOOL,), reasoning_effort="low", output_schema={"type": "object"}
    ).arguments
    adapter: TypeAdapter[Any] = TypeAdapter(message_create_params.MessageCreateParamsStreaming)
    checked = adapter.validate_python({**arguments, "stream": True}, strict=False)
    assert set(checked) == {*arguments, "stream"}
