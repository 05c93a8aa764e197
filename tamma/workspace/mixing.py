"""A change put onto another base: three trees made into one, in the object database. No work tree is touched.

libgit2 merges the trees, as it does for platforms without a server of their own; where two texts changed the
same place, git's `merge-file` writes both into the file between conflict markers, with what was there before.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import pygit2

from tamma.errors import Conflict
from tamma.workspace.git import Git, GitFailed

_FILE = 0o100000
_KIND = 0o170000
_MOST_CONFLICTS = 127
"""What `git merge-file` gives as its exit code at most; beyond that it failed."""
BEFORE, CHANGE = "before", "this change"


@dataclass(frozen=True, slots=True)
class Mixture:
    """What became of three trees."""

    tree: str
    marked: Mapping[str, str]
    """Path -> text with conflict markers: that of the file in `tree`."""
    whole: tuple[str, ...] = ()
    """Conflicts that lines cannot show, in words: a file is gone on one side, or is no text."""


@dataclass(frozen=True, slots=True)
class _Sides:
    """One conflict: what the path was, and what base and change made of it."""

    before: pygit2.IndexEntry | None
    base: pygit2.IndexEntry | None
    change: pygit2.IndexEntry | None

    @property
    def there(self) -> tuple[pygit2.IndexEntry, ...]:
        return tuple(side for side in (self.before, self.base, self.change) if side is not None)

    @property
    def path(self) -> str:
        return str((self.change or self.base or self.there[0]).path)


async def mix(git: Git, before: str, base: str, change: str, label: str) -> Mixture:
    """The tree of the commit `base` with what `change` makes of `before`. `label` names the base in markers.

    Raises Conflict where what both sides made cannot stand side by side in one tree.
    """
    index, conflicts = await asyncio.to_thread(_merge, git.git_dir, before, base, change)
    texts: dict[str, bytes] = {}
    for sides in conflicts:
        text = await _merge_text(git, sides, label)
        if text is not None:
            texts[sides.path] = text
    return await asyncio.to_thread(_written, git.git_dir, index, conflicts, texts, label)


def _merge(git_dir: Path, before: str, base: str, change: str) -> tuple[pygit2.Index, list[_Sides]]:
    import pygit2

    repo = pygit2.Repository(str(git_dir))
    ancestor, ours, theirs = (repo[commit].peel(pygit2.Commit).tree for commit in (before, base, change))
    index = repo.merge_trees(ancestor, ours, theirs)
    if index.conflicts is None:
        return index, []
    found = cast("Iterator[tuple[pygit2.IndexEntry | None, ...]]", iter(index.conflicts))
    return index, [_Sides(*sides) for sides in found]


async def _merge_text(git: Git, sides: _Sides, label: str) -> bytes | None:
    """Both sides in one text; None where there is no such text."""
    if sides.base is None or sides.change is None or len({str(side.path) for side in sides.there}) > 1:
        return None
    contents = await asyncio.to_thread(_contents, git.git_dir, sides)
    if contents is None:
        return None
    with tempfile.TemporaryDirectory(dir=git.git_dir.parent, prefix="merge-") as folder:
        names: list[str] = []
        for name, content in zip(("base", "before", "change"), contents, strict=True):
            (Path(folder) / name).write_bytes(content)
            names.append(str(Path(folder) / name))
        labels = ("-L", label, "-L", BEFORE, "-L", CHANGE)
        result = await git.run("merge-file", "-p", "-q", "--diff3", *labels, *names, check=False)
    if result.code > _MOST_CONFLICTS:
        raise GitFailed("merge-file", result)
    return result.stdout


def _contents(git_dir: Path, sides: _Sides) -> tuple[bytes, bytes, bytes] | None:
    """The texts of base, before and change; None where one of them is none."""
    import pygit2

    repo = pygit2.Repository(str(git_dir))
    found: list[bytes] = []
    for side in (sides.base, sides.before, sides.change):
        if side is None:
            found.append(b"")
            continue
        blob = repo[side.id] if int(side.mode) & _KIND == _FILE else None
        if not isinstance(blob, pygit2.Blob) or blob.is_binary:
            return None
        found.append(blob.data)
    return found[0], found[1], found[2]


def _written(
    git_dir: Path, index: pygit2.Index, conflicts: list[_Sides], texts: Mapping[str, bytes], label: str
) -> Mixture:
    import pygit2

    repo = pygit2.Repository(str(git_dir))
    marked: dict[str, str] = {}
    whole: list[str] = []
    for path in {str(side.path) for sides in conflicts for side in sides.there}:
        del index.conflicts[path]  # pyright: ignore[reportOptionalSubscript]  (there are conflicts)
    try:
        for sides in conflicts:
            if sides.path in texts:
                text = texts[sides.path]
                assert sides.base is not None
                assert sides.change is not None
                kept = sides.change if _mode_changed(sides) else sides.base
                index.add(pygit2.IndexEntry(sides.path, repo.create_blob(text), kept.mode))
                marked[sides.path] = text.decode("utf-8", "replace")
            else:
                # The base's where it has one; what the base deleted and the change still needs is shown, too.
                for side in (sides.change, sides.base):
                    if side is not None:
                        index.add(side)
                whole.append(_in_words(sides, label))
        tree = index.write_tree(repo)
    except (pygit2.GitError, OSError) as error:
        paths = ", ".join(sorted(sides.path for sides in conflicts)[:5])
        raise Conflict(
            f"the change cannot be laid onto {label!r}: {paths}: {error}",
            hint="put the branch onto its base by hand",
        ) from error
    return Mixture(str(tree), marked, tuple(whole))


def _mode_changed(sides: _Sides) -> bool:
    assert sides.change is not None
    return sides.before is not None and sides.before.mode != sides.change.mode


def _in_words(sides: _Sides, label: str) -> str:
    if sides.base is None and sides.change is None:
        return f"{sides.path}: renamed on both sides"
    if sides.base is None:
        return f"{sides.path}: {label} deleted or renamed it, this change changed it"
    if sides.change is None:
        return f"{sides.path}: this change deleted or renamed it, {label} changed it"
    if str(sides.base.path) != str(sides.change.path):
        return f"{sides.path}: renamed on both sides"
    return f"{sides.path}: changed on both sides, and not as text; what stands there is {label}'s"
