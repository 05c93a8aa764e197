"""Ollama's NDJSON to our events. No I/O: feed it bytes and parsed chunks.

Source of the shapes: ollama `api/types.go` (`ChatResponse`, `Metrics`) and `server/routes.go`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
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
from tamma.providers.common.sse import MAX_EVENT_BYTES
from tamma.providers.interface import tool_call_end
from tamma.providers.local.facts import positive

Chunk = Mapping[str, Any]

_FINISH: Mapping[str, FinishReason] = {
    "": FinishReason.STOP,  # servers from before there was a reason
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
}
NO_ANSWER = frozenset({"load", "unload"})
"""The model was moved in or out of memory, and nothing was generated."""


class Lines:
    """Puts lines together from chunks that may be cut anywhere. One instance per stream."""

    def __init__(self, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_bytes
        self._rest: list[bytes] = []
        self._held = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without empty ones. Raises ValueError for one without end."""
        *whole, rest = chunk.split(b"\n")
        if whole:
            whole[0] = b"".join([*self._rest, whole[0]])
            self._rest, self._held = [], 0
        if rest:
            self._rest.append(rest)
            self._held += len(rest)
            if self._held > self._max:
                raise ValueError(f"a line is larger than {self._max} bytes")
        return [line for line in whole if line.strip()]

    def flush(self) -> list[bytes]:
        """At the end of the stream: the line whose end is missing, if there is one."""
        rest, self._rest, self._held = b"".join(self._rest), [], 0
        return [rest] if rest.strip() else []


class OllamaStream:
    """One answer. `done` says that its last chunk came; without it the answer is no answer."""

    def __init__(self, model: str, input_estimate: int) -> None:
        self._input_estimate = input_estimate
        self._started = False
        self._calls = 0
        self._written_bytes = 0
        self._ids: set[str] = set()
        self.served_model = model
        self.done = False
        self.native_reason: str | None = None
        self.request_id: str | None = None  # the protocol has none
        self.usage = Usage()

    @property
    def reason(self) -> FinishReason:
        found = _FINISH.get(self.native_reason or "", FinishReason.UNKNOWN)
        # A tool call ends with `stop`, too.
        return FinishReason.TOOL_CALLS if found is FinishReason.STOP and self._calls else found

    def feed(self, chunk: Chunk) -> list[StreamEvent]:
        """Our events for one chunk."""
        events: list[StreamEvent] = []
        if not self._started:
            self._started = True
            self.served_model = chunk.get("model") or self.served_model
            events.append(Start(self.served_model))
        message: Chunk = chunk.get("message") or {}
        if thinking := message.get("thinking"):
            self._written_bytes += len(thinking.encode(errors="replace"))
            events.append(ReasoningDelta(thinking))
        if text := message.get("content"):
            self._written_bytes += len(text.encode(errors="replace"))
            events.append(TextDelta(text))
        for call in message.get("tool_calls") or ():
            events += self._call(call)
        if chunk.get("done"):
            self.done = True
            reason = chunk.get("done_reason")
            self.native_reason = None if reason is None else str(reason)
            self.usage = self._counted(chunk)
            events.append(UsageUpdate(self.usage))
        return events

    def _call(self, call: Chunk) -> list[StreamEvent]:
        """A call arrives whole, its arguments parsed; older servers give it no id."""
        function: Chunk = call["function"]
        name: str = function["name"]
        parsed: object = function.get("arguments") or {}
        # Merely compatible servers send text.
        arguments = parsed if isinstance(parsed, str) else json.dumps(parsed, ensure_ascii=False)
        given = call.get("id")
        call_id = given if given and given not in self._ids else f"call_{uuid.uuid4().hex[:16]}"
        self._ids.add(call_id)
        index, self._calls = self._calls, self._calls + 1
        self._written_bytes += len((name + arguments).encode(errors="replace"))
        return [
            ToolCallStart(index, call_id, name),
            ToolCallDelta(index, arguments),
            tool_call_end(index, call_id, name, arguments),
        ]

    def _counted(self, chunk: Chunk) -> Usage:
        """The server's counts. It leaves out a 0, and the prompt's where all of it was in its cache."""
        given = positive(chunk.get("prompt_eval_count"))
        written = positive(chunk.get("eval_count"))
        return Usage(
            input_total=given or self._input_estimate,
            output_total=written or tokens.from_bytes(self._written_bytes),
            estimated=given is None or (written is None and self._written_bytes > 0),
        )
