"""The Copilot runtime's session events to ours. No I/O: feed it events, it gives back `StreamEvent`s.

One request is one model call. The runtime is an agent and would go on: run tools, retry, continue. So the
answer is over with the first call's message, and whoever reads it ends the turn then. Tools are declared
without a handler: nothing can run them, and the model's calls come back as ours.
"""

from __future__ import annotations

import json
from typing import Any

from tamma.model.conversation import (
    FinishReason,
    ReasoningDelta,
    Start,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageUpdate,
)
from tamma.providers.common import tokens
from tamma.providers.common.errors import CallContext
from tamma.providers.copilot.errors import call_failed, session_failed
from tamma.providers.interface import tool_call_end

_FINISH = {
    "stop": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "max_output_tokens": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "tool_use": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "refusal": FinishReason.CONTENT_FILTER,
}


class CopilotStream:
    """One answer. `done` says that it is complete; without that it is no answer."""

    def __init__(self, model: str, context: CallContext, input_estimate: int) -> None:
        self._context = context
        self._input_estimate = input_estimate
        self._usage: Usage | None = None
        self._calls: dict[str, tuple[str, list[str]]] = {}  # name and fragments by id
        self._ended = 0
        self._written = 0
        self._said = False
        self._answered = False
        self.started = False
        self.served_model = model
        self.request_id: str | None = None
        self.native_reason: str | None = None
        self.done = False

    def feed(self, kind: str, data: Any) -> list[StreamEvent]:
        """Our events for one of theirs; kinds we do not know are passed over. Raises ProviderError."""
        events: list[StreamEvent] = []
        match kind:
            case "assistant.message_delta":
                self._said = True
                self._write(TextDelta(data.delta_content), data.delta_content, events)
            case "assistant.reasoning_delta":
                self._write(ReasoningDelta(data.delta_content), data.delta_content, events)
            case "assistant.tool_call_delta":
                self._fragment(data, events)
            case "assistant.usage":
                self._count(data)
                self._begin(events)
                events.append(UsageUpdate(self.usage))
                if self.reason is FinishReason.LENGTH:  # the runtime would ask for more by itself
                    self._cut_short(events)
            case "assistant.message":
                self._message(data, events)
            case "model.call_final_result" if not self._answered:
                # No message came: the SDK drops one that it cannot parse, for what a model put into a call.
                self._begin(events)
                self._cut_short(events)
            case "assistant.turn_end" | "session.idle":
                self.done = self._answered
            case "model.call_failure":
                raise call_failed(data, self._context, streaming=self.started)
            case "session.error":
                raise session_failed(data, self._context)
            case _:
                pass
        return events

    @property
    def reason(self) -> FinishReason:
        found = _FINISH.get(self.native_reason or "", FinishReason.UNKNOWN)
        # Some services say "stop" although they call tools.
        return FinishReason.TOOL_CALLS if self._ended and found is FinishReason.STOP else found

    @property
    def usage(self) -> Usage:
        """What the runtime counted, or else an estimate."""
        return self._usage or tokens.estimated_usage(self._input_estimate, self._written)

    def _begin(self, events: list[StreamEvent]) -> None:
        if not self.started:
            self.started = True
            events.append(Start(self.served_model, self.request_id))

    def _write(self, event: StreamEvent, text: str, events: list[StreamEvent]) -> None:
        self._begin(events)
        self._written += len(text.encode(errors="replace"))
        events.append(event)

    def _fragment(self, data: Any, events: list[StreamEvent]) -> None:
        """Held back: a call without arguments has no fragments, and would lose its place among the others."""
        self._begin(events)
        self._calls.setdefault(data.tool_call_id, (data.tool_name or "", []))[1].append(data.input_delta)
        self._written += len(data.input_delta.encode(errors="replace"))

    def _message(self, data: Any, events: list[StreamEvent]) -> None:
        """The whole message. Calls end here; text that was not streamed is said now."""
        self._answered = True
        self._begin(events)
        if data.content and not self._said:
            self._write(TextDelta(data.content), data.content, events)
        self._said = False
        for call in data.tool_requests or ():
            # As the model wrote it: what the runtime parsed of broken arguments is empty.
            raw = "".join(self._calls.get(call.tool_call_id, ("", []))[1]) or _as_json(call.arguments)
            self._call(call.tool_call_id, call.name, raw, events)
        # The runtime would now wait for the tools; without any, more of the same turn may follow.
        self.done = bool(data.tool_requests)

    def _cut_short(self, events: list[StreamEvent]) -> None:
        for call_id, (name, fragments) in self._calls.items():
            self._call(call_id, name, "".join(fragments), events)
        self.done = True

    def _call(self, call_id: str, name: str, raw: str, events: list[StreamEvent]) -> None:
        index, self._ended = self._ended, self._ended + 1
        events.append(ToolCallStart(index, call_id, name))
        if raw:
            events.append(ToolCallDelta(index, raw))
        events.append(tool_call_end(index, call_id, name, raw))

    def _count(self, data: Any) -> None:
        self.served_model = data.model or self.served_model
        self.native_reason = data.finish_reason or self.native_reason
        self.request_id = data.provider_call_id or data.api_call_id or self.request_id
        if data.input_tokens is None and data.output_tokens is None:
            return
        self._usage = Usage(
            input_total=data.input_tokens or 0,
            cache_read=data.cache_read_tokens or 0,
            cache_write=data.cache_write_tokens or 0,
            output_total=data.output_tokens or 0,
            reasoning=data.reasoning_tokens or 0,
        )


def _as_json(arguments: object) -> str:
    if arguments is None or arguments == "":
        return ""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
