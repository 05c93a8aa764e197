"""Gemini's stream of `GenerateContentResponse`s to our events. No I/O: feed it parsed chunks."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
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
from tamma.providers.common import tokens
from tamma.providers.gemini.messages import Signed, signature_data
from tamma.providers.interface import tool_call_end

Chunk = Mapping[str, Any]

FINISH: Mapping[str, FinishReason] = {
    "STOP": FinishReason.STOP,
    "FUNCTION_CALL": FinishReason.TOOL_CALLS,  # servers that imitate the API
    "MAX_TOKENS": FinishReason.LENGTH,
    # More than a single request may write. It could go on with a token, at the price of another call.
    "CONTINUATION": FinishReason.LENGTH,
    "SAFETY": FinishReason.CONTENT_FILTER,
    "RECITATION": FinishReason.CONTENT_FILTER,
    "LANGUAGE": FinishReason.CONTENT_FILTER,
    "BLOCKLIST": FinishReason.CONTENT_FILTER,
    "PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "SPII": FinishReason.CONTENT_FILTER,
    "ESCALATION": FinishReason.CONTENT_FILTER,
    "MODEL_ARMOR": FinishReason.CONTENT_FILTER,
    "PUP_LIMITED_DISABLED": FinishReason.CONTENT_FILTER,
    "IMAGE_SAFETY": FinishReason.CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "IMAGE_RECITATION": FinishReason.CONTENT_FILTER,
    # What the model wrote cannot be used: broken or unexpected calls among them. The agent asks it again.
    "MALFORMED_FUNCTION_CALL": FinishReason.UNKNOWN,
    "UNEXPECTED_TOOL_CALL": FinishReason.UNKNOWN,
    "TOO_MANY_TOOL_CALLS": FinishReason.UNKNOWN,
    "MALFORMED_RESPONSE": FinishReason.UNKNOWN,
    "MISSING_THOUGHT_SIGNATURE": FinishReason.UNKNOWN,
    "OTHER": FinishReason.UNKNOWN,
}


class GeminiStream:
    """One answer. `done` says that a finish reason came; without it the answer is no answer."""

    def __init__(self, model: str, input_estimate: int) -> None:
        self._asked_model = model
        self._input_estimate = input_estimate
        self._started = False
        self._blocked = False
        self._ids: list[str] = []  # of the calls so far
        self._written_bytes = 0
        self._counts: Chunk | None = None
        self.served_model = model
        self.request_id: str | None = None
        self.native_reason: str | None = None

    @property
    def done(self) -> bool:
        return self.native_reason is not None

    def feed(self, chunk: Chunk) -> list[StreamEvent]:
        """Our events for one chunk of theirs. Raises what a field of another type leads to."""
        events: list[StreamEvent] = []
        if not self._started:
            self._started = True
            self.served_model = chunk.get("modelVersion") or self._asked_model
            self.request_id = chunk.get("responseId")
            events.append(Start(self.served_model, self.request_id))
        self._counts = chunk.get("usageMetadata") or self._counts
        candidates = chunk.get("candidates")
        if candidates:
            candidate: Chunk = candidates[0]
            content: Chunk = candidate.get("content") or {}
            for part in content.get("parts") or ():
                self._part(part, events)
            if reason := candidate.get("finishReason"):
                self.native_reason = str(reason)
        feedback: Chunk = chunk.get("promptFeedback") or {}
        if blocked := feedback.get("blockReason"):
            self._blocked = True
            self.native_reason = str(blocked)
        if self.done:
            events.append(UsageUpdate(self.usage))
        return events

    @property
    def reason(self) -> FinishReason:
        if self._blocked:
            return FinishReason.CONTENT_FILTER
        found = FINISH.get(self.native_reason or "", FinishReason.UNKNOWN)
        # The service has no word for it: a call ends with STOP too.
        return FinishReason.TOOL_CALLS if found is FinishReason.STOP and self._ids else found

    @property
    def usage(self) -> Usage:
        """What the service counted, or else an estimate. Their prompt takes the cache in, their candidates
        leave the thoughts out."""
        counts = self._counts
        if counts is None:
            return tokens.estimated_usage(self._input_estimate, self._written_bytes)
        thoughts = counts.get("thoughtsTokenCount") or 0
        return Usage(
            input_total=(counts.get("promptTokenCount") or 0) + (counts.get("toolUsePromptTokenCount") or 0),
            cache_read=counts.get("cachedContentTokenCount") or 0,
            output_total=(counts.get("candidatesTokenCount") or 0) + thoughts,
            reasoning=thoughts,
        )

    def _part(self, part: Chunk, events: list[StreamEvent]) -> None:
        signature: str | None = part.get("thoughtSignature")
        call: Chunk | None = part.get("functionCall")
        if call is not None:
            if signature:
                events.append(self._signed("call", signature))
            self._call(call, events)
            return
        thought = part.get("thought") is True
        text: str = part.get("text") or ""
        if text:
            self._written_bytes += len(text.encode(errors="replace"))
            events.append(ReasoningDelta(text) if thought else TextDelta(text))
        if signature:
            events.append(self._signed("thought" if thought else "text", signature))

    def _call(self, call: Chunk, events: list[StreamEvent]) -> None:
        """A call arrives whole. Older models give it no id."""
        index, call_id = len(self._ids), str(call.get("id") or "")
        if not call_id or call_id in self._ids:
            call_id = f"call_{uuid.uuid4().hex[:16]}"
        self._ids.append(call_id)
        name = str(call.get("name") or "")
        args_json = json.dumps(call.get("args") or {}, ensure_ascii=False)
        self._written_bytes += len(name) + len(args_json.encode(errors="replace"))
        events += (
            ToolCallStart(index, call_id, name),
            ToolCallDelta(index, args_json),
            tool_call_end(index, call_id, name, args_json),
        )

    def _signed(self, on: Signed, signature: str) -> ReasoningEnd:
        return ReasoningEnd(signature_data(self._asked_model, on, signature))
