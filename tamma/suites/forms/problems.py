"""What is wrong with a suite's file, in sentences that say where and what was probably meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tamma.errors import ConfigError

MOST_SHOWN = 5
Loc = tuple[int | str, ...]


def explain(
    error: ValidationError, model: type[BaseModel], where: str, line_of: Callable[[Loc], int | None]
) -> ConfigError:
    """One ConfigError for all complaints about a file. Values are not repeated: they may be long."""
    details = error.errors(include_url=False, include_input=False)
    shown = [_one(detail, line_of) for detail in details[:MOST_SHOWN]]
    if len(details) > MOST_SHOWN:
        shown.append(f"and {len(details) - MOST_SHOWN} more")
    hints = [hint for detail in details if (hint := _hint(detail, model))]
    return ConfigError(
        f"{where}: " + "; ".join(shown), hint=" ".join(dict.fromkeys(hints[:MOST_SHOWN])) or None
    )


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that was probably meant."""
    lowered = {name.replace("_", "").lower(): name for name in known}
    close = get_close_matches(word.replace("_", "").lower(), lowered, n=1, cutoff=0.6)
    return lowered[close[0]] if close else None


def readable(loc: Loc) -> str:
    """`("tasks", 0, "limits")` -> `tasks[0].limits`."""
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _one(detail: ErrorDetails, line_of: Callable[[Loc], int | None]) -> str:
    loc = detail["loc"]
    line = line_of(loc)
    words = detail["msg"].removeprefix("Value error, ")
    what = {"extra_forbidden": "is not a known key", "missing": "is missing"}.get(detail["type"], words)
    at = f"line {line}: " if line is not None else ""
    return f"{at}{readable(loc)!r} {what[0].lower()}{what[1:]}" if loc else f"{at}{what}"


def _hint(detail: ErrorDetails, model: type[BaseModel]) -> str | None:
    *parents, key = detail["loc"] or ("",)
    if detail["type"] == "string_type":
        return "quote values that are to be text: an unquoted 1e5 or 123 is a number."
    if detail["type"] != "extra_forbidden":
        return None
    known = known_keys(model, parents)
    meant = nearest(str(key), known)
    return f"did you mean {meant!r}?" if meant else f"known keys there: {', '.join(sorted(known))}."


def known_keys(model: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """The keys that `model` knows at a place."""
    for part in loc:
        if isinstance(part, int):
            continue
        field = next((f for n, f in model.model_fields.items() if part in (f.alias, n)), None)
        model = (_model_in(field.annotation) if field else None) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for arg in get_args(annotation) if (m := _model_in(arg))), None)
