"""Chat Completions: what is sent, and what merely compatible servers send back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamma.errors import ModelNotFound, ProviderError
from tamma.model.conversation import (
    Capabilities,
    CostSource,
    Image,
    Message,
    ReasoningDelta,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    ToolChoice,
    ToolResult,
    user,
)
from tamma.providers.chat import errors
from tamma.providers.chat.messages import build
from tamma.providers.chat.provider import OpenAICompatible
from tamma.providers.chat.quirks import Quirks
from tamma.providers.chat.stream import OpenAIStream, ToolCalls
from tamma.providers.common.errors import CallContext
from tamma.providers.interface import ProviderSettings, complete
from tamma.providers.local.provider import LocalLLM
from tamma.providers.openrouter.provider import OPENROUTER
from tamma.providers.zai.provider import ZAI
from tests.providers.vendors.base import KEY, MODEL, Said, ask, serve, settings_for
from tests.providers.vendors.chat import DONE, LocalVendor, openai_chunk, openai_usage
from tests.support.raw_http import Answer, RawServer, json_answer

VENDOR = LocalVendor()
ABLE = Capabilities(model="m", structured_output=True, vision=True, reasoning_levels=("low",))
TOOL = Tool("read", "reads", {"type": "object"})


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


# --- sending -------------------------------------------------------------------------------------


def body(able: Capabilities = ABLE, quirks: Quirks | None = None, **more: Any) -> dict[str, Any]:
    given_messages = more.pop("messages", (user("hi"),))
    return build(Request("m", given_messages, **more), "m", able, quirks or Quirks()).body


def test_a_conversation() -> None:
    made = body(
        system="be brief",
        messages=(
            user("first"),
            user("second"),
            Message(Role.ASSISTANT, (Text("I look"), ToolCall("c1", "read", '{"a": 1}'))),
            Message(Role.ASSISTANT, (ToolCall("c2", "read", "{broken"),)),
            Message(Role.USER, (Text("and?"), ToolResult("c1", "out"), ToolResult("c2", "bad", True))),
        ),
    )["messages"]
    assert [entry["role"] for entry in made] == ["system", "user", "assistant", "tool", "tool", "user"]
    assert made[1]["content"] == "first\n\nsecond"
    assert made[2]["content"] == "I look"
    arguments = [call["function"]["arguments"] for call in made[2]["tool_calls"]]
    assert arguments == ['{"a": 1}', json.dumps({"invalid_json": "{broken"})]
    assert [entry["content"] for entry in made[3:]] == ["out", "[error] bad", "and?"]


def test_images_are_sent_or_said_to_be_missing() -> None:
    messages = (Message(Role.USER, (Image("image/png", "aGk="), Text("what?"))), user("well?"))
    content = body(messages=messages)["messages"][0]["content"]
    assert [part["type"] for part in content] == ["image_url", "text", "text"]
    assert content[0]["image_url"]["url"] == "data:image/png;base64,aGk="
    built = build(Request("m", messages), "m", Capabilities("m"), Quirks())
    assert "image was left out" in built.body["messages"][0]["content"]
    assert built.dropped == ("image",)


def test_the_profile_decides_the_form() -> None:
    plain = body(max_output_tokens=9, tools=(TOOL,), tool_choice=ToolChoice.REQUIRED, output_schema={"x": 1})
    assert plain["max_tokens"] == 9
    assert plain["tool_choice"] == "required"
    assert plain["response_format"]["json_schema"]["schema"] == {"x": 1}
    assert plain["stream_options"] == {"include_usage": True}
    odd = Quirks(
        max_tokens_field="max_completion_tokens",
        stream_usage=False,
        tool_choice=False,
        schema="json_object",
        effort=lambda level, able: {},
        body={"vendor": True},
    )
    request = Request(
        "m",
        (user("hi"),),
        max_output_tokens=9,
        tools=(TOOL,),
        tool_choice=ToolChoice.NONE,
        output_schema={"x": 1},
        reasoning_effort="low",
        temperature=0.5,
        provider_options={"seed": 7},
    )
    built = build(request, "m", ABLE, odd)
    assert built.body["max_completion_tokens"] == 9
    assert "stream_options" not in built.body
    assert built.body["response_format"] == {"type": "json_object"}
    assert (built.body["vendor"], built.body["seed"], built.body["temperature"]) == (True, 7, 0.5)
    assert built.dropped == ("reasoning_effort", "tool_choice 'none'")


async def test_what_goes_over_the_wire() -> None:
    async with RawServer(Answer(VENDOR.wire(Said(["x"])))) as server:
        provider = VENDOR.provider(server.url + "/v1/", headers={"x-team": "blue"})
        await complete(provider, ask())
        received = server.received[0]
        assert (received.method, received.path) == ("POST", "/v1/chat/completions")
        assert received.headers["authorization"] == f"Bearer {KEY}"
        assert received.headers["x-team"] == "blue"
        await provider.close()
        keyless = VENDOR.provider(server.url, api_key=None)
        await complete(keyless, ask())
        assert "authorization" not in server.received[1].headers
        await keyless.close()


async def test_the_first_listed_model_is_the_default() -> None:
    listed = json_answer({"data": [{"id": "small"}, {"id": "large"}]})
    async with RawServer(listed, Answer(VENDOR.wire(Said(["x"])))) as server:
        provider = VENDOR.provider(server.url, model=None)
        await complete(provider, Request("", (user("hi"),)))
        await complete(provider, Request("", (user("hi"),)))
        assert [entry.path for entry in server.received] == [
            "/models", "/chat/completions", "/chat/completions",
        ]  # fmt: skip
        assert server.received[1].body["model"] == "small"
        await provider.close()


async def test_a_server_without_models_says_so(stack: AsyncExitStack) -> None:
    shapes: tuple[object, ...] = ({"data": []}, {}, [])
    for listed in shapes:
        provider = await serve(VENDOR, json_answer(listed), stack, model=None)
        with pytest.raises(ModelNotFound, match="no models"):
            await complete(provider, Request("", (user("hi"),)))


# --- tool calls ----------------------------------------------------------------------------------


def delta(
    args: Any = None, *, index: int | None = None, name: str | None = None, call_id: str | None = None
) -> dict[str, Any]:
    made: dict[str, Any] = {"function": {}}
    if index is not None:
        made["index"] = index
    if call_id is not None:
        made["id"] = call_id
    if name is not None:
        made["function"]["name"] = name
    if args is not None:
        made["function"]["arguments"] = args
    return made


READ_A, READ_B = ("read", '{"path":"a"}'), ("read", '{"path":"b"}')


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        pytest.param(
            [
                delta("", index=0, name="read", call_id="x"),
                delta('{"path":', index=0),
                delta('"a"}', index=0),
                delta("", index=1, name="read", call_id="y"),
                delta('{"path":"b"}', index=1),
            ],
            [READ_A, READ_B],
            id="as OpenAI does",
        ),
        pytest.param(
            [
                delta("", index=0, name="read", call_id="x"),
                delta("", index=1, name="read", call_id="y"),
                delta('{"path":"b"}', index=1),
                delta('{"path":"a"}', index=0),
            ],
            [READ_A, READ_B],
            id="interleaved",
        ),
        pytest.param(
            [
                delta("", name="read", call_id="x"),
                delta('{"path":"a"}'),
                delta("", name="read", call_id="y"),
                delta('{"path":"b"}'),
            ],
            [READ_A, READ_B],
            id="no index",
        ),
        pytest.param(
            [
                delta('{"path":"a"}', index=0, name="read", call_id="x"),
                delta('{"path":"b"}', index=0, name="read", call_id="y"),
            ],
            [READ_A, READ_B],
            id="all at index 0 with new ids",
        ),
        pytest.param(
            [
                delta('{"path":"a"}', index=0, name="read"),
                delta('{"path":"b"}', index=0, name="read"),
            ],
            [READ_A, READ_B],
            id="all at index 0 without ids",
        ),
        pytest.param(
            [
                delta('{"path":', index=0, name="read", call_id="x"),
                delta('"a"}', index=0, name="read", call_id="x"),
                delta(None, index=0, call_id="x"),
            ],
            [READ_A],
            id="id and name repeated in each delta",
        ),
        pytest.param(
            [
                delta('{"path":', index=0, name="read"),
                delta('"a"}', index=0, name="read"),
            ],
            [READ_A],
            id="name repeated, no id",
        ),
        pytest.param(
            [
                delta('{"path":', index=0, name="read", call_id="x"),
                delta('"a"}', index=0, call_id="made-up"),
            ],
            [READ_A],
            id="a new id in each delta",
        ),
        pytest.param(
            [delta('{"path":"a"}', index=0, call_id="x"), delta(None, index=0, name="read", call_id="x")],
            [READ_A],
            id="name last",
        ),
        pytest.param(
            [delta({"path": "a"}, name="read"), delta({}, name="run")],
            [("read", '{"path": "a"}'), ("run", "{}")],
            id="arguments as objects",
        ),
        pytest.param([delta(None, index=0, name="run", call_id="x")], [("run", "{}")], id="no arguments"),
        pytest.param(
            [delta('{"path":"a"}', index=5, name="read", call_id="x")], [READ_A], id="first index not 0"
        ),
    ],
)
def test_tool_calls_as_servers_send_them(
    deltas: list[dict[str, Any]], expected: list[tuple[str, str]]
) -> None:
    calls = ToolCalls()
    events = [event for part in deltas for event in calls.add(part)]
    ends = [event for event in calls.ends() if isinstance(event, ToolCallEnd)]
    assert [(end.call.name, end.call.args_json) for end in ends] == expected
    assert [end.parse_error for end in ends] == [None] * len(expected)
    assert len({end.call.id for end in ends}) == len(expected)
    assert all(end.call.id for end in ends)
    assert [event.index for event in events if isinstance(event, ToolCallStart)] == [
        end.index for end in ends
    ]
    for end in ends:
        parts = [e.args_fragment for e in events if isinstance(e, ToolCallDelta) and e.index == end.index]
        assert ("".join(parts) or "{}") == end.call.args_json


@given(
    st.lists(
        st.tuples(st.sampled_from(["read", "run"]), st.dictionaries(st.text(max_size=4), st.integers())),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 9),
)
def test_any_cut_of_the_arguments_gives_the_same_calls(
    calls: list[tuple[str, dict[str, int]]], size: int
) -> None:
    assembled = ToolCalls()
    for number, (name, arguments) in enumerate(calls):
        text = json.dumps(arguments)
        assembled.add(delta("", index=number, name=name, call_id=f"c{number}"))
        for at in range(0, len(text), size):
            assembled.add(delta(text[at : at + size], index=number))
    ends = [event for event in assembled.ends() if isinstance(event, ToolCallEnd)]
    assert [(end.call.name, json.loads(end.call.args_json)) for end in ends] == calls


async def test_stop_after_a_tool_call_means_tool_calls(stack: AsyncExitStack) -> None:
    call = delta("{}", index=0, name="run", call_id="x")
    wire = [openai_chunk({"tool_calls": [call]}), openai_chunk({}, "stop"), DONE]
    completion = await complete(await serve(VENDOR, Answer(wire), stack), ask())
    assert (completion.finish.reason, completion.finish.native_reason) == ("tool_calls", "stop")


# --- receiving -----------------------------------------------------------------------------------


async def test_usage_is_estimated_where_there_is_none(stack: AsyncExitStack) -> None:
    wire = [openai_chunk({"content": "x" * 350}), openai_chunk({}, "stop"), DONE]
    usage = (await complete(await serve(VENDOR, Answer(wire), stack), ask("y" * 700))).finish.usage
    assert usage.estimated
    assert usage.output_total == 100
    assert 200 <= usage.input_total < 220


async def test_cache_and_reasoning_are_parts_of_the_totals(stack: AsyncExitStack) -> None:
    details = {
        "prompt_tokens_details": {"cached_tokens": 80},
        "completion_tokens_details": {"reasoning_tokens": 15},
    }
    wire = [openai_chunk({"content": "x"}), openai_chunk({}, "stop"), openai_usage(100, 20, **details), DONE]
    usage = (await complete(await serve(VENDOR, Answer(wire), stack), ask())).finish.usage
    assert (usage.input_total, usage.cache_read, usage.output_total, usage.reasoning) == (100, 80, 20, 15)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_is_told_apart(stack: AsyncExitStack, field: str) -> None:
    wire = [openai_chunk({field: "hm"}), openai_chunk({"content": "yes"}), openai_chunk({}, "stop"), DONE]
    provider = await serve(VENDOR, Answer(wire), stack)
    events = [event async for event in provider.stream(ask())]
    assert [event.text for event in events if isinstance(event, ReasoningDelta)] == ["hm"]
    assert (await complete(provider, ask())).message.text == "yes"


async def test_the_last_event_may_lack_its_blank_line(stack: AsyncExitStack) -> None:
    wire = [openai_chunk({"content": "x"}), openai_chunk({}, "stop").rstrip()]
    assert (await complete(await serve(VENDOR, Answer(wire), stack), ask())).message.text == "x"


async def test_a_server_that_does_not_stream(stack: AsyncExitStack) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "run", "arguments": "{}"}}
    whole = {
        "id": "1",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "all", "tool_calls": [call]},
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }
    completion = await complete(await serve(VENDOR, json_answer(whole), stack), ask())
    assert completion.message.text == "all"
    assert [found.name for found in completion.message.tool_calls] == ["run"]
    assert completion.finish.usage.output_total == 2


async def test_only_the_first_choice_counts() -> None:
    stream = OpenAIStream("m", None, Quirks(), 0)
    assert stream.feed({"choices": []})
    assert stream.feed({"choices": None, "usage": None}) == []
    assert not stream.done


PAID = Quirks(charge=lambda usage: Decimal(str(usage["cost"])), headers={"x-title": "t"}, models_path=None)


class Charging(OpenAICompatible):
    """How a vendor becomes an adapter: a profile."""

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings, PAID)


async def test_a_vendor_is_a_profile() -> None:
    wire = [openai_chunk({"content": "x"}), openai_chunk({}, "stop"), openai_usage(1, 1, cost=0.00012), DONE]
    async with RawServer(Answer(wire)) as server:
        provider = Charging(settings_for("charging", server.url))
        cost = (await complete(provider, ask())).finish.cost
        assert (cost.usd, cost.source) == (Decimal("0.00012"), CostSource.PROVIDER)
        assert server.received[0].headers["x-title"] == "t"
        assert await provider.models() == ()
        await provider.close()


def test_a_local_server_has_a_default_address() -> None:
    assert LocalLLM(ProviderSettings("mine", "local-llm")).capabilities(MODEL).context_window is None
    window = LocalLLM(ProviderSettings("mine", "local-llm", context_window=8192)).capabilities("m")
    assert window.context_window == 8192
    assert "configuration" in window.source


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "code", "type", "message", "msg", "choices", "finish_reason", "metadata"]
            )
            | st.sampled_from(["reasons", "raw", "limit_source", "delta", "detail"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["error", "code", "msg", "choices", "id"]), JSON))
@pytest.mark.parametrize("quirks", [Quirks(), OPENROUTER, ZAI], ids=["plain", "openrouter", "zai"])
def test_no_shape_of_a_chunk_breaks_its_judgement(quirks: Quirks, chunk: dict[str, Any]) -> None:
    found = errors.in_chunk(chunk, CallContext("mine", "m", "host"), quirks)
    assert found is None or isinstance(found, ProviderError)
    if chunk.get("error"):
        assert found is not None
