"""Keep the beginning and the end of an output of any size in bounded memory."""

from __future__ import annotations

import re

KEEP_CHARS = 5000
"""Characters kept at either end."""
_KEEP_BYTES = KEEP_CHARS * 4  # a character is at most four bytes of UTF-8

# Colours and cursor movements say nothing to a model and could talk to a person's terminal.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = {code: "�" for code in range(32) if chr(code) not in "\n\r\t"}


def clean(data: bytes) -> str:
    """Text of a command's bytes: invalid UTF-8 and control characters replaced, terminal escapes removed."""
    return _ESCAPES.sub("", data.decode("utf-8", "replace")).translate(_CONTROLS)


class HeadTail:
    """Collects bytes; memory is bounded by about 100 kB whatever comes."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def feed(self, data: bytes) -> None:
        self.total += len(data)
        room = _KEEP_BYTES - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if not data:
            return
        self._tail += data[-_KEEP_BYTES:]
        if len(self._tail) > 2 * _KEEP_BYTES:  # cut seldom: moving bytes for each chunk would cost
            del self._tail[:-_KEEP_BYTES]

    def text(self) -> tuple[str, int]:
        """The text kept and the number of bytes left out (approximate by the replaced ones)."""
        if self.total <= 2 * _KEEP_BYTES:
            whole = clean(bytes(self._head + self._tail))
            if len(whole) <= 2 * KEEP_CHARS:
                return whole, 0
            head, tail = whole[:KEEP_CHARS], whole[-KEEP_CHARS:]
        else:
            head = clean(bytes(self._head))[:KEEP_CHARS]
            tail = clean(bytes(self._tail[-_KEEP_BYTES:]))[-KEEP_CHARS:]
        left_out = max(1, self.total - len(head.encode()) - len(tail.encode()))
        return f"{head}\n[... {left_out} bytes left out ...]\n{tail}", left_out
