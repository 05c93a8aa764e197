"""What is said between a plugin's process and ours: typed messages, and their form on the pipe.

A frame is four bytes of length (big-endian), then `CALL TYPE\\n`, then the message of that type as JSON.
`CALL` is the number that a call and its answers share. We say `Load` once, then any calls of the kind's own
vocabulary, many at a time, and `Cancel` with a call's number. Each call is answered as its vocabulary says,
and every call is ended by exactly one `Done` or `Failure`.
"""

from __future__ import annotations

import json
from asyncio import IncompleteReadError, StreamReader
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from tamma.model.foreign import mend_text

MAX_FRAME = 32 << 20
"""Bytes. A request with several images takes some 10 MB."""

Vocabulary = Mapping[str, type]
"""The messages that one kind of adapter knows, by the names of their classes."""


# --- to the plugin ---


@dataclass(frozen=True, slots=True)
class Load:
    """Import the plugin. Answered by `Loaded`."""

    name: str
    target: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the call of this number."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the adapter and leave. Not answered."""


# --- from the plugin ---


@dataclass(frozen=True, slots=True)
class Loaded:
    version: str


@dataclass(frozen=True, slots=True)
class Problems:
    """What is wrong with a configuration entry."""

    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a call that did not fail, or that was cancelled."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What was raised: a class of `tamma.errors`, or another's name together with its traceback."""

    type: str
    message: str
    hint: str | None = None
    retry_after: float | None = None
    details: Mapping[str, str | int | None] = field(default_factory=dict[str, "str | int | None"])
    """Attributes that errors of the kind have besides, by name."""
    traceback: str = ""


_FINAL = (Done.__name__, Failure.__name__)


def vocabulary(*kinds: type) -> Vocabulary:
    """`kinds`, and what is said with every kind of adapter."""
    common = (Load, Cancel, Close, Loaded, Problems, Done, Failure)
    return {kind.__name__: kind for kind in (*common, *kinds)}


@dataclass(frozen=True, slots=True)
class Frame:
    """A message as it came, not understood yet: only its number is known to be one."""

    call: int
    type: str
    body: bytes

    @property
    def final(self) -> bool:
        """Whether it ends its call."""
        return self.type in _FINAL

    def message(self, known: Vocabulary) -> Any:
        """Raises ValueError for anything but the message that it says it is."""
        kind = known.get(self.type)
        if kind is None:
            raise ValueError(f"{self.type!r} is no message")
        return adapter_of(kind).validate_json(self.body)


def encode(call: int, message: object) -> bytes:
    """The frame. Raises ValueError for one that is too long, and PydanticSerializationError."""
    data = b"%d %s\n%s" % (call, type(message).__name__.encode(), _json(message))
    if len(data) > MAX_FRAME:
        raise ValueError(f"a message of {len(data)} bytes; {MAX_FRAME} are the most")
    return len(data).to_bytes(4) + data


async def read(reader: StreamReader) -> Frame | None:
    """The next frame; None at the end. Raises ValueError for what is none."""
    try:
        length = int.from_bytes(await reader.readexactly(4))
        if length > MAX_FRAME:
            raise ValueError(f"a message of {length} bytes is announced; {MAX_FRAME} are the most")
        data = await reader.readexactly(length)
    except IncompleteReadError:
        return None
    head, _, body = data.partition(b"\n")
    call, _, kind = head.partition(b" ")
    return Frame(int(call), kind.decode(), body)


def _json(message: object) -> bytes:
    adapter = adapter_of(type(message))
    try:
        return adapter.dump_json(message)
    except PydanticSerializationError:  # models emit halves of characters, which JSON cannot hold
        text = json.dumps(adapter.dump_python(message, mode="json"), ensure_ascii=False, default=str)
        return mend_text(text).encode()


@cache
def adapter_of(kind: type) -> TypeAdapter[Any]:
    """Reads and writes messages of a class."""
    return TypeAdapter(kind)
