"""Names that are meant to be taken for a popular one: a letter more, less, swapped, or one that looks alike.

It is a hint for the person who is asked anyway, so it may be wrong at times. Names shorter than five letters
are too near to each other for more than swapped letters to say anything.
"""

from __future__ import annotations

import re
from functools import cache

from tamma.workspace.dependencies.popular import POPULAR

_SHORTEST = 5
_ALIKE = str.maketrans({"0": "o", "1": "l", "3": "e", "5": "s"})


def lookalike(registry: str, name: str) -> str:
    """What is wrong with the name, in words; empty where nothing is."""
    if not name.isascii():
        return "its name has letters that look like others"
    folded = name.casefold()
    if folded in POPULAR.get(registry, ()):
        return ""
    looks = _looks(folded)
    for known, alike in _popular(registry):
        if abs(len(folded) - len(known)) > 2:
            continue
        if why := "they look alike" if looks == alike else _near(folded, known):
            return f"its name is close to that of `{known}`: {why}"
    return ""


@cache
def _popular(registry: str) -> tuple[tuple[str, str], ...]:
    """(name, how it looks), in an order that is the same everywhere: who was asked is not asked again."""
    return tuple((known, _looks(known)) for known in sorted(POPULAR.get(registry, ())))


def _near(name: str, known: str) -> str:
    if len(known) >= _SHORTEST - 1 and len(name) == len(known):
        if _swapped(name, known):
            return "two letters are swapped"
        parts = re.split(r"[-_./]", name)
        if len(parts) > 1 and sorted(parts) == sorted(re.split(r"[-_./]", known)):
            return "its words are swapped"
    if len(known) >= _SHORTEST and len(name) >= _SHORTEST and _one_apart(name, known):
        return "one letter is different"
    return ""


def _looks(name: str) -> str:
    """The same for names that are easily taken for each other."""
    plain = name.translate(_ALIKE).replace("rn", "m").replace("vv", "w")
    return re.sub(r"[-_.]", "", plain)


def _swapped(one: str, other: str) -> bool:
    different = [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(different) != 2 or different[1] != different[0] + 1:
        return False
    at = different[0]
    return one[at] == other[at + 1] and one[at + 1] == other[at]


def _one_apart(one: str, other: str) -> bool:
    """Whether one letter was added, left out, or replaced."""
    shorter, longer = sorted((one, other), key=len)
    if len(longer) - len(shorter) > 1:
        return False
    at = next((at for at, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    return shorter[at + (len(shorter) == len(longer)) :] == longer[at + 1 :]
