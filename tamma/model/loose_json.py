"""JSON as models write it: in a code fence, with words around it, with a comma too many."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import cast

_FENCE = re.compile(r"^[ \t]*```[ \t]*(?:json)?[ \t]*\r?\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
_OPENING = re.compile(r'\{\s*["}]')
_STRING_OR_EXTRA_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+")|,(?=\s*[}\]])', re.DOTALL)
_DECODER = json.JSONDecoder(strict=False)
"""Takes line breaks inside of strings: the commonest slip after the extra comma."""
_MOST_OPENINGS = 200
_MOST_REPAIRS = 4
"""Bounds on hopeless tries, so that a long answer of braces costs little."""


def find_objects(answer: str) -> Iterator[dict[str, object]]:
    """The JSON objects in the answer, outermost only: those in code fences first, then all in order."""
    fenced = _FENCE.findall(answer)
    bare = answer.lstrip().startswith("{")
    for text in (answer, *fenced) if bare else (*fenced, answer):
        yield from _scan(text)


def find_object(answer: str) -> dict[str, object] | None:
    """The first JSON object in the answer: bare, in a code fence, or with words around it."""
    return next(find_objects(answer), None)


def read_loose(text: str) -> object:
    """The JSON value that `text` is; commas too many and line breaks in strings pass. Raises ValueError."""
    text = text.strip()
    try:
        value, end = _decoded(text)
    except ValueError:
        text = _without_extra_commas(text)
        value, end = _decoded(text)
    if text[end:].strip():
        raise ValueError(f"more follows the value that ends at character {end}")
    return value


def _scan(text: str) -> Iterator[dict[str, object]]:
    at = repairs = 0
    for _ in range(_MOST_OPENINGS):
        opening = _OPENING.search(text, at)
        if opening is None:
            return
        at = opening.start()
        try:
            found, at = _decoded(text, at)
        except ValueError:
            repairs += 1
            if repairs > _MOST_REPAIRS:
                at += 1
                continue
            # From here on, so that a quotation mark among the words before does not count as a string's.
            rest = _without_extra_commas(text[at:])
            try:
                found, end = _decoded(rest)
            except ValueError:
                at += 1
                continue
            text, at = rest, end
        yield cast("dict[str, object]", found)


def _decoded(text: str, start: int = 0) -> tuple[object, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _without_extra_commas(text: str) -> str:
    return _STRING_OR_EXTRA_COMMA.sub(lambda found: found[1] or "", text)
