"""Anthropic's stream of events to ours. No I/O: feed it events, it gives back `StreamEvent`s."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from anthropic.types import RawMessageStreamEvent

_FINISH = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
    "model_context_window_exceeded": FinishReason.CONTEXT_OVERFLOW,
    "pause_turn": FinishReason.PAUSED,
}

Events = tuple[StreamEvent, ...]


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
    """One answer. `done` says that the terminal event came; without it the answer is no answer."""

    def __init__(self, model: str, request_id: str | None) -> None:
        self._asked_model = model
        self._request_id = request_id
        self._open: dict[int, _Open] = {}
        self._calls = 0
        self._counts: dict[str, int] = {}
        self.served_model = model
        self.native_reason: str | None = None
        self.done = False

    def feed(self, event: RawMessageStreamEvent) -> Events:
        """Our events for one of theirs; kinds we do not know are passed over."""
        if event.type == "content_block_delta":
            return self._delta(event)
        if event.type == "content_block_start":
            return self._start(event)
        if event.type == "content_block_stop":
            return self._stop(event)
        if event.type == "message_start":
            self.served_model = event.message.model or self._asked_model
            self._count(event.message.usage)
            return (Start(self.served_model, self._request_id),)
        if event.type == "message_delta":
            self.native_reason = event.delta.stop_reason or self.native_reason
            self._count(event.usage)
            return (UsageUpdate(self.usage),)
        if event.type == "message_stop":
            self.done = True
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

    def _count(self, usage: Any) -> None:
        """Keep the newest of each figure: those of `message_delta` are cumulative and may be partial."""
        details = getattr(usage, "output_tokens_details", None)
        for source, names in (
            (
                usage,
                ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
            ),
            (details, ("thinking_tokens",)),
        ):
            for name in names:
                value = getattr(source, name, None)
                if isinstance(value, int):
                    self._counts[name] = value

    def _start(self, event: Any) -> Events:
        block = event.content_block
        if block.type == "tool_use":
            opened = _Open("tool_use", self._calls, block.id, block.name)
            self._calls += 1
            self._open[event.index] = opened
            if block.input:  # some gateways send the whole input here and no fragments
                opened.fragments.append(json.dumps(block.input))
            return (ToolCallStart(opened.index, opened.id, opened.name),)
        if block.type == "redacted_thinking":
            data = {"type": "redacted_thinking", "data": block.data}
            return (ReasoningEnd(thinking_data(self._asked_model, data)),)
        if block.type == "thinking":
            opened = _Open("thinking", signature=block.signature or "")
            self._open[event.index] = opened
            if block.thinking:
                opened.fragments.append(block.thinking)
                return (ReasoningDelta(block.thinking),)
        elif block.type == "text" and block.text:
            return (TextDelta(block.text),)
        return ()

    def _delta(self, event: Any) -> Events:
        delta = event.delta
        kind = delta.type
        if kind == "text_delta":
            return (TextDelta(delta.text),)
        opened = self._open.get(event.index)
        if opened is None:
            return ()  # a block of a kind we do not use, such as a server's own tool
        if kind == "input_json_delta":
            if not delta.partial_json:
                return ()
            opened.fragments.append(delta.partial_json)
            return (ToolCallDelta(opened.index, delta.partial_json),)
        if kind == "thinking_delta":
            opened.fragments.append(delta.thinking)
            return (ReasoningDelta(delta.thinking),)
        if kind == "signature_delta":
            opened.signature += delta.signature
        return ()

    def _stop(self, event: Any) -> Events:
        opened = self._open.pop(event.index, None)
        if opened is None:
            return ()
        whole = "".join(opened.fragments)
        if opened.kind == "tool_use":
            return (tool_call_end(opened.index, opened.id, opened.name, whole),)
        block = {"type": "thinking", "thinking": whole, "signature": opened.signature}
        return (ReasoningEnd(thinking_data(self._asked_model, block)),)
