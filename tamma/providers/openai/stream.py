"""The events of a streamed response to ours. No I/O: feed it parsed events, it gives back `StreamEvent`s.

It takes the events as plain JSON objects: making the SDK's models of them costs three times what all the rest
does. A whole item (`response.output_item.done`) is the authority; deltas are for those who watch. Items whose
end is missing are closed by the response's own end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from tamma.providers.interface import tool_call_end
from tamma.providers.openai.messages import Reader, phase_data, reasoning_data

_INCOMPLETE = {
    "max_output_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "steered": FinishReason.PAUSED,
}
REFUSAL = "refusal"
"""The native reason of an answer in which the model itself declined."""

Event = Mapping[str, Any]
Events = list[StreamEvent]
Key = int | str
"""What tells the items of one answer apart."""


@dataclass(slots=True)
class _Item:
    """An output item that has begun and not ended. Fragments: of text, or of a call's arguments."""

    kind: str = ""
    slot: int = 0
    id: str = ""
    name: str = ""
    fragments: list[str] = field(default_factory=list[str])


class ResponseStream:
    """One answer. `done` says that the terminal event came; without it the answer is no answer.

    `failure` is what the service said where it failed: an object with `code` and `message`.
    """

    def __init__(self, reader: Reader, request_id: str | None) -> None:
        self._reader = reader
        self._items: dict[Key, _Item] = {}
        self._calls = 0
        self._started = False
        self._refused = False
        self._handlers: Mapping[str, Callable[[Event], Events]] = {
            "response.completed": self._end,
            "response.incomplete": self._end,
            "response.output_item.added": self._added,
            "response.output_item.done": self._finished,
            "response.output_text.delta": self._text,
            "response.refusal.delta": self._refusal,
            "response.reasoning_summary_part.added": self._next_thought,
            "response.reasoning_summary_text.delta": self._thought,
            "response.reasoning_text.delta": self._thought,
            "response.function_call_arguments.delta": self._arguments,
            "response.function_call_arguments.done": self._all_arguments,
        }
        self.request_id = request_id
        self.served_model = reader.model
        self.native_reason: str | None = None
        self.service_tier: str | None = None
        self.usage = Usage()
        self.failure: Mapping[str, Any] | None = None
        self.done = False

    def feed(self, event: Event) -> Events:
        """Our events for one of theirs; kinds we do not know are passed over."""
        kind = event.get("type")
        if kind == "response.output_text.delta" and self._started:
            return self._text(event)
        events: Events = []
        if kind == "error" or event.get("error"):
            # The documented form is flat, the one in use nested, and sometimes without a type.
            self.failure = event.get("error") or {"code": event.get("code"), "message": event["message"]}
            return events
        response: Event = event.get("response") or {}
        if kind == "response.failed":
            self.failure = response.get("error") or {"message": "the response failed without a reason"}
            return events
        if not self._started:
            self._start(response, events)
        if handler := self._handlers.get(event["type"]):
            events += handler(event)
        return events

    @property
    def reason(self) -> FinishReason:
        if self.native_reason == REFUSAL:
            return FinishReason.CONTENT_FILTER
        if self.native_reason != "completed":
            return _INCOMPLETE.get(self.native_reason or "", FinishReason.UNKNOWN)
        return FinishReason.TOOL_CALLS if self._calls else FinishReason.STOP

    # --- the response ----------------------------------------------------------------------------

    def _start(self, response: Event, events: Events) -> None:
        self._started = True
        self.served_model = response.get("model") or self.served_model
        self.request_id = self.request_id or response.get("id")
        events.append(Start(self.served_model, self.request_id))

    def _end(self, event: Event) -> Events:
        response: Event = event["response"]
        events: Events = []
        for key in list(self._items):
            events += self._close(key, {})
        status: str = response.get("status") or event["type"].removeprefix("response.")
        details: Event = response.get("incomplete_details") or {}
        self.native_reason = REFUSAL if self._refused else details.get("reason") or status
        self.served_model = response.get("model") or self.served_model
        self.service_tier = response.get("service_tier")
        if usage := response.get("usage"):
            self.usage = _usage(usage)
            events.append(UsageUpdate(self.usage))
        self.done = True
        return events

    # --- its items -------------------------------------------------------------------------------

    def _item(self, event: Event) -> _Item:
        key = _key(event)
        opened = self._items.get(key)
        if opened is None:
            opened = self._items[key] = _Item()
        return opened

    def _added(self, event: Event) -> Events:
        item: Event = event["item"]
        opened = self._item(event)
        return self._open(opened, item)

    def _open(self, opened: _Item, item: Event) -> Events:
        if opened.kind:
            return []
        opened.kind = item["type"]
        if opened.kind == "function_call":
            opened.slot, opened.id, opened.name = self._calls, item["call_id"], item["name"]
            self._calls += 1
            started: Events = [ToolCallStart(opened.slot, opened.id, opened.name)]
            if opened.fragments:  # arguments that came before their call
                started.append(ToolCallDelta(opened.slot, "".join(opened.fragments)))
            return started
        if opened.kind == "message" and (phase := item.get("phase")):
            return [ReasoningEnd(phase_data(phase))]
        return []

    def _finished(self, event: Event) -> Events:
        return self._close(_key(event), event["item"])

    def _close(self, key: Key, item: Event) -> Events:
        """End the item of `key`. `item` is the whole of it, or empty where the service never sent that."""
        opened = self._items.pop(key, None) or _Item()
        events = self._open(opened, item) if item else []
        if opened.kind == "function_call":
            events += _close_call(opened, item)
        elif opened.kind == "reasoning":
            if not opened.fragments and (told := _summary(item)):
                events.append(ReasoningDelta(told))
                opened.fragments.append(told)
            data = reasoning_data(self._reader, item)
            if data is not None or opened.fragments:
                events.append(ReasoningEnd(data))
        elif opened.kind == "message" and not opened.fragments:
            events += self._whole(item)
        return events

    def _whole(self, message: Event) -> Events:
        """The text of a message that came without deltas."""
        events: Events = []
        for part in message.get("content") or ():
            self._refused = self._refused or part["type"] == "refusal"
            if text := part.get("text") or part.get("refusal"):
                events.append(TextDelta(text))
        return events

    # --- their fragments -------------------------------------------------------------------------

    def _text(self, event: Event) -> Events:
        delta = _delta(event)
        opened = self._item(event)
        if not opened.fragments:
            opened.fragments.append("")  # enough to know that it was streamed
        return [TextDelta(delta)] if delta else []

    def _refusal(self, event: Event) -> Events:
        self._refused = True
        return self._text(event)

    def _thought(self, event: Event) -> Events:
        delta = _delta(event)
        opened = self._item(event)
        opened.kind = opened.kind or "reasoning"
        opened.fragments.append(delta)
        return [ReasoningDelta(delta)] if delta else []

    def _next_thought(self, event: Event) -> Events:
        if not self._item(event).fragments:
            return []
        return [ReasoningDelta("\n\n")]

    def _arguments(self, event: Event) -> Events:
        delta = _delta(event)
        if not delta:
            return []
        opened = self._item(event)
        opened.fragments.append(delta)
        return [ToolCallDelta(opened.slot, delta)] if opened.kind else []

    def _all_arguments(self, event: Event) -> Events:
        """The whole arguments: only news where none were streamed."""
        opened = self._item(event)
        return [] if opened.fragments else self._arguments({**event, "delta": event["arguments"]})


def _key(event: Event) -> Key:
    """The item's place in the answer; its id with servers that do not tell places (llama.cpp)."""
    place = event.get("output_index")
    if place is not None:
        return place
    item: Event = event.get("item") or {}
    return event.get("item_id") or item.get("id") or item.get("call_id") or ""


def _delta(event: Event) -> str:
    delta = event["delta"]
    if not isinstance(delta, str):
        raise TypeError(f"a delta is not text but {delta!r}")
    return delta


def _close_call(opened: _Item, item: Event) -> Events:
    streamed = "".join(opened.fragments)
    whole: str = item.get("arguments") or streamed
    events: Events = [] if streamed or not whole else [ToolCallDelta(opened.slot, whole)]
    return [*events, tool_call_end(opened.slot, opened.id, opened.name, whole)]


def _summary(item: Event) -> str:
    return "\n\n".join(part["text"] for part in item.get("summary") or ())


def _usage(usage: Event) -> Usage:
    """OpenAI's `input_tokens` takes the cache in already, and `output_tokens` the reasoning."""
    inputs: Event = usage.get("input_tokens_details") or {}
    outputs: Event = usage.get("output_tokens_details") or {}
    return Usage(
        input_total=usage.get("input_tokens") or 0,
        cache_read=inputs.get("cached_tokens") or 0,
        cache_write=inputs.get("cache_write_tokens") or 0,
        output_total=usage.get("output_tokens") or 0,
        reasoning=outputs.get("reasoning_tokens") or 0,
    )
