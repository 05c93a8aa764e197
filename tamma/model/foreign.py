"""Text that models, commands and repositories made: it may lack what other code takes for granted."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from typing import TypeVar, cast

from tamma.model.conversation import Part

PartT = TypeVar("PartT", bound=Part)
SURROGATE = re.compile("[\ud800-\udfff]")


def mend_text(text: str) -> str:
    """Text that UTF-8 can hold: halves of a surrogate pair are joined, lone ones become U+FFFD.

    Models and commands do emit them, and an answer that was paid for is not thrown away for it.
    """
    if not SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


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
    """The JSON in `text`. Raises ValueError, also for brackets nested deeper than Python's stack."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
