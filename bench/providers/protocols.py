"""Streamed answers as four protocols write them: how one begins, a piece of its text, how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MODEL = "bench-model"
Event = dict[str, Any]


def sse(event: Event) -> bytes:
    """One event by its data alone."""
    return f"data: {json.dumps(event)}\n\n".encode()


def named(*events: Event) -> bytes:
    """Events with their type as name."""
    return b"".join(f"event: {event['type']}\n".encode() + sse(event) for event in events)


@dataclass(frozen=True, slots=True)
class Protocol:
    """The beginning of an answer, one piece of its text, and its end."""

    begin: bytes
    piece: Callable[[str], bytes]
    end: bytes


def _anthropic() -> Protocol:
    usage = {"input_tokens": 10, "output_tokens": 1}
    message: Event = {"id": "m", "type": "message", "role": "assistant", "model": MODEL, "content": []}
    begin: list[Event] = [
        {"type": "message_start", "message": {**message, "stop_reason": None, "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ]
    end: list[Event] = [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]

    def piece(text: str) -> bytes:
        delta = {"type": "text_delta", "text": text}
        return named({"type": "content_block_delta", "index": 0, "delta": delta})

    return Protocol(named(*begin), piece, named(*end))


def _chat() -> Protocol:
    head: Event = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return sse({**head, "choices": [choice]})

    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    last: Event = {**head, "choices": [], "usage": usage}
    return Protocol(
        chunk({"role": "assistant", "content": ""}),
        lambda text: chunk({"content": text}),
        chunk({}, "stop") + sse(last) + b"data: [DONE]\n\n",
    )


def _responses() -> Protocol:
    response: Event = {"id": "r", "object": "response", "created_at": 1, "model": MODEL, "output": []}
    response |= {"status": "in_progress", "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    item: Event = {"id": "i", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    part: Event = {"type": "output_text", "text": "", "annotations": []}
    where: Event = {"item_id": "i", "output_index": 0, "content_index": 0}
    usage: Event = {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "total_tokens": 15}
    usage |= {"output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 0}}
    done: Event = {**item, "status": "completed", "content": [{**part, "text": "all"}]}
    whole: Event = {**response, "status": "completed", "output": [done], "usage": usage}
    begin: list[Event] = [
        {"type": "response.created", "sequence_number": 0, "response": response},
        {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": item},
        {"type": "response.content_part.added", "sequence_number": 2, **where, "part": part},
    ]
    end: list[Event] = [
        {"type": "response.output_text.done", "sequence_number": 4, **where, "text": "all", "logprobs": []},
        {"type": "response.output_item.done", "sequence_number": 5, "output_index": 0, "item": done},
        {"type": "response.completed", "sequence_number": 6, "response": whole},
    ]

    def piece(text: str) -> bytes:
        event: Event = {"type": "response.output_text.delta", "sequence_number": 3, **where, "logprobs": []}
        return named({**event, "delta": text})

    return Protocol(named(*begin), piece, named(*end))


def _gemini() -> Protocol:
    def chunk(text: str, **more: Any) -> Event:
        content = {"role": "model", "parts": [{"text": text}]}
        return {"candidates": [{"content": content, "index": 0, **more}], "modelVersion": MODEL}

    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    end = {**chunk("", finishReason="STOP"), "usageMetadata": usage}
    return Protocol(b"", lambda text: sse(chunk(text)), sse(end))


PROTOCOLS: dict[str, Protocol] = {
    "messages": _anthropic(),
    "completions": _chat(),
    "responses": _responses(),
    "streamGenerateContent": _gemini(),
}


def protocol_of(path: str) -> Protocol:
    """The one that a request to `path` speaks."""
    return next(found for name, found in PROTOCOLS.items() if name in path)
