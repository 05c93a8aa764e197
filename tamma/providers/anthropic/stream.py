"""Anthropic's stream of events to ours. No I/O: feed it parsed events, it gives back `StreamEvent`s."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tamma.model.conversation import (
    FinishReason,
    ReasoningDelta,
    ReasoningEnd,
    Start,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageUpdate,
)
from tamma.providers.anthropic.messages import thinking_data
from tamma.providers.interface import tool_call_end

_FINISH = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
    "model_context_window_exceeded": FinishReason.CONTEXT_OVERFLOW,
    "pause_turn": FinishReason.PAUSED,
}

Event = Mapping[str, Any]
Events = tuple[StreamEvent, ...]
_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "thinking_tokens",
)


@dataclass(slots=True)
class _Open:
    """The content block that is being streamed."""

    kind: str
    index: int = 0
    id: str = ""
    name: str = ""
    fragments: list[str] = field(default_factory=list[str])
    signature: str = ""


class AnthropicStream:
    """One answer. `done` says that the terminal event came; without it the answer is no answer.

    `failure` is the event by which the service said that it failed.
    """

    def __init__(self, model: str, request_id: str | None) -> None:
        self._asked_model = model
        self._open: dict[int, _Open] = {}
        self._calls = 0
        self._counts: dict[str, int] = {}
        self.request_id = request_id
        self.served_model = model
        self.native_reason: str | None = None
        self.failure: Event | None = None
        self.done = False

    def feed(self, event: Event) -> Events:
        """Our events for one of theirs; kinds we do not know are passed over."""
        kind = event.get("type")
        if kind == "content_block_delta":
            return self._delta(event)
        if kind == "content_block_start":
            return self._start(event)
        if kind == "content_block_stop":
            return self._stop(event)
        if kind == "message_start":
            message: Event = event["message"]
            self.served_model = message.get("model") or self._asked_model
            self._count(message.get("usage") or {})
            return (Start(self.served_model, self.request_id),)
        if kind == "message_delta":
            self.native_reason = event["delta"].get("stop_reason") or self.native_reason
            self._count(event.get("usage") or {})
            return (UsageUpdate(self.usage),)
        if kind == "message_stop":
            self.done = True
        elif kind == "error" or "error" in event:
            self.failure = event
        return ()

    @property
    def reason(self) -> FinishReason:
        return _FINISH.get(self.native_reason or "", FinishReason.UNKNOWN)

    @property
    def usage(self) -> Usage:
        """Anthropic's `input_tokens` leaves the cache out; ours takes it in."""
        counts = self._counts
        read = counts.get("cache_read_input_tokens", 0)
        written = counts.get("cache_creation_input_tokens", 0)
        return Usage(
            input_total=counts.get("input_tokens", 0) + read + written,
            cache_read=read,
            cache_write=written,
            output_total=counts.get("output_tokens", 0),
            reasoning=counts.get("thinking_tokens", 0),
        )

    def _count(self, usage: Event) -> None:
        """Keep the newest of each figure: those of `message_delta` are cumulative and may be partial."""
        details: Event = usage.get("output_tokens_details") or {}
        given = {**details, **usage}
        self._counts |= {name: given[name] for name in _COUNTS if isinstance(given.get(name), int)}

    def _start(self, event: Event) -> Events:
        block: Event = event["content_block"]
        kind = block["type"]
        if kind == "tool_use":
            opened = _Open("tool_use", self._calls, block["id"], block["name"])
            self._calls += 1
            self._open[event["index"]] = opened
            if whole := block.get("input"):  # some gateways send all of it here and no fragments
                opened.fragments.append(json.dumps(whole))
            return (ToolCallStart(opened.index, opened.id, opened.name),)
        if kind == "redacted_thinking":
            data = {"type": "redacted_thinking", "data": block["data"]}
            return (ReasoningEnd(thinking_data(self._asked_model, data)),)
        if kind == "thinking":
            opened = _Open("thinking", signature=block.get("signature") or "")
            self._open[event["index"]] = opened
            if thought := block.get("thinking"):
                opened.fragments.append(thought)
                return (ReasoningDelta(thought),)
        elif kind == "text" and (text := block.get("text")):
            return (TextDelta(text),)
        return ()

    def _delta(self, event: Event) -> Events:
        delta: Event = event["delta"]
        kind = delta["type"]
        if kind == "text_delta":
            return (TextDelta(delta["text"]),)
        opened = self._open.get(event["index"])
        if opened is None:
            return ()  # a block of a kind we do not use, such as a server's own tool
        if kind == "input_json_delta":
            fragment = delta["partial_json"]
            if not fragment:
                return ()
            opened.fragments.append(fragment)
            return (ToolCallDelta(opened.index, fragment),)
        if kind == "thinking_delta":
            opened.fragments.append(delta["thinking"])
            return (ReasoningDelta(delta["thinking"]),)
        if kind == "signature_delta":
            opened.signature += delta["signature"]
        return ()

    def _stop(self, event: Event) -> Events:
        opened = self._open.pop(event["index"], None)
        if opened is None:
            return ()
        whole = "".join(opened.fragments)
        if opened.kind == "tool_use":
            return (tool_call_end(opened.index, opened.id, opened.name, whole),)
        block = {"type": "thinking", "thinking": whole, "signature": opened.signature}
        return (ReasoningEnd(thinking_data(self._asked_model, block)),)
