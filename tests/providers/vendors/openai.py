"""OpenAI's Responses API."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from tamma.model.conversation import FinishReason
from tamma.providers.interface import Provider
from tamma.providers.openai.provider import OpenAI
from tests.providers.vendors.base import COMMENT, MODEL, Feature, Said, Vendor, serve, settings_for
from tests.support.raw_http import Answer

_CODES = {
    "rate_limit_error": ("tokens", "rate_limit_exceeded"),
    "billing_error": ("insufficient_quota", "insufficient_quota"),
    "authentication_error": ("invalid_request_error", "invalid_api_key"),
    "not_found_error": ("invalid_request_error", "model_not_found"),
    "request_too_large": ("invalid_request_error", None),
    "content_filter_error": ("invalid_request_error", "invalid_prompt"),
    "api_error": ("server_error", "server_error"),
    "overloaded_error": ("server_error", "server_error"),
}
"""Type and code of OpenAI's bodies for Anthropic's kinds."""


def openai_event(kind: str, **data: Any) -> bytes:
    said = {"type": kind, "sequence_number": 0, **data}
    return f"event: {kind}\ndata: {json.dumps(said, ensure_ascii=False)}\n\n".encode()


def openai_response(status: str = "in_progress", model: str = MODEL, **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_760_000_000,
        "status": status,
        "model": model,
        "output": [],
        "error": None,
        "incomplete_details": None,
        "usage": None,
        **more,
    }


def openai_start(model: str = MODEL) -> bytes:
    response = openai_response(model=model)
    return b"".join(
        openai_event(f"response.{kind}", response=response) for kind in ("created", "in_progress")
    )


def openai_item(index: int, item: dict[str, Any], whole: dict[str, Any], *between: bytes) -> list[bytes]:
    """Start and end of one output item: what `item` says at first, and `whole` on top of it in the end."""
    return [
        openai_event("response.output_item.added", output_index=index, item=item),
        *between,
        openai_event(
            "response.output_item.done", output_index=index, item={**item, **whole, "status": "completed"}
        ),
    ]


def openai_text(index: int, *pieces: str, **more: Any) -> list[bytes]:
    """A message that says `pieces`."""
    where = {"item_id": f"msg_{index}", "output_index": index, "content_index": 0}
    part: dict[str, Any] = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    whole: dict[str, Any] = {**part, "text": "".join(pieces)}
    item: dict[str, Any] = {
        "type": "message",
        "id": f"msg_{index}",
        "role": "assistant",
        "status": "in_progress",
        "content": [],
    }
    return openai_item(
        index,
        {**item, **more},
        {"content": [whole]},
        openai_event("response.content_part.added", **where, part=part),
        *(
            openai_event("response.output_text.delta", **where, delta=piece, logprobs=[], obfuscation="x1")
            for piece in pieces
        ),
        openai_event("response.output_text.done", **where, text=whole["text"], logprobs=[]),
        openai_event("response.content_part.done", **where, part=whole),
    )


def openai_call(index: int, call_id: str, name: str, args: str) -> list[bytes]:
    """A call whose arguments come in three pieces, the first of them empty."""
    where = {"item_id": f"fc_{index}", "output_index": index}
    item = {"type": "function_call", "id": f"fc_{index}", "call_id": call_id, "name": name, "arguments": ""}
    half = len(args) // 2
    return openai_item(
        index,
        item,
        {"arguments": args},
        *(
            openai_event("response.function_call_arguments.delta", **where, delta=part)
            for part in ("", args[:half], args[half:])
        ),
        openai_event("response.function_call_arguments.done", **where, arguments=args),
    )


def openai_end(
    usage: tuple[int, int] = (10, 5), cached: int = 0, written: int = 0, thought: int = 0, **more: Any
) -> bytes:
    """The terminal event; `incomplete="reason"` for an answer that was cut short."""
    counts = {
        "input_tokens": usage[0],
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "output_tokens": usage[1],
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": sum(usage),
    }
    reason = more.pop("incomplete", None)
    status = "incomplete" if reason else "completed"
    details = {"reason": reason} if reason else None
    response = openai_response(status, usage=counts, incomplete_details=details, **more)
    return openai_event(f"response.{status}", response=response)


@dataclass(frozen=True)
class OpenAIVendor:
    name: str = "openai"
    silence: bytes = COMMENT
    models_answer: object = field(
        default_factory=lambda: {
            "object": "list",
            "data": [{"id": "m1", "object": "model", "created": 1_760_000_000, "owned_by": "openai"}],
        }
    )
    lacks: dict[Feature, str] = field(default_factory=dict[Feature, str])
    finishes: dict[FinishReason, str] = field(
        default_factory=lambda: {
            FinishReason.STOP: "completed",
            FinishReason.LENGTH: "max_output_tokens",
            FinishReason.TOOL_CALLS: "completed",
            FinishReason.CONTENT_FILTER: "content_filter",
            FinishReason.UNKNOWN: "something_new",
        }
    )

    def wire(self, said: Said) -> list[bytes]:
        parts = [openai_start()]
        if said.pieces:
            parts += openai_text(0, *said.pieces)
        parts += said.in_order(
            [
                openai_call(index, call.id, call.name, call.args)
                for index, call in enumerate(said.calls, start=1)
            ]
        )
        native = self.finishes[said.reason]
        return [*parts, openai_end(said.usage, incomplete=None if native == "completed" else native)]

    def error_body(self, status: int, kind: str, message: str) -> object:
        type_, code = _CODES.get(kind, ("invalid_request_error", None))
        return {"error": {"message": message, "type": type_, "param": None, "code": code}}

    def error_event(self, kind: str, message: str) -> bytes:
        return openai_event("error", code=_CODES[kind][1], message=message, param=None)

    def provider(self, url: str, **settings: Any) -> OpenAI:
        return OpenAI(settings_for(self.name, url, **settings))

    async def saying(self, said: Said, stack: AsyncExitStack) -> Provider:
        return await serve(self, Answer(self.wire(said)), stack)


VENDORS: list[Vendor] = [OpenAIVendor()]
