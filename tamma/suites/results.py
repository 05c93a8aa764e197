"""Results of others, as SWE-bench's own evaluation writes them.

Read are the report of a whole evaluation (`resolved_ids`, `unresolved_ids`, `empty_patch_ids`, `error_ids`;
schema 2, and the older lists `resolved`, `no_generation`, …), and reports by instance (for each id an object
with `resolved`). Predictions alone (`model_patch`) say nothing of success: they are refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tamma.errors import ConfigError
from tamma.suites.forms.lines import read_text

SOLVED = ("resolved_ids", "resolved")
FAILED = {
    "unresolved_ids": "hidden-tests",
    "unresolved": "hidden-tests",
    "empty_patch_ids": "empty-patch",
    "no_generation": "empty-patch",
    "error_ids": "error",
    "applied": "hidden-tests",
    "no_apply": "patch-does-not-apply",
}
"""Lists of a report, and the error type of what is in them. The first that has an id counts."""


@dataclass(frozen=True, slots=True)
class Results:
    """What one model did: the error type by task, empty where it solved it."""

    model: str
    outcomes: Mapping[str, str]


def read_results_file(path: Path) -> Results:
    """The results in a report. Raises ConfigError where the file is none, or holds only predictions."""
    text = read_text(path)
    try:
        raw: object = json.loads(text)
    except ValueError:
        first = text.lstrip().partition("\n")[0]
        raise _only_predictions(path) if "model_patch" in first else _no_report(path) from None
    model = path.name.partition(".")[0] or path.stem
    if isinstance(raw, list):
        raise _only_predictions(path) if "model_patch" in text[:100_000] else _no_report(path)
    if not isinstance(raw, dict):
        raise _no_report(path)
    top = cast("dict[str, Any]", raw)
    outcomes = _from_lists(top) or _from_instances(top)
    if not outcomes:
        raise _only_predictions(path) if "model_patch" in text[:100_000] else _no_report(path)
    return Results(model, outcomes)


def _from_lists(top: Mapping[str, Any]) -> dict[str, str]:
    outcomes: dict[str, str] = {}
    if not any(key in top for key in SOLVED):
        return outcomes
    for key in SOLVED:
        outcomes |= dict.fromkeys(_ids(top.get(key)), "")
    for key, error_type in FAILED.items():
        for task in _ids(top.get(key)):
            outcomes.setdefault(task, error_type)
    return outcomes


def _from_instances(top: Mapping[str, Any]) -> dict[str, str]:
    outcomes: dict[str, str] = {}
    for task, found in top.items():
        if not isinstance(found, dict) or not isinstance(cast("dict[str, Any]", found).get("resolved"), bool):
            return {}
        outcomes[task] = "" if found["resolved"] else "hidden-tests"
    return outcomes


def _ids(value: object) -> list[str]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [each for each in listed if isinstance(each, str)]


def _only_predictions(path: Path) -> ConfigError:
    return ConfigError(
        f"{path.name} holds predictions: they do not say which tasks they solve",
        hint="evaluate them first, then import the report (MODEL.RUN_ID.json) that the evaluation writes",
    )


def _no_report(path: Path) -> ConfigError:
    return ConfigError(
        f"{path.name} is no report of SWE-bench's evaluation",
        hint="it has the list `resolved_ids`, or for every task an object with `resolved`",
    )
