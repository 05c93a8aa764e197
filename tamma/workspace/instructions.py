"""What a repository says to those who work on it: AGENTS.md and the like, as in the commit of the base.

The words are the repository's: they reach a model within bounds and marked as such, and no policy reads them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from tamma.workspace.base import BaseTree
from tamma.workspace.interface import Instructions

NAMES = (
    "AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md", ".cursorrules", "CONTRIBUTING.md",
    "CONTRIBUTING.rst", ".github/CONTRIBUTING.md", "docs/CONTRIBUTING.md", "CONTRIBUTING",
)  # fmt: skip
"""In order of weight."""
NESTED = ("AGENTS.md", "CLAUDE.md")
"""May stand in any folder, for what is below it. Of each the one nearest to a file counts."""
MOST_OF_ONE = 8_000
MOST_IN_ALL = 24_000
_LARGEST_FILE = 1_000_000
_MOST_NESTED = 5
_IMPORT_ONLY = 200
"""A file no longer than this that names another one, as `@AGENTS.md` does, adds nothing to it."""


def instructions(tree: BaseTree, touched: Sequence[str]) -> tuple[Instructions, ...]:
    """The root's files by weight, then those nearest to the `touched` files; within 24,000 characters in all.

    A text that stands there twice, under two names or behind a link, is given once.
    """
    wanted = dict.fromkeys((*chosen(tree.paths), *nearest(tree.paths, touched)))
    found: list[Instructions] = []
    seen: set[str] = set()
    left = MOST_IN_ALL
    for path in wanted:
        text = (tree.read(path, _LARGEST_FILE) or "").strip()
        if not text or text in seen or (found and _only_names_another(text)):
            continue
        seen.add(text)
        room = min(MOST_OF_ONE, left)
        if room <= 0:
            found.append(Instructions(path, "", len(text)))
            continue
        found.append(Instructions(path, text[:room], max(0, len(text) - room)))
        left -= min(room, len(text))
    return tuple(found)


def chosen(paths: Sequence[str]) -> tuple[str, ...]:
    """The files of the whole repository, in order of weight."""
    names = frozenset(paths)
    return tuple(path for path in NAMES if path in names)


def nearest(paths: Sequence[str], touched: Sequence[str]) -> tuple[str, ...]:
    """The files in folders of the `touched` ones, of each name the nearest above a file, not the root's."""
    names = frozenset(paths)
    found: dict[str, None] = {}
    for path in touched:
        for name in NESTED:
            folder = posixpath.dirname(path)
            while folder:
                if (candidate := f"{folder}/{name}") in names:
                    found[candidate] = None
                    break
                folder = posixpath.dirname(folder)
    return tuple(found)[:_MOST_NESTED]


def _only_names_another(text: str) -> bool:
    return len(text) <= _IMPORT_ONLY and text.startswith("@") and "\n" not in text
