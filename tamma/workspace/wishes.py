"""What a repository's `.tamma.json` asks of those who work on it, read from the commit the work starts from.

From that commit, not from the work tree: a change must not loosen the rules that it is judged by. The command
line checks the same file strictly where it can see it; here, on a worker, what cannot be read asks nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

FILE = ".tamma.json"
_LARGEST = 64_000


@dataclass(frozen=True, slots=True)
class Wishes:
    """`test_command` instead of a detected one; more `protected_paths` that want a person."""

    test_command: str | None = None
    protected_paths: tuple[str, ...] = ()


def wishes_at(git_dir: Path, sha: str) -> Wishes:
    """The wishes of the commit `sha`; none where there is no such file."""
    import pygit2

    tree = pygit2.Repository(str(git_dir)).revparse_single(f"{sha}^{{tree}}")
    if not isinstance(tree, pygit2.Tree) or FILE not in tree:
        return Wishes()
    blob = tree[FILE]
    if not isinstance(blob, pygit2.Blob) or blob.size > _LARGEST:
        return Wishes()
    return read_wishes(blob.data)


def read_wishes(text: bytes) -> Wishes:
    """The wishes in a file's text."""
    try:
        top: object = json.loads(text)
    except ValueError:
        return Wishes()
    run = _mapping(_mapping(top).get("run"))
    command, paths = run.get("testCommand"), run.get("protectedPaths")
    return Wishes(
        command.strip() if isinstance(command, str) and command.strip() else None,
        tuple(path for path in cast("list[object]", paths) if isinstance(path, str))
        if isinstance(paths, list)
        else (),
    )


def _mapping(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
