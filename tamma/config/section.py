"""What every part of the configuration's schema is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

Seconds = Annotated[float, Field(gt=0)]
Name = Annotated[str, Field(min_length=1, pattern=r"^[^\s\[\]]+$")]
JsonObject = dict[str, JsonValue]


def listed(given: object) -> object:
    """One text stands for a list of it."""
    return (given,) if isinstance(given, str) else given


class Section(BaseModel):
    """Strict about keys: a misspelt one must not be ignored in silence."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=False,
    )
