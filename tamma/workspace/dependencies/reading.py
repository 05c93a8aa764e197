"""What the reader of a manifest or a lock file finds in it.

Other people, and models, wrote these files. Readers raise ValueError where one is not of its form, and what
they return may hold anything: `shown` makes words of it that a person can be shown.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from tamma.git.remote import without_userinfo
from tamma.model.foreign import read_json

LONGEST_LINE = 2000
"""Characters of a line that are looked at."""
_LONGEST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Need:
    """A package that the project depends on, directly or through others."""

    registry: str
    """PyPI, npm, Go, crates.io, RubyGems, Maven, NuGet, Packagist, Hex."""
    name: str
    """In the form in which the registry compares names."""
    version: str = ""
    """As it is written, a range or a number. Empty: any."""
    source: str = ""
    """Where it comes from if not from the registry: an address, a path, a repository."""
    scripts: bool = False
    """It runs something when it is installed."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What runs by itself when the project is installed, or has packages come from elsewhere."""

    words: str
    needle: str
    """Stands in its line."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one file says."""

    needs: tuple[Need, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    brought: tuple[Need, ...] = ()
    """What comes with others, and nobody named: lock files say nothing else."""


Reader = Callable[[str], Reading]
"""From a file's text. Raises ValueError where that is not of its form."""


def shown(text: str) -> str:
    """Foreign words on one line, without passwords and marks that would be read as Markdown."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text[:LONGEST_LINE]).split())
    line = without_userinfo(line).replace("`", "'")
    return line if len(line) <= _LONGEST_SHOWN else line[: _LONGEST_SHOWN - 1] + "…"


def toml(text: str) -> dict[str, object]:
    """A TOML file's tables. Raises ValueError."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def json_object(text: str) -> dict[str, object]:
    """A JSON file's object. Raises ValueError."""
    value = read_json(text.removeprefix("\ufeff"))
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - the file is wrong, not the caller
    return cast("dict[str, object]", value)


def tables(value: object) -> list[dict[str, object]]:
    """Those items of a list that are tables."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("dict[str, object]", item) for item in items if isinstance(item, dict)]


def inner(parent: dict[str, object], *names: str) -> dict[str, object]:
    """The table below `parent` by its path; empty where there is none."""
    for name in names:
        value = parent.get(name)
        if not isinstance(value, dict):
            return {}
        parent = cast("dict[str, object]", value)
    return parent


def text_of(table: dict[str, object], *keys: str) -> str:
    """The first of the keys that has a text."""
    return next((value for key in keys if isinstance(value := table.get(key), str)), "")


def lines_of(text: str) -> list[str]:
    """The lines, none longer than is looked at."""
    return [line[:LONGEST_LINE] for line in text.splitlines()]


def line_with(text: str, needle: str) -> int:
    """The first line, from 1, that holds the words; 0 where none does."""
    return (
        next((at for at, line in enumerate(text.splitlines(), start=1) if needle in line), 0) if needle else 0
    )


def reading(needs: Iterable[Need | None], alarms: Iterable[Alarm] = ()) -> Reading:
    """What was found, without the gaps."""
    return Reading(tuple(need for need in needs if need is not None and need.name), tuple(alarms))
