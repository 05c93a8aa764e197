"""What an issue's text names of a repository: files, folders, and names that stand in code. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PATH = re.compile(r"[\w.@+-]{1,120}(?:[/\\][\w.@+-]{1,120}){0,20}", re.ASCII)
_MODULE = re.compile(r"[a-z_]\w{0,80}(?:\.\w{1,80}){1,10}", re.ASCII)
_QUOTED = re.compile(r"`([^`\n]{1,200})`")
_CODE_LIKE = re.compile(
    r"\b(?:[A-Za-z]\w*_\w+|_\w+|[a-z]+[A-Z]\w*|[A-Z]\w*[a-z]\w*[A-Z]\w*)\b|\b[A-Za-z_]\w{2,}(?=\()", re.ASCII
)
_WORD = re.compile(r"[A-Za-z_]\w{2,}", re.ASCII)
_MOST_TEXT = 60_000
_MOST_NAMESAKES = 3
_MOST_FILES = 40


@dataclass(frozen=True, slots=True)
class Named:
    """What a text names."""

    files: tuple[str, ...] = ()
    """Paths, in the order in which they are first named; at most 40."""
    words: frozenset[str] = frozenset()
    """Names as they stand in code: written as code, or with a form that prose has not."""


def named_in(text: str, paths: Iterable[str]) -> Named:
    """The files and names in a text. `calc.py` is `src/calc.py`, where at most three files have that name."""
    text = text[:_MOST_TEXT]
    by_name: dict[str, list[str]] = {}
    for path in sorted(paths):
        by_name.setdefault(path.rpartition("/")[2], []).append(path)
    found: dict[str, None] = {}
    for match in _PATH.finditer(text):
        found.update(dict.fromkeys(_meant(match.group().replace("\\", "/").rstrip("."), by_name)))
    for match in _MODULE.finditer(text):
        found.update(dict.fromkeys(_module(match.group(), by_name)))
    words = set(_CODE_LIKE.findall(text))
    for match in _QUOTED.finditer(text):
        words.update(_WORD.findall(match.group(1)))
    return Named(tuple(found)[:_MOST_FILES], frozenset(words))


def _meant(said: str, by_name: dict[str, list[str]]) -> list[str]:
    folder, _, name = said.removeprefix("./").rpartition("/")
    if "." not in name and not folder:
        return []  # a word of a sentence, though a file may have it as its name
    whole = f"/{folder}/{name}" if folder else f"/{name}"
    fitting = [path for path in by_name.get(name, []) if f"/{path}".endswith(whole)]
    exact = [path for path in fitting if f"/{path}" == whole]
    return exact or (fitting if len(fitting) <= _MOST_NAMESAKES else [])


def _module(said: str, by_name: dict[str, list[str]]) -> list[str]:
    """`pkg.mod.func` is in `pkg/mod.py`, or in `pkg/mod/__init__.py`."""
    parts = said.split(".")
    for end in range(len(parts), 1, -1):
        for ending in (".py", "/__init__.py"):
            found = _meant("/".join(parts[:end]) + ending, by_name)
            if found:
                return found
    return []
