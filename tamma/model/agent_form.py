"""An agent's configuration as people write it: mappings with camelCase keys, as in the specification.

A key that is not known is refused with the nearest one that is. What has its default may be left out, and is
left out when it is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, cast, get_type_hints

from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig
from tamma.model.agent_json import config_from_json, default_of

SPELLED = {
    "optimization": "optimizationSettings",
    "enable_ab_testing": "enableABTesting",
    "average_latency_ms": "averageLatency",
    "cost_per_token_usd": "costPerToken",
}
"""Where the specification's key is not the field's name in camelCase."""
SYSTEM_PROMPT = "systemPrompt"
"""The specification's key for what is `prompts.system` here."""
KEPT_BY_THE_STORE = frozenset({"agentId", "version", "createdAt", "updatedAt"})
"""Keys of the specification that no file decides about: read over."""


def config_from_form(form: Mapping[str, object], what: str = "the agent") -> AgentConfig:
    """The configuration in `form`; the prompts in it are texts. Raises ConfigError naming the key."""
    given = {key: value for key, value in form.items() if key not in KEPT_BY_THE_STORE}
    if SYSTEM_PROMPT in given:
        given["prompts"] = _with_system(given.get("prompts"), given.pop(SYSTEM_PROMPT), what)
    named = _named(given, AgentConfig, "", what)
    try:
        text = json.dumps(named, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{what} holds what JSON has no word for: {error}", hint="put dates and the like in quotes"
        ) from error
    return _read(text, what)


def config_to_form(config: AgentConfig) -> dict[str, object]:
    """The inverse: plain values for JSON or YAML, without what has its default."""
    return cast("dict[str, object]", _form(config))


def keys_of(kind: type[Any] = AgentConfig, path: str = "") -> tuple[str, ...]:
    """Every key that has a value of its own, with its path: `parameters.maxTokens`."""
    found: list[str] = []
    for key, (name, inner) in _keys(kind).items():
        here = f"{path}.{key}" if path else key
        found += keys_of(inner, here) if inner is not None and name else [here]
    return tuple(found)


def key_of(name: str) -> str:
    """A field's name as files spell it."""
    first, *rest = name.split("_")
    return SPELLED.get(name) or first + "".join(word.capitalize() for word in rest)


@cache
def _keys(kind: type[Any]) -> dict[str, tuple[str, type[Any] | None]]:
    """From the keys of a dataclass to its field's name, and to the dataclass that is in that field."""
    hints = get_type_hints(kind)
    return {
        key_of(each.name): (each.name, hints[each.name] if is_dataclass(hints[each.name]) else None)
        for each in fields(kind)
    }


def _named(form: object, kind: type[Any], path: str, what: str) -> dict[str, object]:
    """`form` with the names of the fields for its keys, at any depth."""
    if not isinstance(form, Mapping):
        raise ConfigError(f"{what}: {path or 'it'} must be a mapping, not {_kind(form)}")
    known, found = _keys(kind), dict[str, object]()
    for key, value in cast("Mapping[object, object]", form).items():
        here = f"{path}.{key}" if path else str(key)
        if key not in known:
            raise ConfigError(f"{what}: {here!r} is not a known key", hint=nearest(str(key), known))
        name, inner = known[cast("str", key)]
        # An empty section in YAML is null.
        found[name] = value if inner is None else _named({} if value is None else value, inner, here, what)
    return found


def nearest(word: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """What was probably meant, or all that there is."""
    lowered = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if close:
        return f"did you mean {lowered[close[0]]!r}?"
    return f"known: {', '.join(sorted(known))}" if known else "there is none yet"


def _read(text: str, what: str) -> AgentConfig:
    from pydantic import ValidationError

    try:
        return config_from_json(text)
    except ValidationError as error:
        complaints = error.errors(include_url=False, include_input=False)
        said = [f"{_path(each['loc'])} {each['msg'][:1].lower()}{each['msg'][1:]}" for each in complaints[:5]]
        # `from None`: pydantic's own text repeats values, and one might be a secret out of place.
        raise ConfigError(f"{what}: {'; '.join(said)}") from None


def _path(loc: tuple[int | str, ...]) -> str:
    # The configuration's maps (prompts) have names of their own, that are no fields.
    words = [
        key_of(str(part)) if at == 0 or loc[0] != "prompts" else str(part) for at, part in enumerate(loc)
    ]
    return repr(".".join(words))


def _with_system(prompts: object, system: object, what: str) -> object:
    if prompts is None:
        return {"system": system}
    if not isinstance(prompts, Mapping):
        return prompts
    if "system" in prompts:
        raise ConfigError(f"{what} has both {SYSTEM_PROMPT!r} and 'prompts.system'", hint="leave one out")
    return {**cast("Mapping[str, object]", prompts), "system": system}


def _form(value: object) -> object:
    if is_dataclass(value):
        return {
            key_of(each.name): _form(held)
            for each in fields(value)
            if (held := getattr(value, each.name)) != default_of(each)
        }
    if isinstance(value, Mapping):
        return {str(key): _form(held) for key, held in cast("Mapping[object, object]", value).items()}
    if isinstance(value, tuple | list):
        return [_form(held) for held in cast("list[object]", value)]
    return str(value) if isinstance(value, str) else value


def _kind(value: object) -> str:
    return "nothing" if value is None else f"the {type(value).__name__} {value!r}"
