"""The map of a commit: read, ranked, drawn.

It has two parts. The first is the same for every issue, so that a service's prompt cache can be shared by the
runs of a repository; the second shows what this issue leads to and the first has not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tamma.workspace.base import BaseTree
from tamma.workspace.interface import Outline
from tamma.workspace.mapping.drawing import drawn
from tamma.workspace.mapping.ranking import Uses, ranked, uses
from tamma.workspace.mapping.symbols import (
    LARGEST_FILE,
    Symbol,
    is_mapped,
    searchable,
    signature,
    symbols_in,
    words_in,
)
from tamma.workspace.naming import Named, named_in

MOST_BYTES = 40_000_000
"""Of source that is looked into: some seconds of work. What is nearest to the root comes first."""
MOST_FILES = 20_000
_FOR_THE_ISSUE = 3
"""This part of the room is kept for the issue."""
_LINES, _LINES_OF_NAMED = 12, 30
_NAMED_FILE, _NAMED_SYMBOL = 400.0, 100.0
"""How much weight an issue draws to what it names, in shares of a common file."""


@dataclass(slots=True)
class _Read:
    """The repository as far as it was looked into."""

    symbols: dict[str, tuple[Symbol, ...]] = field(default_factory=dict[str, tuple[Symbol, ...]])
    words: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    left_out: int = 0


def outline(tree: BaseTree, issue: str, room: int) -> Outline:
    """The map of the commit within `room` characters, both parts together."""
    if room <= 0:
        return Outline()
    paths = tree.paths
    named = named_in(issue, paths)
    read = _read(tree, paths)
    graph = uses({path: [s.name for s in found] for path, found in read.symbols.items()}, read.words)
    drawing = _Drawing(tree, read, graph)
    kept = room // _FOR_THE_ISSUE
    general = [path for path, _ in ranked(graph, {}) if read.symbols[path]]
    common, shown = drawn(general, drawing.lines, room - kept, _LINES)
    wanted = _wanted(graph, named)
    found = ""
    if wanted:
        near = [path for path, _ in ranked(graph, wanted) if read.symbols[path] and path not in shown]
        # Only so many as the issue speaks of, and as many again that are near to them.
        found, _ = drawn(near[: 2 * len(wanted)], drawing.lines, kept, _LINES_OF_NAMED)
    return Outline(common, found, len(read.symbols), read.left_out)


def _read(tree: BaseTree, paths: Sequence[str]) -> _Read:
    read = _Read()
    left = MOST_BYTES
    for path in sorted((p for p in paths if is_mapped(p)), key=lambda p: (p.count("/"), p)):
        size = tree.size(path)
        if size > LARGEST_FILE:
            continue
        if size > left or len(read.symbols) == MOST_FILES:
            read.left_out += 1
            continue
        text = tree.read(path, LARGEST_FILE)
        if text is None:
            continue
        left -= size
        read.symbols[path] = symbols_in(path, text)
        read.words[path] = words_in(text)
    return read


def _wanted(graph: Uses, named: Named) -> dict[str, float]:
    """How much more the issue wants of files than their own weight."""
    files = set(graph.files)
    wanted = {path: _NAMED_FILE for path in named.files if path in files}
    for name in sorted(named.words):
        by = graph.definers.get(name, ())
        for index in by:
            path = graph.files[index]
            wanted[path] = wanted.get(path, 0.0) + _NAMED_SYMBOL / len(by)
    return wanted


@dataclass(frozen=True, slots=True)
class _Drawing:
    tree: BaseTree
    read: _Read
    graph: Uses

    def lines(self, path: str) -> list[tuple[float, str]]:
        text = searchable(self.tree.read(path, LARGEST_FILE) or "")
        return [
            (self._weight(symbol), f"{'  ' * min(symbol.depth + 1, 4)}{signature(text, symbol)}")
            for symbol in self.read.symbols[path]
        ]

    def _weight(self, symbol: Symbol) -> float:
        """What others use first, then what stands at the top of its file, private names last."""
        private = 0.5 if symbol.name.startswith("_") else 0.0
        return self.graph.users.get(symbol.name, 0) + 1 / (1 + symbol.depth) - private
