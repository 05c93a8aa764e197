"""What a repository's own `.tamma.json` may say.

It is content of a repository, so anyone who may open a pull request may have written it. It can describe the
project (how it is tested) and ask for *more* care; it can never spend more, ask fewer people, name servers
or touch secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast

from tamma.config.layers import Layered, leaves
from tamma.errors import ConfigError

FILE_NAME = ".tamma.json"
Tighten = Callable[[Any, Any], Any]
"""(what holds without the project, what the project asks) -> the stricter of the two."""


def _approve(current: Any, asked: Any) -> Any:
    gates = {"none": set[str](), "plan": {"plan"}, "merge": {"merge"}, "all": {"plan", "merge"}}
    if asked not in gates or current not in gates:
        return asked  # the schema will refuse it
    union = gates[current] | gates[asked]
    return next(name for name, wanted in gates.items() if wanted == union)


def _merge(current: Any, asked: Any) -> Any:
    return "never" if "never" in (current, asked) else asked


def _new_dependencies(current: Any, asked: Any) -> Any:
    order = ("allow", "ask", "refuse")
    if asked not in order or current not in order:
        return asked  # the schema will refuse it
    return max(current, asked, key=order.index)


def _lower(current: Any, asked: Any) -> Any:
    try:
        return asked if Decimal(str(asked)) <= Decimal(str(current)) else current
    except InvalidOperation:
        return asked  # the schema will refuse it


def _review(current: Any, asked: Any) -> Any:
    return True if current is True else asked


def _union(current: Any, asked: Any) -> Any:
    if not isinstance(asked, list):
        return asked
    return [*current, *(item for item in cast("list[Any]", asked) if item not in current)]


def _free(_current: Any, asked: Any) -> Any:
    return asked


ALLOWED: Mapping[str, tuple[Any, Tighten]] = {
    "version": ("1.0", lambda current, _asked: current),
    "run.approve": ("none", _approve),
    "run.merge": ("auto", _merge),
    "run.mergeMethod": ("squash", _free),
    "run.budgetUsd": ("3.00", _lower),
    "run.maxTurns": (100, _lower),
    "run.review": (True, _review),
    "run.newDependencies": ("ask", _new_dependencies),
    "run.testCommand": (None, _free),
    "run.protectedPaths": ((), _union),
    "run.planning.ambiguity": (0.7, _lower),
}
"""Path -> (the default without any configuration, how the project's wish is brought in)."""


ANOTHER_NAME: Mapping[str, str] = {
    "commands.test": "run.testCommand",
    "protectedPaths": "run.protectedPaths",
    "planning.ambiguity": "run.planning.ambiguity",
    "policy.approve": "run.approve",
    "policy.merge": "run.merge",
    "policy.budgetUsd": "run.budgetUsd",
    "policy.maxTurns": "run.maxTurns",
    "policy.review": "run.review",
    "policy.newDependencies": "run.newDependencies",
}
"""The project's own words for what a user calls otherwise."""
THE_WORKERS = frozenset(
    {
        "$schema", "commands.setup", "commands.build", "commands.lint", "commands.typecheck",
        "commands.format", "timeouts.test", "timeouts.setup",
    }
)  # fmt: skip
"""What only the worker that has the repository hears; see tamma/workspace/project_file.py."""


def lay_project(layered: Layered, asked: Mapping[str, Any], path: Path) -> list[str]:
    """Lay a project's file over the user's; returns notes on wishes that were not granted.

    Raises ConfigError for a key that a project may not set.
    """
    notes: list[str] = []
    for name, wish in leaves(asked):
        if name in THE_WORKERS:
            continue
        key = ANOTHER_NAME.get(name, name)
        if key not in ALLOWED:
            may = ", ".join((*ALLOWED, *ANOTHER_NAME, *sorted(THE_WORKERS)))
            raise ConfigError(
                f"{str(path)!r} sets {key!r}, which a project may not decide",
                hint=f"put it into your own configuration; a project may set: {may}",
            )
        default, tighten = ALLOWED[key]
        current = layered.get(key)
        current = default if current is None else current
        granted = tighten(current, wish)
        if granted != wish and key not in ("version", "run.protectedPaths"):
            notes.append(
                f"{path.name} asks for {key} = {wish}; {granted} holds, as a project can only be stricter"
            )
        if granted != current:
            layered.set(key, granted, f"project {path}")
    return notes


def find_project_file(start: Path) -> Path | None:
    """The file of the repository that `start` lies in; not looked for above the repository's root."""
    for folder in (start, *start.parents):
        candidate = folder / FILE_NAME
        if candidate.is_file():
            return candidate
        if (folder / ".git").exists():
            return None
    return None
