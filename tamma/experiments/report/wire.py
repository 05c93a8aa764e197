"""A report as JSON: camelCase, stable, additions only (docs/ab-reports.md)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import cast

from tamma.experiments.report.model import Report

VERSION = 1


def to_json(report: Report, *, indent: int | None = 2) -> str:
    """The whole report. Numbers that are none are null; money is a decimal string where it is exact."""
    shape = {"version": VERSION, **cast("dict[str, object]", plain(report))}
    shape["winner"] = report.verdict.winner if report.verdict else "inconclusive"
    return json.dumps(shape, indent=indent, ensure_ascii=False, allow_nan=False)


def plain(value: object) -> object:
    """Dataclasses as objects with camelCase keys, enums as their values, times in ISO 8601."""
    match value:
        case Enum():
            return value.value
        case float():
            return value if math.isfinite(value) else None
        case Decimal() | datetime():
            return value.isoformat() if isinstance(value, datetime) else str(value)
        case tuple() | list():
            return [plain(each) for each in cast("tuple[object, ...]", value)]
        case Mapping():
            return {str(key): plain(held) for key, held in cast("Mapping[object, object]", value).items()}
        case _ if is_dataclass(value):
            return {camel(field.name): plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value


def camel(name: str) -> str:
    """`may_auto_apply` as `mayAutoApply`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
