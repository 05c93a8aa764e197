"""Configurations compared by their fields, as recommendations name them. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields

from tamma.model.agent import AgentConfig, ContextStrategy, Parameters

PROMPTS = "prompts."
_GROUPS = ("parameters", "context")
_SINGLE = ("provider", "model", "tools")
_OWN = frozenset(
    [
        *_SINGLE,
        *(f"parameters.{each.name}" for each in fields(Parameters)),
        *(f"context.{each.name}" for each in fields(ContextStrategy)),
    ]
)


def settings(config: AgentConfig) -> dict[str, str]:
    """What makes runs go as they do: each field's value, `null` where it is left to others; prompts by a hash
    of their text, which shows nothing of it."""
    found = {name: _text(getattr(config, name)) for name in _SINGLE}
    for group in _GROUPS:
        held = getattr(config, group)
        found |= {f"{group}.{each.name}": _text(getattr(held, each.name)) for each in fields(held)}
    texts = config.prompts.items()
    return found | {f"{PROMPTS}{name}": hashlib.sha256(text.encode()).hexdigest()[:8] for name, text in texts}


def differing(before: AgentConfig, after: AgentConfig) -> dict[str, tuple[str, str]]:
    """The fields whose values differ, with both."""
    old, new = settings(before), settings(after)
    return {
        key: (old.get(key, "null"), new.get(key, "null"))
        for key in [*old, *(key for key in new if key not in old)]
        if old.get(key) != new.get(key)
    }


def difference_words(before: AgentConfig, after: AgentConfig) -> str:
    """`parameters.temperature 0.7 → 0.2, prompts.system (text)`."""
    return ", ".join(
        f"{key} (text)" if key.startswith(PROMPTS) else f"{key} {_shown(old)} → {_shown(new)}"
        for key, (old, new) in differing(before, after).items()
    )


def is_own(key: str) -> bool:
    """Whether a key is a field of an agent's configuration that a version can be made with."""
    return key in _OWN


def _shown(value: str) -> str:
    return "default" if value == "null" else value


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
