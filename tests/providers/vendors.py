"""The same answer in each provider's own form, so that one suite can ask the same of all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tamma.model.conversation import FinishReason, Request, user
from tamma.providers.anthropic_claude import AnthropicClaude
from tamma.providers.interface import Provider, ProviderSettings
from tamma.providers.local_llm import LocalLLM
from tamma.providers.scripted import Scripted
from tests.support.raw_http import Answer, RawServer, Step

KEY = "sk-test-0123456789abcdef"
MODEL = "claude-sonnet-5-5"


@dataclass(frozen=True)
class Call:
    id: str
    name: str
    args: str
    """As the model wrote it, JSON or not."""


@dataclass(frozen=True)
class Said:
    """What a model answers."""

    pieces: Sequence[str] = ()
    calls: Sequence[Call] = ()
    finish: FinishReason | None = None
    usage: tuple[int, int] = (10, 5)

    @property
    def reason(self) -> FinishReason:
        return self.finish or (FinishReason.TOOL_CALLS if self.calls else FinishReason.STOP)


def ask(text: str = "hello", **more: Any) -> Request:
    return Request(model=MODEL, messages=(user(text),), **more)


def settings_for(kind: str, url: str, **more: Any) -> ProviderSettings:
    return replace(ProviderSettings("mine", kind, api_key=KEY, base_url=url, model=MODEL), **more)


class Vendor(Protocol):
    """One kind of provider, and how its service says things."""

    @property
    def name(self) -> str: ...

    @property
    def finishes(self) -> Mapping[FinishReason, str]: ...

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider: ...


# --- Anthropic -----------------------------------------------------------------------------------


def anthropic_event(data: dict[str, Any]) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def anthropic_start(model: str = MODEL, **usage: int) -> bytes:
    counts = {"input_tokens": 10, "output_tokens": 1, **usage}
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": model,
    }
    return anthropic_event(
        {
            "type": "message_start",
            "message": {**message, "stop_reason": None, "stop_sequence": None, "usage": counts},
        }
    )


def anthropic_block(index: int, block: dict[str, Any], *deltas: dict[str, Any]) -> list[bytes]:
    """Start, deltas and stop of one content block."""
    return [
        anthropic_event({"type": "content_block_start", "index": index, "content_block": block}),
        *(
            anthropic_event({"type": "content_block_delta", "index": index, "delta": delta})
            for delta in deltas
        ),
        anthropic_event({"type": "content_block_stop", "index": index}),
    ]


def anthropic_end(reason: str = "end_turn", **usage: Any) -> list[bytes]:
    return [
        anthropic_event(
            {
                "type": "message_delta",
                "delta": {"stop_reason": reason, "stop_sequence": None},
                "usage": {"output_tokens": 5, **usage},
            }
        ),
        anthropic_event({"type": "message_stop"}),
    ]


@dataclass(frozen=True)
class AnthropicVendor:
    name: str = "anthropic-claude"
    error_path: str = "/v1/messages"
    finishes: dict[FinishReason, str] = field(
        default_factory=lambda: {
            FinishReason.STOP: "end_turn",
            FinishReason.LENGTH: "max_tokens",
            FinishReason.TOOL_CALLS: "tool_use",
            FinishReason.CONTENT_FILTER: "refusal",
            FinishReason.CONTEXT_OVERFLOW: "model_context_window_exceeded",
            FinishReason.PAUSED: "pause_turn",
            FinishReason.UNKNOWN: "something_new",
        }
    )

    def wire(self, said: Said) -> list[bytes]:
        parts = [anthropic_start(input_tokens=said.usage[0])]
        index = 0
        if said.pieces:
            deltas = [{"type": "text_delta", "text": piece} for piece in said.pieces]
            parts += anthropic_block(index, {"type": "text", "text": ""}, *deltas)
            index += 1
        parts.append(anthropic_event({"type": "ping"}))
        for call in said.calls:
            block: dict[str, Any] = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            half = len(call.args) // 2
            fragments = ["", call.args[:half], call.args[half:]]
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in fragments]
            parts += anthropic_block(index, block, *deltas)
            index += 1
        return [*parts, *anthropic_end(self.finishes[said.reason], output_tokens=said.usage[1])]

    def provider(self, url: str, **settings: Any) -> AnthropicClaude:
        return AnthropicClaude(settings_for(self.name, url, **settings))

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        return await serve(self, Answer(self.wire(said)), stack)


# --- OpenAI-compatible ---------------------------------------------------------------------------


def openai_chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    chunk = {"id": "chat-1", "object": "chat.completion.chunk", "model": MODEL, "choices": choices, **more}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


def openai_usage(inputs: int, outputs: int, **more: Any) -> bytes:
    return openai_chunk(None, usage={"prompt_tokens": inputs, "completion_tokens": outputs, **more})


DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class LocalVendor:
    name: str = "local-llm"
    error_path: str = "/chat/completions"
    finishes: dict[FinishReason, str] = field(
        default_factory=lambda: {
            FinishReason.STOP: "stop",
            FinishReason.LENGTH: "length",
            FinishReason.TOOL_CALLS: "tool_calls",
            FinishReason.CONTENT_FILTER: "content_filter",
            FinishReason.UNKNOWN: "something_new",
        }
    )

    def wire(self, said: Said) -> list[bytes]:
        parts = [openai_chunk({"role": "assistant", "content": ""})]
        parts += [openai_chunk({"content": piece}) for piece in said.pieces]
        for index, call in enumerate(said.calls):
            first = {
                "index": index,
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": ""},
            }
            half = len(call.args) // 2
            parts.append(openai_chunk({"tool_calls": [first]}))
            parts += [
                openai_chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
                for part in (call.args[:half], call.args[half:])
            ]
        return [*parts, openai_chunk({}, self.finishes[said.reason]), openai_usage(*said.usage), DONE]

    def provider(self, url: str, **settings: Any) -> LocalLLM:
        return LocalLLM(settings_for(self.name, url, **settings))

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        return await serve(self, Answer(self.wire(said)), stack)


HttpVendor = AnthropicVendor | LocalVendor


async def serve(vendor: HttpVendor, answer: Answer, stack: AsyncExitStack, **settings: Any) -> Provider:
    """A provider whose service gives `answer`; both are closed with `stack`."""
    server = await stack.enter_async_context(RawServer(answer))
    provider = vendor.provider(server.url, **settings)
    stack.push_async_callback(provider.close)
    return provider


def broken_off(vendor: HttpVendor, *steps: Step) -> Answer:
    """The first parts of an answer, then `steps`."""
    return Answer([*vendor.wire(Said(["one ", "two ", "three"]))[:4], *steps])


# --- scripted ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ScriptedVendor:
    name: str = "scripted"
    finishes: dict[FinishReason, str] = field(
        default_factory=lambda: {reason: str(reason) for reason in FinishReason}
    )

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        turn = {
            "text": "".join(said.pieces),
            "raw_tool_calls": [{"name": call.name, "args": call.args} for call in said.calls],
            "finish": str(said.reason),
            "usage": {"input_total": said.usage[0], "output_total": said.usage[1]},
        }
        return Scripted(ProviderSettings("mine", self.name, options={"turns": [turn]}))
