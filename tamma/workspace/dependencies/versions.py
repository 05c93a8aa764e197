"""What can be said of two versions that are written in any registry's form."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"(?<![\w.])[vV]?(\d{1,9}(?:\.\d{1,9}){0,4})")
_EXCLUDED = re.compile(r"!=\s*[\w.*]+")
Numbers = tuple[int, ...]


def highest(versions: Iterable[str]) -> Numbers | None:
    """The highest number that is written in them; None where there is none."""
    found = (match[1] for version in versions for match in _NUMBER.finditer(_EXCLUDED.sub("", version)))
    return max((tuple(map(int, number.split("."))) for number in found), default=None)


def major(numbers: Numbers) -> Numbers:
    """What changes where a version may break its users; below 1.0 the second number, too (semver.org, 4)."""
    return numbers[:2] if numbers[0] == 0 else numbers[:1]


def step(before: Iterable[str], after: Iterable[str]) -> str:
    """`major`, `back`, or nothing, as far as numbers tell."""
    old, new = highest(before), highest(after)
    if old is None or new is None:
        return ""
    if _padded(new) < _padded(old):
        return "back"
    return "major" if major(new) != major(old) else ""


def _padded(numbers: Numbers) -> Numbers:
    """`1.2` and `1.2.0` are the same."""
    return (*numbers, 0, 0, 0, 0, 0)[:5]
