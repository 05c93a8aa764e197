"""Which files a text names, and whether two lists of files meet. Pure.

It is a guess that only ever makes an issue wait: a name that is missed lets two runs meet in a merge
conflict, as they would have anyway; one too many lets an issue wait for the end of a run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MOST_FILES = 50
LONGEST_TEXT = 50_000
"""Characters of a text that are looked at."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_WORD = re.compile(r"[\w./-]+")
_SUFFIXES = frozenset(
    {
        "bash", "c", "cc", "cfg", "cjs", "conf", "cpp", "cs", "css", "csv", "cts", "cxx", "dart", "ex",
        "exs", "fs", "go", "gradle", "graphql", "h", "hcl", "hh", "hpp", "hs", "html", "ini", "ipynb",
        "java", "jinja", "js", "json", "jsx", "kt", "kts", "less", "lock", "lua", "md", "mdx", "mjs", "ml",
        "mm", "mts", "nix", "php", "pl", "proto", "ps1", "py", "pyi", "r", "rb", "rs", "rst", "sass",
        "scala", "scss", "sh", "sol", "sql", "svelte", "svg", "swift", "tex", "tf", "toml", "ts", "tsx",
        "txt", "vue", "xml", "yaml", "yml", "zig",
    }
)  # fmt: skip
_WHOLE = frozenset({"makefile", "dockerfile", "codeowners", "gemfile", "rakefile", "justfile", "procfile"})
_PRODUCTS = frozenset(
    {"node.js", "vue.js", "next.js", "nuxt.js", "react.js", "express.js", "three.js", "d3.js", "backbone.js"}
)
"""Names of software that look like names of files."""
_STEP = re.compile(r"^[ \t]*\d+[.)][ \t].*", re.MULTILINE)

SHARED_BY_ALL = frozenset(
    {
        "changelog.md", "changelog.rst", "changelog.txt", "changes.md", "changes.rst", "history.md",
        "history.rst", "news.md", "news.rst", "releases.md",
    }
)  # fmt: skip
"""Every change adds a line to them: who waits for that waits for everybody."""


def files_named(text: str) -> tuple[str, ...]:
    """The files that `text` names, each once, in the order of their appearance; at most `MOST_FILES`."""
    words = _WORD.findall(_URL.sub(" ", text[:LONGEST_TEXT]))
    found = dict.fromkeys(path for word in words if (path := _path(word)))
    return tuple(found)[:MOST_FILES]


def _path(word: str) -> str:
    """The word as a path within the repository; empty where it is none."""
    path = word.rstrip(".-").lstrip("/")
    while path.startswith("./"):
        path = path[2:]
    folders, _, name = path.rpartition("/")
    if ".." in folders.split("/"):
        return ""
    stem, _, suffix = name.lower().rpartition(".")
    if name.lower() in _WHOLE or (stem and suffix in _SUFFIXES and name.lower() not in _PRODUCTS):
        return path
    return ""


def files_planned(plan: str) -> tuple[str, ...]:
    """The files that the steps of a plan (Markdown) name: what it changes, and not what it only speaks of.

    A plan without numbered steps, which a person wrote, is taken as a whole. Without `SHARED_BY_ALL`.
    """
    steps = _STEP.findall(plan.partition("\n**")[0])
    named = files_named("\n".join(steps) if steps else plan)
    return tuple(path for path in named if path.rpartition("/")[2].lower() not in SHARED_BY_ALL)


def meeting(ours: Sequence[str], theirs: Iterable[str]) -> str | None:
    """The first of our files that is one of theirs: `calc.py` may mean any `…/calc.py`."""
    others = tuple(theirs)
    return next((path for path in ours if any(_same(path, other) for other in others)), None)


def _same(one: str, other: str) -> bool:
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")
