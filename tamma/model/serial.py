"""Conversation data to JSON and back, for the transcript store.

The JSON is the storage format: fields may be added with defaults, never renamed or removed.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import TypeAdapter

from tamma.model.conversation import Message, Part, Role


@cache
def _parts() -> TypeAdapter[tuple[Part, ...]]:
    from pydantic import TypeAdapter

    # `kind` is a Literal on every part, so pydantic's smart union picks the one that fits.
    return TypeAdapter(tuple[Part, ...])


def parts_to_json(parts: tuple[Part, ...]) -> str:
    """The parts as compact JSON; None fields are left out."""
    return _parts().dump_json(parts, exclude_none=True).decode()


def parts_from_json(text: str | bytes) -> tuple[Part, ...]:
    """The inverse of `parts_to_json`. Raises pydantic's ValidationError on anything else."""
    return _parts().validate_json(text)


def message_from_json(role: str, parts_json: str | bytes) -> Message:
    """A message from a transcript's row."""
    return Message(Role(role), parts_from_json(parts_json))
