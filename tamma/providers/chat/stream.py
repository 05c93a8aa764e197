"""Chat Completions chunks to our events. No I/O: feed it parsed chunks.

Written for servers that are merely compatible: tool calls without an index, with the same index for all, with
new ids or none, arguments in pieces, in objects or not at all; usage in a chunk of its own or nowhere.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
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
from tamma.model.foreign import read_json
from tamma.providers.chat.quirks import Quirks
from tamma.providers.chat.reasoning import ReasoningBlock, Replay
from tamma.providers.common import tokens
from tamma.providers.interface import tool_call_end

_FINISH: Mapping[str, FinishReason] = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}

Chunk = Mapping[str, Any]


@dataclass(slots=True)
class _Call:
    slot: int
    id: str
    wire_id: str
    """The id the server gave, empty where it gave none."""
    wire_index: int | None
    name: str = ""
    fragments: list[str] = field(default_factory=list[str])

    @property
    def args(self) -> str:
        return "".join(self.fragments)


class ToolCalls:
    """Puts the calls of one answer together from their deltas."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def text(self) -> str:
        """Names and arguments, for an estimate of their tokens."""
        return "".join(call.name + call.args for call in self._calls)

    def add(self, delta: Chunk) -> list[StreamEvent]:
        function: Chunk = delta.get("function") or {}
        name: str = function.get("name") or ""
        arguments = function.get("arguments")
        fragment: str = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
        if arguments is None:
            fragment = ""
        wire_id: str = delta.get("id") or ""
        call = self._find(delta.get("index"), wire_id, name)
        events: list[StreamEvent] = []
        if call is None:
            call = _Call(len(self._calls), wire_id or _new_id(), wire_id, delta.get("index"))
            self._calls.append(call)
        if name and not call.name:
            call.name = name
            events.append(ToolCallStart(call.slot, call.id, name))
            if call.fragments:  # arguments that came before their name
                events.append(ToolCallDelta(call.slot, call.args))
        if fragment:
            call.fragments.append(fragment)
            if call.name:
                events.append(ToolCallDelta(call.slot, fragment))
        return events

    def ends(self) -> list[StreamEvent]:
        """Closes all calls. A call that never got a name is closed too: the agent tells the model so."""
        return [tool_call_end(call.slot, call.id, call.name, call.args) for call in self._calls]

    def _find(self, index: int | None, wire_id: str, name: str) -> _Call | None:
        """The call that a delta continues; None where it begins a new one."""
        same = [call for call in self._calls if index is None or call.wire_index == index]
        if not same:
            return None
        if wire_id:
            for call in same:
                if call.wire_id == wire_id:
                    return call
        latest = same[-1]
        if not name:
            return latest  # a continuation, even where the server makes up a new id for every delta
        if wire_id and latest.wire_id and wire_id != latest.wire_id:
            return None  # the same index again (or none) with another id: another call
        if not latest.name:
            return latest
        # The name once more: some servers repeat it in each delta, others have no ids. If what came so far
        # is already whole, this can only be the next call.
        return None if name != latest.name or _is_object(latest.args) else latest


class OpenAIStream:
    """One answer. `done` says that a finish reason came; without it the answer is no answer."""

    def __init__(self, model: str, request_id: str | None, quirks: Quirks, input_estimate: int) -> None:
        self._quirks = quirks
        self._input_estimate = input_estimate
        self._started = False
        self._calls = ToolCalls()
        self._reasoning = ReasoningBlock(Replay(model, quirks.replay_field))
        self._written_bytes = 0
        self._usage: Usage | None = None
        self.served_model = model
        self.request_id = request_id
        self.native_reason: str | None = None
        self.charged: Decimal | None = None

    @property
    def done(self) -> bool:
        return self.native_reason is not None

    def feed(self, chunk: Chunk) -> list[StreamEvent]:
        """Our events for a chunk, or for a whole answer from a server that does not stream."""
        events: list[StreamEvent] = []
        if not self._started:
            self._started = True
            self.served_model = chunk.get("model") or self.served_model
            self.request_id = self.request_id or chunk.get("id")
            events.append(Start(self.served_model, self.request_id))
        choices = chunk.get("choices")
        if choices:
            choice: Chunk = choices[0]
            delta: Chunk = choice.get("delta") or choice.get("message") or {}
            if delta:
                self._delta(delta, events)
            reason = choice.get("finish_reason")
            if reason and not self.done:
                self.native_reason = str(reason)
                self._end_reasoning(events)
                events += self._calls.ends()
        usage = chunk.get("usage")
        if usage:
            self._usage = self._read_usage(usage)
            events.append(UsageUpdate(self._usage))
        return events

    @property
    def reason(self) -> FinishReason:
        native = self.native_reason or ""
        own = self._quirks.finishes.get(native)
        found = own if isinstance(own, FinishReason) else _FINISH.get(native, FinishReason.UNKNOWN)
        # Many servers say `stop` after a tool call.
        return FinishReason.TOOL_CALLS if found is FinishReason.STOP and len(self._calls) else found

    @property
    def usage(self) -> Usage:
        """What the server counted, or else an estimate."""
        if self._usage is not None:
            return self._usage
        written = self._written_bytes + len(self._calls.text.encode())
        return tokens.estimated_usage(self._input_estimate, written)

    def _delta(self, delta: Chunk, events: list[StreamEvent]) -> None:
        text = delta.get("content")
        if not text or len(delta) > 2:  # else text, with or without the role: the common case
            for name in self._quirks.reasoning_fields:
                if reasoning := delta.get(name):
                    self._written_bytes += len(reasoning.encode(errors="replace"))
                    events.append(ReasoningDelta(reasoning))
                    break
            self._reasoning.add(delta)
        if text:
            self._end_reasoning(events)
            self._written_bytes += len(text.encode(errors="replace"))
            events.append(TextDelta(text))
        for call in delta.get("tool_calls") or ():
            self._end_reasoning(events)
            events += self._calls.add(call)

    def _end_reasoning(self, events: list[StreamEvent]) -> None:
        data = self._reasoning.close()
        if data is not None:
            events.append(ReasoningEnd(data))

    def _read_usage(self, usage: Chunk) -> Usage:
        """OpenAI's `prompt_tokens` takes the cache in already, and `completion_tokens` the reasoning."""
        inputs: Chunk = usage.get("prompt_tokens_details") or {}
        outputs: Chunk = usage.get("completion_tokens_details") or {}
        if self._quirks.charge is not None:
            self.charged = self._quirks.charge(usage)
        return Usage(
            input_total=usage.get("prompt_tokens") or 0,
            cache_read=inputs.get("cached_tokens") or 0,
            cache_write=inputs.get("cache_write_tokens") or 0,
            output_total=usage.get("completion_tokens") or 0,
            reasoning=outputs.get("reasoning_tokens") or 0,
        )


def _new_id() -> str:
    return f"call_{uuid.uuid4().hex[:16]}"


def _is_object(text: str) -> bool:
    try:
        return isinstance(read_json(text or "{}"), dict)
    except ValueError:
        return False
