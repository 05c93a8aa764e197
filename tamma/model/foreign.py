"""Text that models, commands and repositories made: it may lack what other code takes for granted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import TypeVar, cast

from tamma.model.conversation import Part

PartT = TypeVar("PartT", bound=Part)
LONGEST_LABEL = 200
DEEPEST = 100
"""Levels of JSON. What is deeper can be read, but not everything that it is handed to can write it again:
vendors' serializers stop at 255, and a conversation that holds such a call could never go on."""
_TOO_DEEP = "it is nested too deeply"
SURROGATE = re.compile("[\ud800-\udfff]")


def mend_text(text: str) -> str:
    """Text that UTF-8 can hold: halves of a surrogate pair are joined, lone ones become U+FFFD.

    Models and commands do emit them, and an answer that was paid for is not thrown away for it.
    """
    if not SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def label(value: object) -> str:
    """A name that a service gave, short and such that a database can hold it."""
    return mend_text(str(value)).replace("\x00", "\ufffd")[:LONGEST_LABEL]


def mend_part(part: PartT) -> PartT:
    """The same part with `mend_text` done to its texts."""
    texts = {field.name: getattr(part, field.name) for field in fields(part)}
    return replace(part, **{name: mend_text(text) for name, text in texts.items() if isinstance(text, str)})


def mended(value: object) -> object:
    """JSON data with `mend_text` done to every string in it."""
    if isinstance(value, str):
        return mend_text(value)
    if isinstance(value, dict):
        return {mended(key): mended(item) for key, item in cast("dict[object, object]", value).items()}
    if isinstance(value, list):
        return [mended(item) for item in cast("list[object]", value)]
    return value


def read_json(text: str) -> object:
    """The JSON in `text`. Raises ValueError, also where it is nested deeper than `DEEPEST`."""
    try:
        value: object = json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if text.count("{") + text.count("[") > DEEPEST and _deeper_than(value, DEEPEST):
        raise ValueError(_TOO_DEEP)
    return value


def _deeper_than(value: object, levels: int) -> bool:
    """Whether containers stand in each other on more than so many levels. Does not recurse."""
    level = [value]
    for _ in range(levels + 1):
        level = [inner for outer in level for inner in _held(outer)]
        if not level:
            return False
    return True


def _held(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()
