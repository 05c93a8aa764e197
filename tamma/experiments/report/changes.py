"""How two configurations differ, setting by setting."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum
from typing import cast

from tamma.experiments.report.model import ConfigChange
from tamma.model.agent import AgentConfig

_LONG = 60
"""Characters, over which a text has a diff."""
_MISSING = "-"


def config_changes(control: AgentConfig, candidate: AgentConfig) -> tuple[ConfigChange, ...]:
    """What is different, sorted by its path, as `context.compact_at`; empty where nothing is."""
    before, after = _flat(asdict(control)), _flat(asdict(candidate))
    return tuple(
        _change(path, before.get(path, _MISSING), after.get(path, _MISSING))
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    )


def _change(path: str, before: str, after: str) -> ConfigChange:
    if max(len(before), len(after)) <= _LONG and "\n" not in before + after:
        return ConfigChange(path, before, after)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return ConfigChange(path, "", "", tuple(lines)[2:])


def _flat(value: object, path: str = "") -> dict[str, str]:
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for key, inner in cast("Mapping[str, object]", value).items():
            found |= _flat(inner, f"{path}.{key}" if path else key)
        return found
    return {path: _words(value)}


def _words(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (tuple, list)):
        return ", ".join(_words(each) for each in cast("tuple[object, ...]", value))
    if value is None:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value)
