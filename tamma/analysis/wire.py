"""Analyses as JSON: camelCase, stable, additions only (docs/performance.md). Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import cast

VERSION = 1


def plain(value: object) -> object:
    """Dataclasses as objects with camelCase keys, money as numbers of US dollars, times in ISO 8601."""
    match value:
        case Enum():
            return value.value
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return round(float(value), 6)
        case datetime():
            return value.isoformat()
        case tuple() | list():
            return [plain(each) for each in cast("tuple[object, ...]", value)]
        case Mapping():
            return {str(key): plain(held) for key, held in cast("Mapping[object, object]", value).items()}
        case _ if is_dataclass(value):
            return {camel(each.name): plain(getattr(value, each.name)) for each in fields(value)}
        case _:
            return value


def document(value: object) -> dict[str, object]:
    """One analysis as a JSON document with the version of its form."""
    return {"version": VERSION, **cast("dict[str, object]", plain(value))}


def camel(name: str) -> str:
    """`success_rate` as `successRate`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
