"""Which files of a repository weigh most. Pure, and the same on every machine: sums run in a fixed order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_DAMPING = 0.85
_ROUNDS = 12
"""After so many the order at the top does not change any more."""
_MOST_DEFINERS = 12
"""A name that more files define (`main`, `setUp`, `toString`) says nothing about any of them."""
_SHORTEST = 4
_PRIVATE = 0.2
"""The weight of a use of a name with `_` before it: a namesake's, mostly."""


@dataclass(frozen=True, slots=True)
class Uses:
    """Who defines and who uses the names of a repository. Files and names are numbers in the long lists."""

    files: tuple[str, ...]
    definers: Mapping[str, tuple[int, ...]]
    """Name -> the files that define it; names that mean something alone, sorted."""
    used: tuple[tuple[int, ...], ...]
    """By file: the names of others that it uses, sorted."""
    shares: tuple[tuple[float, ...], ...]
    """By file: how its weight is divided among these."""
    users: Mapping[str, int]
    """Name -> how many other files use it."""


def uses(defined: Mapping[str, Sequence[str]], words: Mapping[str, set[str]]) -> Uses:
    """Bring definitions and words together; both are by path."""
    files = tuple(sorted(defined))
    by_name: dict[str, list[int]] = {}
    for index, path in enumerate(files):
        for name in dict.fromkeys(defined[path]):
            if len(name) >= _SHORTEST:
                by_name.setdefault(name, []).append(index)
    definers = {name: tuple(by) for name, by in sorted(by_name.items()) if len(by) <= _MOST_DEFINERS}
    numbers = {name: number for number, name in enumerate(definers)}
    known = numbers.keys()
    used: list[tuple[int, ...]] = []
    users: dict[str, int] = {}
    for index, path in enumerate(files):
        others = [name for name in words.get(path, set[str]()) & known if index not in definers[name]]
        used.append(tuple(sorted(numbers[name] for name in others)))
        for name in others:
            users[name] = users.get(name, 0) + 1
    weights = [_PRIVATE if name.startswith("_") else 1.0 for name in definers]
    shares = tuple(_shares(names, weights) for names in used)
    return Uses(files, definers, tuple(used), shares, users)


def ranked(graph: Uses, wanted: Mapping[str, float]) -> list[tuple[str, float]]:
    """The files with their weights, heaviest first. `wanted` draws weight to files, 1 being a file's own."""
    if not graph.files:
        return []
    start = [1.0 + wanted.get(path, 0.0) for path in graph.files]
    whole = sum(start)
    start = [value / whole for value in start]
    definers = tuple(graph.definers.values())
    weights = list(start)
    for _ in range(_ROUNDS):
        flowing = [0.0] * len(definers)
        lost = 0.0
        for weight, names, shares in zip(weights, graph.used, graph.shares, strict=True):
            if not names:
                lost += weight
            for name, share in zip(names, shares, strict=True):
                flowing[name] += weight * share
        new = [(1 - _DAMPING + _DAMPING * lost) * value for value in start]
        for flow, by in zip(flowing, definers, strict=True):
            if flow:
                each = _DAMPING * flow / len(by)
                for index in by:
                    new[index] += each
        weights = new
    return sorted(zip(graph.files, weights, strict=True), key=lambda pair: (-round(pair[1], 12), pair[0]))


def _shares(names: Sequence[int], weights: Sequence[float]) -> tuple[float, ...]:
    whole = sum(weights[name] for name in names)
    return tuple(weights[name] / whole for name in names)
