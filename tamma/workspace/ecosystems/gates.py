"""Which of a project's commands are gates: only those that it plainly has.

A linter that nobody set up would find fault with code that nobody agreed to write otherwise. Where the tests'
own command compiles everything, a build beside it would say nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import get_args

from tamma.model.gates import GateName
from tamma.workspace.ecosystems.found import Found, ReadFile
from tamma.workspace.ecosystems.reading import json_object
from tamma.workspace.interface import Command, GateCommand

GATES: tuple[GateName, ...] = get_args(GateName)
_LINTERS = {
    "node": r"eslint\.config\.[cm]?[jt]s|\.eslintrc(?:\.\w+)?|biome\.jsonc?|\.?oxlintrc\.json",
    "go": r"\.golangci\.(?:ya?ml|toml|json)",
    "ruby": r"\.rubocop\.yml",
    "php": r"\.?phpcs\.xml(?:\.dist)?|\.php-cs-fixer(?:\.dist)?\.php|phpstan\.neon(?:\.dist)?|pint\.json",
}
"""The files that set a linter up. Python's is detected by them alone."""
_BUILT = frozenset({"node", "go"})


def gate_commands(found: Iterable[Found], names: frozenset[str], read: ReadFile) -> tuple[GateCommand, ...]:
    """The gates of a project, of each kind at most one, in the order in which they run."""
    by_name: dict[GateName, Callable[[Found], Command | None]] = {
        "build": lambda one: one.build if one.ecosystem in _BUILT else None,
        "typecheck": lambda one: one.typecheck,
        "lint": lambda one: one.lint if _is_set_up(one, names, read) else None,
    }
    listed = tuple(found)
    chosen: dict[GateName, Command | None] = {
        name: next(filter(None, map(by_name[name], listed)), None) for name in GATES
    }
    return tuple(GateCommand(name, command) for name, command in chosen.items() if command is not None)


def _is_set_up(one: Found, names: frozenset[str], read: ReadFile) -> bool:
    if one.ecosystem == "python":
        return True
    if one.ecosystem == "node" and "eslintConfig" in json_object(read("package.json")):
        return True
    pattern = _LINTERS.get(one.ecosystem)
    return pattern is not None and any(re.fullmatch(pattern, name) for name in names)
