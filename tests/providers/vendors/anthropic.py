"""Anthropic's Messages API."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from tamma.model.conversation import FinishReason
from tamma.providers.anthropic.provider import AnthropicClaude
from tamma.providers.interface import Provider
from tests.providers.vendors.base import COMMENT, MODEL, Feature, Said, Vendor, serve, settings_for
from tests.support.raw_http import Answer


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
    silence: bytes = COMMENT
    models_answer: object = field(
        default_factory=lambda: {
            "data": [
                {"id": "m1", "type": "model", "display_name": "M", "created_at": "2026-01-01T00:00:00Z"}
            ],
            "has_more": False,
        }
    )
    lacks: dict[Feature, str] = field(default_factory=dict[Feature, str])
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
        calls: list[list[bytes]] = []
        for call in said.calls:
            block: dict[str, Any] = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            half = len(call.args) // 2
            fragments = ["", call.args[:half], call.args[half:]]
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in fragments]
            calls.append(anthropic_block(index, block, *deltas))
            index += 1
        parts += said.in_order(calls)
        return [*parts, *anthropic_end(self.finishes[said.reason], output_tokens=said.usage[1])]

    def error_body(self, status: int, kind: str, message: str) -> object:
        kind = "invalid_request_error" if kind == "content_filter_error" else kind  # only the words tell
        return {"type": "error", "error": {"type": kind, "message": message}}

    def error_event(self, kind: str, message: str) -> bytes:
        said = {"type": "error", "error": {"type": kind, "message": message}}
        return b"event: error\ndata: " + json.dumps(said).encode() + b"\n\n"

    def provider(self, url: str, **settings: Any) -> AnthropicClaude:
        return AnthropicClaude(settings_for(self.name, url, **settings))

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        return await serve(self, Answer(self.wire(said)), stack)


VENDORS: list[Vendor] = [AnthropicVendor()]
