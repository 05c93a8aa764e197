"""Configurations compared and changed by the keys of an agent's file. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import cast

from tamma.model.agent import AgentConfig
from tamma.model.agent_form import config_from_form, config_to_form, key_of

PROMPTS = "prompts"
_NOT_BEHAVIOUR = ("capabilities", "optimizationSettings")
"""What is known of the model, and what may be done about it: no run goes otherwise for it."""


def settings(config: AgentConfig) -> dict[str, str]:
    """What makes runs go as they do: keys without their default; prompts by a hash of their text."""
    found: dict[str, str] = {}
    for key, value in config_to_form(config).items():
        if key in _NOT_BEHAVIOUR:
            continue
        if isinstance(value, Mapping):
            held = cast("Mapping[str, object]", value)
            found |= {f"{key}.{name}": _text(key, inner) for name, inner in held.items()}
        else:
            found[key] = _text(key, value)
    return found


def differing(before: AgentConfig, after: AgentConfig) -> dict[str, tuple[str, str]]:
    """The keys whose values differ, with both; `default` where there is none."""
    old, new = settings(before), settings(after)
    return {
        key: (old.get(key, "default"), new.get(key, "default"))
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    }


def difference_words(before: AgentConfig, after: AgentConfig) -> str:
    """`parameters.temperature 0.7 → 0.2, prompts.system (text)`."""
    return ", ".join(
        f"{key} (text)" if key.startswith(f"{PROMPTS}.") else f"{key} {old} → {new}"
        for key, (old, new) in differing(before, after).items()
    )


def changed(config: AgentConfig, change: Mapping[str, str]) -> AgentConfig:
    """The configuration with these keys set. Raises ConfigError for one that there is not."""
    form = config_to_form(config)
    for path, text in change.items():
        outer, _, inner = path.partition(".")
        value = _value(text)
        if not inner:
            form[outer] = value
            continue
        held = form.get(outer)
        form[outer] = {
            **(cast("Mapping[str, object]", held) if isinstance(held, Mapping) else {}),
            inner: value,
        }
    return config_from_form(form)


def is_own(key: str) -> bool:
    """Whether a key is one of an agent's file, and not of the installation's configuration."""
    return key.partition(".")[0] in {"provider", "model", "tools", "parameters", "context", key_of("prompts")}


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(key: str, value: object) -> str:
    if key == PROMPTS:
        return hashlib.sha256(str(value).encode()).hexdigest()[:8]
    return value if isinstance(value, str) else json.dumps(value)
