"""OpenAI's Chat Completions, as the compatible servers speak it."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from tamma.model.conversation import FinishReason
from tamma.providers.interface import Provider
from tamma.providers.local.provider import LocalLLM
from tests.providers.vendors.base import COMMENT, MODEL, Feature, Said, Vendor, serve, settings_for
from tests.support.raw_http import Answer


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
        calls: list[list[bytes]] = []
        for index, call in enumerate(said.calls):
            first = {
                "index": index,
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": ""},
            }
            half = len(call.args) // 2
            pieces = [
                {"index": index, "function": {"arguments": p}} for p in (call.args[:half], call.args[half:])
            ]
            calls.append([openai_chunk({"tool_calls": [piece]}) for piece in (first, *pieces)])
        parts += said.in_order(calls)
        return [*parts, openai_chunk({}, self.finishes[said.reason]), openai_usage(*said.usage), DONE]

    def error_body(self, status: int, kind: str, message: str) -> object:
        code = {"code": "content_filter"} if kind == "content_filter_error" else {}
        return {"type": "error", "error": {"type": kind, "message": message, **code}}

    def error_event(self, kind: str, message: str) -> bytes:
        said = {"type": "error", "error": {"type": kind, "message": message}}
        return b"event: error\ndata: " + json.dumps(said).encode() + b"\n\n"

    def provider(self, url: str, **settings: Any) -> LocalLLM:
        # One answer for everything: nothing can be found out, and nothing asked beside the call itself.
        options = {"kind": "openai", "discover": False, **settings.pop("options", {})}
        return LocalLLM(settings_for(self.name, url, options=options, **settings))

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        return await serve(self, Answer(self.wire(said)), stack)


VENDORS: list[Vendor] = [LocalVendor()]
