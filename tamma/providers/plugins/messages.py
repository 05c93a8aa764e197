"""What is said between a plugin's process and ours: typed messages, and their form on the pipe.

A frame is four bytes of length (big-endian), then `CALL TYPE\\n`, then the message of that type as JSON.
`CALL` is the number that a call and its answers share. We say `Load` once, then any of `CALLS`, many at a
time, and `Cancel` with a call's number. Each call is answered by the message that it names, a `Request` by
`Capabilities` and stream events, and every call is ended by exactly one `Done` or `Failure`.
"""

from __future__ import annotations

import json
from asyncio import IncompleteReadError, StreamReader
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from tamma.model.conversation import (
    Capabilities,
    Finish,
    ModelInfo,
    ProviderCheck,
    ReasoningDelta,
    ReasoningEnd,
    Request,
    Start,
    TextDelta,
    TokenCount,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageUpdate,
)
from tamma.model.foreign import mend_text
from tamma.providers.interface import ProviderSettings

MAX_FRAME = 32 << 20
"""Bytes. A request with several images takes some 10 MB."""


# --- to the plugin ---


@dataclass(frozen=True, slots=True)
class Load:
    """Import the plugin. Answered by `Loaded`."""

    name: str
    target: str


@dataclass(frozen=True, slots=True)
class Validate:
    """Answered by `Problems`."""

    settings: ProviderSettings


@dataclass(frozen=True, slots=True)
class Open:
    """Make the provider and start it. Answered by the `Capabilities` of its default model."""

    settings: ProviderSettings


@dataclass(frozen=True, slots=True)
class Count:
    """Answered by `TokenCount`."""

    request: Request


@dataclass(frozen=True, slots=True)
class ListModels:
    """Answered by `Models`."""


@dataclass(frozen=True, slots=True)
class Check:
    """Answered by `ProviderCheck`."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the call of this number."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the provider and leave. Not answered."""


# --- from the plugin ---


@dataclass(frozen=True, slots=True)
class Loaded:
    version: str


@dataclass(frozen=True, slots=True)
class Problems:
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Models:
    models: tuple[ModelInfo, ...]


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
    model: str = ""
    request_id: str | None = None
    traceback: str = ""


CALLS = (Load, Validate, Open, Request, Count, ListModels, Check, Cancel, Close)
EVENTS = (
    Start,
    TextDelta,
    ReasoningDelta,
    ReasoningEnd,
    ToolCallStart,
    ToolCallDelta,
    ToolCallEnd,
    UsageUpdate,
    Finish,
)
ANSWERS = (*EVENTS, Loaded, Problems, Capabilities, TokenCount, Models, ProviderCheck, Done, Failure)
_FINAL = (Done.__name__, Failure.__name__)
_BY_NAME = {kind.__name__: kind for kind in (*CALLS, *ANSWERS)}


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

    def message(self) -> Any:
        """Raises ValueError for anything but the message that it says it is."""
        kind = _BY_NAME.get(self.type)
        if kind is None:
            raise ValueError(f"{self.type!r} is no message")
        return _adapter(kind).validate_json(self.body)


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
    adapter = _adapter(type(message))
    try:
        return adapter.dump_json(message)
    except PydanticSerializationError:  # models emit halves of characters, which JSON cannot hold
        text = json.dumps(adapter.dump_python(message), ensure_ascii=False, default=str)
        return mend_text(text).encode()


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
