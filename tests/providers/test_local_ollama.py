"""Ollama's own protocol: what is sent, what comes back, and the window that it must be told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.errors import (
    AuthFailed,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    ProviderError,
    StreamInterrupted,
)
from tamma.model.conversation import (
    UNKNOWN_COST,
    Capabilities,
    CostSource,
    Finish,
    Image,
    Message,
    Reasoning,
    ReasoningDelta,
    Request,
    Role,
    StreamEvent,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolCallEnd,
    ToolChoice,
    ToolResult,
    user,
)
from tamma.providers.common.errors import CallContext
from tamma.providers.interface import Folder, ProviderSettings, complete
from tamma.providers.local.ollama.errors import to_error
from tamma.providers.local.ollama.messages import build
from tamma.providers.local.ollama.model import DEFAULT_NUM_CTX, Shown, Window, facts_of, read_show, window_of
from tamma.providers.local.ollama.stream import Lines, OllamaStream
from tamma.providers.local.provider import LocalLLM
from tests.providers import model_servers as servers
from tests.providers.model_servers import Routed, server_like
from tests.providers.vendors.base import Call, Said, ask
from tests.providers.vendors.local_ollama import OllamaVendor, ollama_line
from tests.support.raw_http import Answer, Step, json_answer

ABLE = Capabilities(
    model="m", structured_output=True, vision=True, reasoning_levels=("low", "medium", "high"), source="test"
)
THINKS = Shown(levels=("low", "medium", "high"))
TOOL = Tool("read", "reads", {"type": "object"})
CONTEXT = CallContext("mine", "llava", "127.0.0.1:11434")


def ndjson(*lines: Step) -> Answer:
    return Answer(lines, content_type="application/x-ndjson")


HELLO = ndjson(*OllamaVendor().wire(Said(["hello"])))


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def served(
    stack: AsyncExitStack, chat: Answer = HELLO, show: object = servers.OLLAMA_SHOW, **settings: Any
) -> tuple[LocalLLM, Routed]:
    server = await stack.enter_async_context(server_like("ollama", chat))
    server.routes["/api/show"] = show
    provider = LocalLLM(ProviderSettings("mine", "local-llm", base_url=server.url + "/v1", **settings))
    stack.push_async_callback(provider.close)
    return provider, server


# --- what is sent --------------------------------------------------------------------------------


def body(able: Capabilities = ABLE, shown: Shown = THINKS, **more: Any) -> dict[str, Any]:
    given_messages = more.pop("messages", (user("hi"),))
    return build(Request("m", given_messages, **more), "m", able, shown, num_ctx=4096).body


def dropped(able: Capabilities = ABLE, **more: Any) -> tuple[str, ...]:
    given_messages = more.pop("messages", (user("hi"),))
    return build(Request("m", given_messages, **more), "m", able, THINKS, num_ctx=4096).dropped


def test_a_plain_request() -> None:
    assert body() == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "truncate": False,
        "shift": False,
        "options": {"num_ctx": 4096},
    }


def test_the_options() -> None:
    sent = body(
        max_output_tokens=7, temperature=0.0, output_schema={"type": "object"}, reasoning_effort="low"
    )
    assert sent["options"] == {"num_ctx": 4096, "num_predict": 7, "temperature": 0.0}
    assert sent["format"] == {"type": "object"}
    assert sent["think"] == "low"
    assert body(shown=Shown(), reasoning_effort="high")["think"] is True
    assert "think" not in body()
    request = Request("m", (user("hi"),))
    built = build(request, "m", ABLE, THINKS, num_ctx=1, keep_alive="30m").body
    assert (built["keep_alive"], built["options"]) == ("30m", {"num_ctx": 1})


def test_own_options_are_added_one_by_one() -> None:
    sent = body(provider_options={"options": {"seed": 1, "num_ctx": 9}, "truncate": True})
    assert sent["options"] == {"num_ctx": 9, "seed": 1}
    assert sent["truncate"] is True


def test_what_a_model_cannot_do_is_left_out_and_said() -> None:
    poor = Capabilities(model="m", tools=False, sampling_params=False)
    asked: dict[str, Any] = {
        "messages": (Message(Role.USER, (Text("see"), Image("image/png", "QUJD"))),),
        "tools": (TOOL,),
        "temperature": 1.0,
        "reasoning_effort": "low",
        "output_schema": {"type": "object"},
    }
    sent = body(poor, **asked)
    assert not {"tools", "think", "format"} & sent.keys()
    assert "left out" in sent["messages"][0]["content"]
    assert set(dropped(poor, **asked)) == {
        "tools",
        "temperature",
        "reasoning_effort",
        "output_schema",
        "image",
    }


def test_tools_are_chosen_by_sending_them() -> None:
    assert body(tools=(TOOL,))["tools"][0]["function"]["name"] == "read"
    assert "tools" not in body(tools=(TOOL,), tool_choice=ToolChoice.NONE)
    assert dropped(tools=(TOOL,), tool_choice=ToolChoice.NONE) == ()
    assert dropped(tools=(TOOL,), tool_choice=ToolChoice.REQUIRED) == ("tool_choice 'required'",)


def test_a_conversation_with_calls() -> None:
    messages = (
        user("look"),
        user("there"),
        Message(
            Role.ASSISTANT,
            (
                Reasoning("hm"),
                Text("I look."),
                ToolCall("c1", "read", '{"path": "ä"}'),
                ToolCall("c2", "run", "not json"),
                ToolCall("c3", "run", "[1]"),
            ),
        ),
        Message(Role.USER, (ToolResult("c1", "text"), ToolResult("c2", "no", is_error=True), Text("go on"))),
        Message(Role.ASSISTANT, (Text("  "),)),
    )
    sent = body(messages=messages, system="be brief")["messages"]
    assert sent == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "look\n\nthere"},
        {
            "role": "assistant",
            "content": "I look.",
            "thinking": "hm",
            "tool_calls": [
                {"id": "c1", "function": {"name": "read", "arguments": {"path": "ä"}}},
                {"id": "c2", "function": {"name": "run", "arguments": {"invalid_json": "not json"}}},
                {"id": "c3", "function": {"name": "run", "arguments": {"invalid_json": "[1]"}}},
            ],
        },
        {"role": "tool", "content": "text", "tool_name": "read", "tool_call_id": "c1"},
        {"role": "tool", "content": "[error] no", "tool_name": "run", "tool_call_id": "c2"},
        {"role": "user", "content": "go on"},
    ]
    silent = replace(ABLE, reasoning_levels=())
    assert "thinking" not in body(silent, messages=messages)["messages"][1]


def test_images_stand_beside_the_text() -> None:
    seen = (Message(Role.USER, (Image("image/png", "QUJD"), Text("what?"), Image("image/png", "REVG"))),)
    assert body(messages=seen)["messages"] == [
        {"role": "user", "content": "what?", "images": ["QUJD", "REVG"]}
    ]


# --- the window ----------------------------------------------------------------------------------


def test_what_show_says() -> None:
    shown = read_show(servers.OLLAMA_SHOW)
    assert shown == Shown(8192, None, frozenset({"completion", "vision"}), ("low", "medium", "high"))
    told = facts_of(shown, Window(8192, ""))
    assert (told.tools, told.vision, told.reasoning_levels) == (False, True, None)
    thinks = read_show({"capabilities": ["thinking", "tools"], "thinking": {"values": [False, True]}})
    assert (thinks.levels, facts_of(thinks, Window(1, "")).tools) == ((), True)
    some = read_show({"capabilities": ["thinking"], "thinking": {"values": ["low", "high"]}})
    assert some.levels == ("low", "high")


@given(
    st.dictionaries(
        st.sampled_from(["parameters", "model_info", "capabilities", "thinking"]),
        st.none() | st.integers() | st.text() | st.lists(st.integers()) | st.just({"values": 1}),
    )
)
def test_no_show_upsets(found: dict[str, Any]) -> None:
    assert read_show(found).context_length is None


@pytest.mark.parametrize(
    ("configured", "own", "modelfile", "expected"),
    [
        (None, None, None, DEFAULT_NUM_CTX),
        (None, 8192, None, 8192),
        (None, 262_144, None, DEFAULT_NUM_CTX),
        (None, 262_144, 65_536, 65_536),
        (None, 8192, 65_536, 8192),
        (16_384, 262_144, 65_536, 16_384),
        (500_000, 262_144, None, 262_144),
        (500_000, None, None, 500_000),
    ],
)
def test_the_window(configured: int | None, own: int | None, modelfile: int | None, expected: int) -> None:
    found = window_of(configured, Shown(own, modelfile))
    assert found.num_ctx == expected
    assert found.why


def test_a_model_of_the_cloud_costs_no_memory_here() -> None:
    shown = read_show({**servers.OLLAMA_SHOW, "remote_host": "https://ollama.com:443"})
    assert window_of(None, replace(shown, context_length=262_144)).num_ctx == 262_144
    assert window_of(16_384, replace(shown, context_length=262_144)).num_ctx == 16_384
    assert window_of(None, Shown(remote=True)).num_ctx == DEFAULT_NUM_CTX


def test_a_modelfile_names_its_window() -> None:
    text = 'stop    "<|end|>"\nnum_ctx                        16384\ntemperature 0.7'
    assert read_show({"parameters": text}).num_ctx == 16384


async def test_the_window_is_asked_for_and_told(stack: AsyncExitStack) -> None:
    provider, server = await served(stack)
    assert provider.capabilities("llava").context_window is None
    await complete(provider, ask())
    await complete(provider, ask())
    sent = server.received[-1].body
    assert sent["options"]["num_ctx"] == 8192
    assert server.paths.count("/api/show") == 1
    able = provider.capabilities(ask().model)
    assert (able.context_window, able.vision, able.tools, able.forced_tool) == (8192, True, False, False)
    assert "/api/show" in able.source


async def test_the_configuration_goes_first(stack: AsyncExitStack) -> None:
    provider, server = await served(
        stack, context_window=2048, capabilities={"tools": True, "vision": False}, options={"keepAlive": 60}
    )
    await complete(provider, ask(tools=(TOOL,)))
    sent = server.received[-1].body
    assert (sent["options"]["num_ctx"], sent["keep_alive"], len(sent["tools"])) == (2048, 60, 1)
    able = provider.capabilities(ask().model)
    assert (able.context_window, able.tools, able.vision) == (2048, True, False)


async def test_what_does_not_fit_is_never_sent(stack: AsyncExitStack) -> None:
    provider, server = await served(stack)
    with pytest.raises(ContextOverflow, match="8192") as caught:
        await complete(provider, ask("word " * 20_000))
    assert "contextWindow" in (caught.value.hint or "")
    assert "/api/chat" not in server.paths


@pytest.mark.parametrize("status", [404, 405])
async def test_a_server_without_show_still_answers(stack: AsyncExitStack, status: int) -> None:
    provider, server = await served(stack, show=json_answer({"error": "no such thing"}, status))
    assert (await complete(provider, ask())).message.text == "hello"
    assert server.received[-1].body["options"]["num_ctx"] == DEFAULT_NUM_CTX
    assert provider.capabilities(ask().model).context_window == DEFAULT_NUM_CTX


async def test_without_a_model_the_first_that_completes_is_taken(stack: AsyncExitStack) -> None:
    provider, server = await served(stack)
    await complete(provider, Request("", (user("hi"),)))
    assert server.received[-1].body["model"] == "llava:latest"
    provider, server = await served(stack)
    server.routes["/api/tags"] = {"models": []}
    with pytest.raises(ModelNotFound) as caught:
        await complete(provider, Request("", (user("hi"),)))
    assert "ollama pull" in (caught.value.hint or "")


async def test_tokens_are_estimated(stack: AsyncExitStack) -> None:
    provider, _ = await served(stack)
    counted = await provider.count_tokens(ask("hello"))
    assert counted.estimated
    assert counted.tokens > 1


# --- what comes back -----------------------------------------------------------------------------


def fed(*lines: bytes, estimate: int = 99) -> tuple[OllamaStream, list[StreamEvent]]:
    stream = OllamaStream("m", estimate)
    return stream, [event for line in lines for event in stream.feed(json.loads(line))]


def test_thinking_comes_before_the_answer() -> None:
    _, events = fed(ollama_line({"thinking": "hm"}), ollama_line({"content": "yes", "thinking": ""}))
    assert events[1:] == [ReasoningDelta("hm"), TextDelta("yes")]


def test_calls_get_ids_of_their_own() -> None:
    plain = {"function": {"name": "run", "arguments": {"a": "ü"}}}
    named = {"id": "call_7", "function": {"index": 0, "name": "run", "arguments": None}}
    text = {"id": "call_7", "function": {"name": "run", "arguments": "[1"}}
    stream, events = fed(
        ollama_line({"tool_calls": [plain, plain, named]}),
        ollama_line({"tool_calls": [text]}),
        ollama_line(done=True, done_reason="stop"),
    )
    ends = [event for event in events if isinstance(event, ToolCallEnd)]
    assert [end.index for end in ends] == [0, 1, 2, 3]
    assert [end.call.args_json for end in ends] == ['{"a": "ü"}', '{"a": "ü"}', "{}", "[1"]
    assert [bool(end.parse_error) for end in ends] == [False, False, False, True]
    assert len({end.call.id for end in ends}) == 4
    assert ends[2].call.id == "call_7"
    assert stream.reason == "tool_calls"


@pytest.mark.parametrize(
    ("counts", "given_text", "expected"),
    [
        ({"prompt_eval_count": 12, "eval_count": 3}, "abc", (12, 3, False)),
        ({"eval_count": 3}, "abc", (99, 3, True)),  # the prompt was in the server's cache
        ({"prompt_eval_count": 0, "eval_count": 0}, "abcdefg", (99, 2, True)),
        ({"prompt_eval_count": 12}, "", (12, 0, False)),  # an empty answer has no count
        ({"prompt_eval_count": "12", "eval_count": None}, "abcdefg", (99, 2, True)),
    ],
)
def test_usage(counts: dict[str, Any], given_text: str, expected: tuple[int, int, bool]) -> None:
    stream, _ = fed(ollama_line({"content": given_text}), ollama_line(done=True, **counts))
    assert (stream.usage.input_total, stream.usage.output_total, stream.usage.estimated) == expected


async def test_a_whole_answer_has_no_price(stack: AsyncExitStack) -> None:
    provider, _ = await served(stack)
    finish = (await complete(provider, ask())).finish
    assert (finish.cost.usd, finish.cost.source) == (None, CostSource.UNKNOWN)
    assert finish.served_model == ask().model


@pytest.mark.parametrize(
    "lines",
    [
        [ollama_line({"content": "x"})],
        [ollama_line(done=True, done_reason="load")],
        [ollama_line({"content": "x"}), b'{"done": true'],
        [b"[1]\n"],
        [ollama_line({"content": 5})],
        [ollama_line({"tool_calls": [{"id": "c"}]})],
        [ollama_line({"tool_calls": [{"function": {"name": 5}}]})],
        [b'{"message": "text"}\n'],
        [b"[" * 100_000 + b"\n"],
    ],
    ids=["cut", "only loaded", "half a line", "list", "number", "no function", "no name", "text", "deep"],
)
async def test_what_is_no_whole_answer(stack: AsyncExitStack, lines: list[Step]) -> None:
    provider, _ = await served(stack, ndjson(*lines))
    with pytest.raises(StreamInterrupted):
        await complete(provider, ask())


async def test_a_last_line_without_its_end(stack: AsyncExitStack) -> None:
    lines = OllamaVendor().wire(Said(["hello"]))
    provider, _ = await served(stack, ndjson(*lines[:-1], lines[-1].rstrip()))
    assert (await complete(provider, ask())).message.text == "hello"


def test_a_line_without_end() -> None:
    lines = Lines(max_bytes=10)
    assert lines.feed(b"12345\n12345") == [b"12345"]
    with pytest.raises(ValueError, match="10 bytes"):
        lines.feed(b"678901")


RECORDED = b"".join(
    [
        ollama_line({"thinking": "día "}),
        *OllamaVendor().wire(Said(["día ", "日本語 ", "🦜"], [Call("c1", "read", '{"path": "ä.py"}')])),
    ]
)


@given(st.lists(st.integers(1, len(RECORDED) - 1)), st.sampled_from([b"\n", b"\r\n", b"\n\n"]))
def test_any_split_gives_the_same_message(cuts: list[int], end: bytes) -> None:
    wire = RECORDED.replace(b"\n", end)
    at = [0, *sorted(cut for cut in cuts if cut < len(wire)), len(wire)]
    lines, stream, folder = Lines(), OllamaStream("m", 1), Folder()
    pieces = [wire[start:stop] for start, stop in pairwise(at)]
    for line in [line for piece in pieces for line in lines.feed(piece)] + lines.flush():
        for event in stream.feed(json.loads(line)):
            folder.add(event)
    assert stream.done
    folder.add(Finish(stream.reason, stream.usage, UNKNOWN_COST, stream.served_model))
    reasoning, text, call = folder.completion().message.parts
    assert (reasoning, text) == (Reasoning("día "), Text("día 日本語 🦜"))
    assert call == ToolCall("c1", "read", '{"path": "ä.py"}')


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words", "kind", "hint"),
    [
        # ollama server/routes.go, server/sched.go, llm/llama_server.go
        (404, 'model "llava" not found, try pulling it first', ModelNotFound, "ollama pull llava"),
        (404, "model 'llava' not found", ModelNotFound, "ollama pull llava"),
        (400, '"llava" does not support chat', InvalidRequest, "embedding"),
        (400, '"llava" does not support thinking', InvalidRequest, ""),
        (400, "the input length exceeds the context length", ContextOverflow, "compacted"),
        (
            500,
            "model requires more system memory (5.6 GiB) than is available (3.2 GiB)",
            InvalidRequest,
            "contextWindow",
        ),
        (401, "unauthorized", AuthFailed, "ollama signin"),
        (503, "server busy, please try again.  maximum pending requests exceeded", Overloaded, ""),
        (500, "llama runner process has terminated: signal: killed", Overloaded, ""),
        (200, "an error was encountered while running the model: CUDA error", Overloaded, ""),
        (
            200,
            "the prompt is longer than the context length currently available to the model",
            ContextOverflow,
            "",
        ),
    ],
)
def test_errors(status: int, words: str, kind: type[ProviderError], hint: str) -> None:
    error = to_error(status, {"error": words}, {}, CONTEXT)
    assert type(error) is kind
    assert words.split()[0].strip('"') in str(error)
    assert hint in (error.hint or "")


async def test_an_error_after_text_ends_the_answer(stack: AsyncExitStack) -> None:
    broken = ndjson(ollama_line({"content": "x"}), b'{"error": "CUDA error"}\n')
    provider, _ = await served(stack, broken)
    with pytest.raises(Overloaded, match="CUDA"):
        await complete(provider, ask())
