"""Turns the schema's complaints into sentences that say where, what, and what was probably meant."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tamma.config.layers import KEYED_LISTS, Layered
from tamma.config.schema import TammaConfig
from tamma.errors import ConfigError

MAX_PROBLEMS = 5


def explain(error: ValidationError, layered: Layered) -> ConfigError:
    """One ConfigError for all complaints. Values are not repeated: one might be a secret out of place."""
    details = error.errors(include_url=False, include_input=False)
    found = [_one(detail, layered) for detail in details[:MAX_PROBLEMS]]
    if len(details) > MAX_PROBLEMS:
        found.append(f"and {len(details) - MAX_PROBLEMS} more")
    hints = [hint for detail in details if (hint := _hint(detail))]
    return ConfigError(
        "the configuration is wrong: " + "; ".join(found), hint=" ".join(dict.fromkeys(hints)) or None
    )


def _one(detail: ErrorDetails, layered: Layered) -> str:
    path = readable_path(detail["loc"], layered.values)
    origin = layered.origins.get(path) or next(
        (o for p, o in layered.origins.items() if p.startswith(path)), ""
    )
    what = "is not a known key" if detail["type"] == "extra_forbidden" else _lower(detail["msg"])
    return f"{path!r} {what}" + (f" (from {origin})" if origin else "")


def _lower(message: str) -> str:
    return message[0].lower() + message[1:] if message else message


def _hint(detail: ErrorDetails) -> str | None:
    if detail["type"] != "extra_forbidden":
        return None
    *parents, key = detail["loc"]
    known = known_keys(parents)
    lowered = {name.lower(): name for name in known}
    close = get_close_matches(str(key).lower(), lowered, n=1, cutoff=0.5)
    if close:
        return f"did you mean {lowered[close[0]]!r}?"
    return f"known keys there: {', '.join(sorted(known))}."


def known_keys(loc: list[int | str]) -> list[str]:
    """The keys that the schema knows at a place."""
    model: type[BaseModel] = TammaConfig
    for part in loc:
        if isinstance(part, int):
            continue
        field = next((f for f in model.model_fields.values() if f.alias == part), None)
        inner = _model_in(field.annotation) if field else None
        model = inner or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in `Model`, `Model | None` or `tuple[Model, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for arg in get_args(annotation) if (model := _model_in(arg))), None)


def readable_path(loc: tuple[int | str, ...], values: Mapping[str, Any]) -> str:
    """`("providers", "available", 0, "model")` -> `providers.available[anthropic-claude].model`."""
    path = ""
    current: Any = values
    for part in loc:
        current = _inside(current, part)
        if isinstance(part, int):
            id_key = KEYED_LISTS.get(path)
            path += f"[{_inside(current, id_key) or part if id_key else part}]"
        else:
            path += f".{part}" if path else part
    return path


def _inside(value: Any, part: int | str) -> Any:
    if isinstance(part, int):
        return cast("list[Any]", value)[part] if isinstance(value, list) else None
    return cast("Mapping[str, Any]", value).get(part) if isinstance(value, Mapping) else None
