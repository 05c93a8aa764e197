"""What Poetry, uv, Hatch and PDM keep in tables of their own: development dependencies and scripts.

Tamma builds its environment with pip whatever the project is managed with, so these tables are read for what
has to be installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from tamma.workspace.ecosystems.reading import strings, table

_FOR_TESTS = re.compile(r"test|dev", re.IGNORECASE)


def tool_requirements(pyproject: dict[str, object]) -> list[tuple[str, list[str]]]:
    """(where, requirement lines) of the development dependencies that tools' own tables name."""
    return [(f"pyproject.toml: [tool.{where}]", lines) for where, lines in _tables(pyproject) if lines]


def _tables(pyproject: dict[str, object]) -> Iterator[tuple[str, list[str]]]:
    tool = table(pyproject, "tool")
    poetry = table(tool, "poetry")
    yield "poetry.dev-dependencies", _poetry(table(poetry, "dev-dependencies"))
    for name, group in sorted(table(poetry, "group").items()):
        if _FOR_TESTS.search(name) and isinstance(group, dict):
            inner = table(cast("dict[str, object]", group), "dependencies")
            yield f"poetry.group.{name}.dependencies", _poetry(inner)
    yield "uv.dev-dependencies", strings(table(tool, "uv").get("dev-dependencies"))
    for name, lines in sorted(table(table(tool, "pdm"), "dev-dependencies").items()):
        if _FOR_TESTS.search(name):
            yield f"pdm.dev-dependencies.{name}", strings(lines)
    for name, env in sorted(table(table(tool, "hatch"), "envs").items()):
        if (name == "default" or _FOR_TESTS.search(name)) and isinstance(env, dict):
            values = cast("dict[str, object]", env)
            extra = [*strings(values.get("dependencies")), *strings(values.get("extra-dependencies"))]
            yield f"hatch.envs.{name}", extra


def _poetry(named: dict[str, object]) -> list[str]:
    """Poetry's `name = "^1.2"` as pip's `name>=1.2,<2`."""
    lines: list[str] = []
    for name, wanted in named.items():
        if name == "python":
            continue
        values = cast("dict[str, object]", wanted) if isinstance(wanted, dict) else {"version": wanted}
        if values.keys() & {"git", "path", "url"}:
            continue
        extras = ",".join(strings(values.get("extras")))
        version = values.get("version")
        lines.append(f"{name}{f'[{extras}]' if extras else ''}{_specifiers(version)}")
    return lines


def _specifiers(version: object) -> str:
    """Empty where it is any version, or a form that is not known: an installer then takes the newest."""
    if not isinstance(version, str) or "||" in version:
        return ""
    return ",".join(part for each in version.split(",") if (part := _specifier(each.strip())))


def _specifier(text: str) -> str:
    match = re.fullmatch(r"([\^~]|[<>=!]=?|~=)?\s*(\d+(?:\.\d+)*)(\.\*)?([\w.]*)", text)
    if match is None:
        return ""
    sign, number, wild, rest = match.groups()
    if sign == "^":
        return f">={number}{rest or ''},<{_after(number, _first_digit(number))}"
    if sign == "~":
        return f">={number}{rest or ''},<{_after(number, min(1, number.count('.')))}"
    if sign in (None, "="):
        return f"=={number}{wild or ''}{rest or ''}"
    return f"{sign}{number}{wild or ''}{rest or ''}"


def _first_digit(number: str) -> int:
    """Which part of a number a caret holds: the first that is not zero."""
    parts = number.split(".")
    return next((at for at, part in enumerate(parts) if int(part)), len(parts) - 1)


def _after(number: str, at: int) -> str:
    parts = number.split(".")[: at + 1]
    return ".".join([*parts[:-1], str(int(parts[-1]) + 1)])
