"""Shortens a Markdown text to what a platform takes, so that what is left still reads well. Pure."""

from __future__ import annotations

from typing import Literal

from tamma.platforms.common.markdown import closing
from tamma.platforms.common.marks import ending_in, split_mark

Unit = Literal["characters", "bytes", "utf16"]
"""What a limit counts: code points, bytes of UTF-8, or UTF-16 code units (services on Java and .NET)."""

_NOTICE = "*Shortened, because the text is longer than this platform takes.*"
_LINES_LOST, _WORDS_LOST = 500, 80
"""Characters that are given up at most to end at the end of a line, or else of a word."""


def fit(text: str, limit: int, *, mark: str = "", link: str = "", unit: Unit = "characters") -> str:
    """`text`, shortened where it is longer than `limit`, ending in `mark` (else in the mark it has).

    A shortened text says so in its last paragraph and names `link`, where the whole of it is. A code block
    or fold that is cut is closed. Fitting again changes nothing. Raises ValueError for a limit that is
    shorter than the mark.
    """
    body, own = split_mark(text)
    end = mark or own
    whole = ending_in(text, mark) if mark else text
    if measure(whole, unit) <= limit:
        return whole
    for notice in (f"{_NOTICE} The whole of it: {link}" if link else _NOTICE, _NOTICE, "…"):
        tail = f"\n\n{notice}\n\n{end}" if end else f"\n\n{notice}"
        room = limit - measure(tail, unit)
        if room >= limit // 2:
            return _shortened(body, room, unit) + tail
    if measure(end, unit) > limit:
        raise ValueError(f"a limit of {limit} {unit} has no room for the mark {end!r}")
    room = limit - measure(f"\n\n{end}" if end else "", unit)
    head = _shortened(body, room, unit) if room > 0 else ""
    return f"{head}\n\n{end}" if head and end else head or end


def measure(text: str, unit: Unit = "characters") -> int:
    """The length of `text` as a service counts it."""
    if unit == "characters":
        return len(text)
    if unit == "bytes":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _shortened(body: str, room: int, unit: Unit) -> str:
    """The beginning of `body` with what it leaves open closed, in `room`."""
    space = room
    while True:
        head = _cut(body, space, unit)
        closed = head + closing(head)
        over = measure(closed, unit) - room
        if over <= 0:
            return closed
        space -= over


def _cut(body: str, space: int, unit: Unit) -> str:
    """At most `space` of `body`, whole characters, to the end of a line or word where one is near."""
    head = _prefix(body, space, unit)
    if len(head) < len(body):
        for separator, most in (("\n", _LINES_LOST), (" ", _WORDS_LOST)):
            at = head.rfind(separator)
            if at > 0 and len(head) - at <= min(most, len(head) // 2):
                head = head[:at]
                break
    return head.rstrip()


def _prefix(body: str, space: int, unit: Unit) -> str:
    if space <= 0:
        return ""
    if unit == "characters":
        return body[:space]
    code, width = ("utf-8", 1) if unit == "bytes" else ("utf-16-le", 2)
    return body.encode(code, "surrogatepass")[: space * width].decode(code, "ignore")
