"""What a file defines, and which names stand in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from tamma.workspace.mapping.languages import definitions_of
from tamma.workspace.mapping.quoting import without_quoted

LARGEST_FILE = 200_000
"""Characters of a file that is looked into; larger ones are data, generated or bundled."""
_MOST_SYMBOLS = 1000
_LONG_LINE = re.compile(r"^[^\n]{301,}+", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]\w{2,}", re.ASCII)
_OPEN, _CLOSE = "([{", ")]}"
_MOST_LINES = 12
_LONGEST = 160
_BLANKS = re.compile(r"\s+")
_NOT_OURS = re.compile(
    r"(?:^|/)(?:vendor|third_party|thirdparty|node_modules|dist|build|generated|__generated__|\.yarn|"
    r"bower_components)/|\.min\.\w+$|_pb2(?:_grpc)?\.pyi?$|\.pb\.\w+$|\.g\.dart$|\.designer\.cs$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name that a file defines."""

    name: str
    line: int
    """From 1."""
    depth: int
    """How many definitions it stands in, by its indentation."""
    start: int
    """Where its line begins in the text."""


def is_mapped(path: str) -> bool:
    """Whether a file is one that people write, in a language whose definitions are known."""
    return definitions_of(path) is not None and _NOT_OURS.search(path) is None


def symbols_in(path: str, text: str) -> tuple[Symbol, ...]:
    """The definitions in a file, in its order."""
    pattern = definitions_of(path)
    if pattern is None:
        return ()
    text = without_quoted(path, searchable(text))
    found: list[Symbol] = []
    indents: list[int] = []
    line, at = 1, 0
    for match in pattern.finditer(text):
        name = match.group(match.lastgroup or 0)
        if match.lastgroup in (None, "indent"):
            continue
        line, at = line + text.count("\n", at, match.start()), match.start()
        indent = len(match.group("indent").expandtabs(4))
        indents = [*indents[: bisect_right(indents, indent - 1)], indent]
        found.append(Symbol(name.rpartition(".")[2] or name, line, len(indents) - 1, match.start()))
        if len(found) == _MOST_SYMBOLS:
            break
    return tuple(found)


def words_in(text: str) -> set[str]:
    """The names that stand in a text."""
    return set(_WORD.findall(text))


def searchable(text: str) -> str:
    """A file's text without its byte order mark, and without long lines.

    Bundled code has lines without end: they say nothing, and searching them takes long.
    """
    return _LONG_LINE.sub("", text.removeprefix("\ufeff"))


def signature(text: str, symbol: Symbol) -> str:
    """The definition on one line: up to where its brackets close, without the body.

    `text` is the searchable one, as `symbol` was found in it.
    """
    lines = text[symbol.start : symbol.start + _LONGEST * _MOST_LINES].split("\n")[:_MOST_LINES]
    taken: list[str] = []
    open_brackets = 0
    for line in lines:
        bare = line.strip()
        taken.append(bare)
        body = bare.rstrip("{").rstrip() if bare.endswith("{") else bare
        open_brackets += sum(body.count(c) for c in _OPEN) - sum(body.count(c) for c in _CLOSE)
        if open_brackets <= 0:
            break
    said = _BLANKS.sub(" ", " ".join(taken)).replace("( ", "(").replace(", )", ")").replace(" )", ")")
    said = said.rstrip("{").rstrip().removesuffix(":").removesuffix("=>").rstrip()
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"
