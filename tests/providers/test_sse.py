"""Our own event-stream parser: any cut anywhere gives the same events."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.providers.common.sse import ServerSentEvent, SSEDecoder

LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12)
EVENTS = st.lists(st.tuples(LINE, st.lists(LINE, min_size=1, max_size=3)), max_size=6)
PLAIN = st.lists(st.tuples(LINE, LINE), max_size=6)


def decode(chunks: list[bytes]) -> list[ServerSentEvent]:
    decoder = SSEDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.flush()


def cut(raw: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(raw) + 1) for place in cuts), len(raw)]
    return [raw[start:end] for start, end in pairwise(places)]


@given(EVENTS, st.lists(st.integers(0, 10_000), max_size=12), st.sampled_from(["\n", "\r\n", "\r"]))
def test_the_cuts_do_not_matter(events: list[tuple[str, list[str]]], cuts: list[int], newline: str) -> None:
    raw = "".join(
        f"event: {name}{newline}: comment{newline}"
        + "".join(f"data: {line}{newline}" for line in lines)
        + newline
        for name, lines in events
    ).encode()
    expected = [ServerSentEvent(name, "\n".join(lines)) for name, lines in events]
    assert decode(cut(raw, cuts)) == expected
    assert decode([bytes([byte]) for byte in raw]) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"data: x\n\n", [("", "x")]),
        (b"data:x\n\n", [("", "x")]),
        (b"data:  x\n\n", [("", " x")]),
        (b"data\n\n", [("", "")]),
        (b"\xef\xbb\xbfdata: x\n\n", [("", "x")]),
        (b"id: 1\nretry: 5\nother: y\ndata: x\n\n", [("", "x")]),
        (b"event: a\n\ndata: x\n\n", [("", "x")]),
        (b"data: x", [("", "x")]),
        (b"data: x\n", [("", "x")]),
        (b"\n\n: nothing\n\n", []),
        (b"", []),
        (b"data: x\r\n\r\ndata: y\r\n\r\n", [("", "x"), ("", "y")]),
        (b"event: a\ndata: x\n\ndata: y\n\n", [("a", "x"), ("", "y")]),
        (b"event: \ndata: x\n\n", [("", "x")]),
        (b"data: x\n\nevent: a\ndata: y\ndata: z\n\n", [("", "x"), ("a", "y\nz")]),
        (b"data: x\n\n: comment\n\ndata: y\n\n", [("", "x"), ("", "y")]),
        (b"data: x\ry\n\n", [("", "x")]),
    ],
)
def test_the_grammar(raw: bytes, expected: list[tuple[str, str]]) -> None:
    assert decode([raw]) == [ServerSentEvent(*event) for event in expected]


def test_an_event_is_given_at_once_even_with_bare_carriage_returns() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: x\r\r") == [ServerSentEvent("", "x")]
    assert decoder.feed(b"\ndata: y\r\n\r") == [ServerSentEvent("", "y")]
    assert decoder.flush() == []


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 60, b"data: xxxxxxxxx\n"])
def test_an_event_without_end_is_refused(piece: bytes) -> None:
    decoder = SSEDecoder(max_event_bytes=200)

    def feed_forever() -> None:
        for _ in range(100):
            decoder.feed(piece)

    with pytest.raises(ValueError, match="larger than 200 bytes"):
        feed_forever()


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        SSEDecoder().feed(b"data: \xff\n\n")


@given(PLAIN, st.lists(st.integers(0, 10_000), max_size=4))
def test_the_common_forms_are_read_like_any_other(events: list[tuple[str, str]], cuts: list[int]) -> None:
    raw = "".join(
        f"event: {name}\ndata: {line}\n\n" if name else f"data: {line}\n\n" for name, line in events
    ).encode()
    expected = [ServerSentEvent(name, line) for name, line in events]
    assert decode([raw]) == expected
    assert decode(cut(raw, cuts)) == expected
    assert decode([raw.replace(b"\n", b"\r\n")]) == expected
