"""OpenCode's server events to ours. No I/O: feed it events, it gives back `StreamEvent`s.

One request is one model call: the answer is over with the first assistant message that is complete, since
OpenCode as an agent would go on. The event stream carries all sessions; those of others are passed over.

Events are written out late: the one that a message begins may show it complete already, before its text was
told. So an answer is over when its message is complete and its step has ended, whichever is told last.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tamma.errors import StreamInterrupted
from tamma.model.conversation import (
    FinishReason,
    ReasoningDelta,
    Start,
    StreamEvent,
    TextDelta,
    Usage,
    UsageUpdate,
)
from tamma.providers.common import tokens
from tamma.providers.common.errors import CallContext
from tamma.providers.opencode.errors import retrying, to_error

_FINISH = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content-filter": FinishReason.CONTENT_FILTER,
}
_DELTAS = {"text": TextDelta, "reasoning": ReasoningDelta}


class OpenCodeStream:
    """One answer in session `session_id`. `done` says that it is complete."""

    def __init__(self, session_id: str, model: str, context: CallContext, input_estimate: int) -> None:
        self._session = session_id
        self._context = context
        self._input_estimate = input_estimate
        self._message: str | None = None
        self._parts: dict[str, str] = {}  # kind by id, of those that say something
        self._said: dict[str, str] = {}
        self._usage: Usage | None = None
        self._written = 0
        self._complete = self._step_ended = False
        self.started = False
        self.served_model = model
        self.native_reason: str | None = None
        self.charged: Decimal | None = None
        """US dollars by OpenCode's own price list; None where it has no price."""
        self.done = False

    def feed(self, event: dict[str, Any]) -> list[StreamEvent]:
        """Our events for one of theirs; kinds we do not know are passed over. Raises ProviderError."""
        given: dict[str, Any] = event.get("properties") or {}
        if given.get("sessionID") != self._session or self.done:
            return []
        events: list[StreamEvent] = []
        match event.get("type"):
            case "message.part.delta":
                self._delta(given, events)
            case "message.part.updated":
                self._part(given["part"], events)
            case "message.updated":
                self._info(given["info"], events)
            case "session.error":
                raise to_error(given.get("error") or {}, self._context, streaming=self.started)
            case "session.status" if given["status"]["type"] == "retry":
                raise retrying(str(given["status"].get("message") or ""), self._context)
            case "session.idle":
                if self._complete:
                    self._end(events)
                    return events
                raise self._context.error(StreamInterrupted, "OpenCode stopped without an answer")
            case _:
                pass
        return events

    @property
    def reason(self) -> FinishReason:
        return _FINISH.get(self.native_reason or "", FinishReason.UNKNOWN)

    @property
    def usage(self) -> Usage:
        """What OpenCode counted, or else an estimate."""
        return self._usage or tokens.estimated_usage(self._input_estimate, self._written)

    def _begin(self, events: list[StreamEvent]) -> None:
        if not self.started:
            self.started = True
            events.append(Start(self.served_model, self._message))

    def _delta(self, given: dict[str, Any], events: list[StreamEvent]) -> None:
        if given["field"] == "text":
            self._say(given["partID"], given["delta"], events)

    def _part(self, part: dict[str, Any], events: list[StreamEvent]) -> None:
        """A part begins, or is whole: then what its deltas did not say is said now."""
        if part["messageID"] != self._message:
            return
        if part["type"] == "step-finish":
            self._step_ended = True
            self._end_if_over(events)
        if part["type"] not in _DELTAS:
            return
        self._parts[part["id"]] = part["type"]
        said, whole = self._said.get(part["id"], ""), part["text"]
        if whole.startswith(said):
            self._say(part["id"], whole[len(said) :], events)

    def _say(self, part_id: str, text: str, events: list[StreamEvent]) -> None:
        kind = self._parts.get(part_id)
        if kind is None or not text:
            return
        self._said[part_id] = self._said.get(part_id, "") + text
        self._written += len(text.encode(errors="replace"))
        self._begin(events)
        events.append(_DELTAS[kind](text))

    def _info(self, info: dict[str, Any], events: list[StreamEvent]) -> None:
        if info["role"] != "assistant" or self._message not in (None, info["id"]):
            return
        self._message = info["id"]
        self.served_model = f"{info['providerID']}/{info['modelID']}"
        if info.get("error"):
            raise to_error(info["error"], self._context, streaming=self.started)
        if not info["time"].get("completed"):
            return
        self.native_reason = info.get("finish")
        if self.native_reason in (None, "unknown", "other", "error"):
            raise self._context.error(
                StreamInterrupted, f"the model's stream ended without its reason ({self.native_reason})"
            )
        self._count(info)
        self._complete = True
        self._end_if_over(events)

    def _end_if_over(self, events: list[StreamEvent]) -> None:
        if self._complete and self._step_ended:
            self._end(events)

    def _end(self, events: list[StreamEvent]) -> None:
        self._begin(events)
        events.append(UsageUpdate(self.usage))
        self.done = True

    def _count(self, info: dict[str, Any]) -> None:
        """OpenCode's `input` leaves the cache out and its `output` the reasoning; ours take them in."""
        counts = info["tokens"]
        read, written = int(counts["cache"]["read"]), int(counts["cache"]["write"])
        inputs, outputs = int(counts["input"]) + read + written, int(counts["output"] + counts["reasoning"])
        if inputs or outputs:
            self._usage = Usage(inputs, read, written, outputs, int(counts["reasoning"]))
        # 0 is what an unpriced model costs there, and a free one: neither is a price.
        self.charged = Decimal(str(info["cost"])) if info.get("cost") else None
