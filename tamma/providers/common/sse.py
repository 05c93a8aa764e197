"""Server-sent events from bytes, as they come off the wire.

Works on bytes, so a character or a line may be cut anywhere between two chunks. Follows the WHATWG
event-stream grammar (LF, CRLF or CR; comments; several `data` lines), except that `id` and `retry` are
ignored and that `flush` also gives an event whose closing blank line never came: some servers end that way.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_EVENT_BYTES = 32 * 1024 * 1024
"""More than any model answers in one event; a server that never ends a line must not eat the memory."""

_BOM = b"\xef\xbb\xbf"
_PLAIN = re.compile(rb"(?:event: ([^\r\n]*)\n)?data: ([^\r\n]*)\n\n")
"""An event of a single line of data, with or without a name."""


class ServerSentEvent(NamedTuple):
    event: str
    """The `event:` field, empty where there is none."""
    data: str


class SSEDecoder:
    """Feed it chunks; it gives back the events that became complete. One instance per stream."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._line: list[bytes] = []  # the parts of a line that has not ended yet
        self._pending = 0  # bytes held back, in the open line and in the open event
        self._event = ""
        self._data: list[bytes] = []
        self._skip_lf = False  # the last chunk ended with CR: an LF that follows belongs to it
        self._at_start = True

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes. Raises ValueError for one that is too large or not UTF-8."""
        if not chunk:
            return []
        if not (self._line or self._data or self._event) and (plain := self._plain(chunk)):
            return plain
        chunk = self._normalised(chunk)
        if b"\n" not in chunk:
            self._line.append(chunk)
            self._grow(len(chunk))
            return []
        self._line.append(chunk)
        lines = b"".join(self._line).split(b"\n")
        rest = lines.pop()
        self._line = [rest] if rest else []
        events: list[ServerSentEvent] = []
        for line in lines:
            event = self._take(line)
            if event is not None:
                events.append(event)
        self._pending = sum(map(len, self._data)) if self._data else 0
        self._grow(len(rest))
        return events

    def flush(self) -> list[ServerSentEvent]:
        """At the end of the stream: the event whose closing blank line is missing, if there is one."""
        line, self._line = b"".join(self._line), []
        first = self._take(line) if line else None
        last = self._take(b"")
        return [event for event in (first, last) if event is not None]

    def _plain(self, chunk: bytes) -> list[ServerSentEvent] | None:
        """The events of a chunk that holds nothing but whole `_PLAIN` ones, as nearly all do; else None."""
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n")
        events: list[ServerSentEvent] = []
        at, end = 0, len(chunk)
        if end > self._max:
            return None
        while at < end:
            found = _PLAIN.match(chunk, at)
            if found is None:
                return None
            name, data = found.groups()
            events.append(ServerSentEvent(name.decode() if name else "", data.decode()))
            at = found.end()
        self._at_start = self._skip_lf = False
        return events

    def _normalised(self, chunk: bytes) -> bytes:
        if self._at_start:
            # A byte order mark that is itself cut in two is not worth a state of its own.
            self._at_start = False
            chunk = chunk.removeprefix(_BOM)
        if self._skip_lf and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._skip_lf = False
            if not chunk:
                return chunk
        self._skip_lf = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _take(self, line: bytes) -> ServerSentEvent | None:
        """One whole line; the empty one closes an event."""
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            return None
        if not line:
            data, event = self._data, self._event
            self._event = ""
            if not data:
                return None
            self._data = []
            return ServerSentEvent(event, (data[0] if len(data) == 1 else b"\n".join(data)).decode())
        if line.startswith(b"event:"):
            self._event = line[6:].decode().removeprefix(" ")
        elif line == b"data":
            self._data.append(b"")
        return None

    def _grow(self, by: int) -> None:
        self._pending += by
        if self._pending > self._max:
            raise ValueError(f"a server-sent event is larger than {self._max} bytes")
