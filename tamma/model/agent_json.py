"""An agent's configuration as JSON: in full for the store, and canonical, of which its identity is made.

The stored JSON is a storage format: fields may be added with defaults, never renamed or removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig, ConfigHash

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def config_hash(config: AgentConfig) -> ConfigHash:
    """The identity of a configuration: equal ones have the same, others do not.

    Raises ConfigError where it holds what JSON or UTF-8 cannot.
    """
    return ConfigHash("sha256:" + hashlib.sha256(canonical_config(config).encode()).hexdigest())


def canonical_config(config: AgentConfig) -> str:
    """The JSON that the hash covers: keys sorted, no spaces, 1.0 written as 1, and without the fields that
    have their default.

    A field that is added later thereby changes no identity; its default must mean what was done before there
    was the field, and no default may ever change (a test holds them). Raises ConfigError.
    """
    try:
        text = json.dumps(
            _plain(config), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        text.encode()
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"the agent's configuration cannot be written down: {error}",
            hint="numbers must be finite, and texts valid Unicode",
        ) from error
    return text


def config_to_json(config: AgentConfig) -> str:
    """The configuration in full, defaults too: it means the same whatever becomes of them.

    Raises ValueError where a field holds what is not of its type.
    """
    return _adapter().dump_json(config, warnings="error").decode()


def config_from_json(text: str | bytes) -> AgentConfig:
    """The inverse of `config_to_json`. Raises pydantic's ValidationError on anything else."""
    # Strict: "5" is no number, and yes is no truth.
    return _adapter().validate_json(text, strict=True)


@cache
def _adapter() -> TypeAdapter[AgentConfig]:
    from pydantic import TypeAdapter

    return TypeAdapter(AgentConfig)


def _plain(value: object) -> object:
    match value:
        case None | bool() | int():
            return value
        case str():
            return str(value)
        case float():
            return int(value) if value.is_integer() else value
        case Mapping():
            pairs = cast("Mapping[str, object]", value).items()
            return {str(key): _plain(held) for key, held in pairs}
        case tuple() | list():
            return [_plain(held) for held in cast("list[object]", value)]
        case _ if is_dataclass(value):
            return {
                each.name: _plain(held)
                for each in fields(value)
                if (held := getattr(value, each.name)) != default_of(each)
            }
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON value")


def default_of(of: Field[Any]) -> object:
    """A field's default; MISSING where it has none."""
    if of.default is not MISSING:
        return of.default
    return MISSING if of.default_factory is MISSING else of.default_factory()
