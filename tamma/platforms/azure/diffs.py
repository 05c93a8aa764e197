"""The difference of two commits as `git diff` writes it, from Azure DevOps' trees and files.

Azure DevOps has no unified diff. Its lists of changes leave out the modes, and a file that became a symbolic
link must not look like an edited one: so the trees are compared, folder by folder where they differ, and
libgit2 writes what git would.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tamma.errors import PlatformError
from tamma.platforms.azure.models import TreeAnswer, TreeEntry

FILES = 1_000
"""Files of a difference at most, and of folders as many: each is a request."""
BYTES = 64 * 1024 * 1024
"""Bytes of the files on both sides at most."""

ReadTree = Callable[[str], Awaitable[TreeAnswer]]
ReadBlob = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Side:
    """A file on one side."""

    mode: int
    sha: str


Sides = dict[str, tuple[Side | None, Side | None]]


async def unified(base_tree: str, head_tree: str, read_tree: ReadTree, read_blob: ReadBlob) -> str:
    """The unified diff. Raises PlatformError for a difference that is too large."""
    differing = await _differing(base_tree, head_tree, read_tree)
    wanted = sorted(
        {
            side.sha
            for pair in differing.values()
            for side in pair
            if side is not None and side.mode != _SUBMODULE
        }
    )
    contents: dict[str, bytes] = {}
    size = 0
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        for sha, content in zip(some, await asyncio.gather(*map(read_blob, some)), strict=True):
            contents[sha] = content
            size += len(content)
        if size > BYTES:
            raise _too_large(f"more than {BYTES} bytes")
    return await asyncio.to_thread(written, differing, contents)


_AT_ONCE = 10
_SUBMODULE = 0o160000
_TREE = 0o040000


async def _differing(base_tree: str, head_tree: str, read_tree: ReadTree) -> Sides:
    """Paths to what they are on both sides, where that differs."""
    found: Sides = {}
    folders: list[tuple[str, str | None, str | None]] = [("", base_tree, head_tree)]
    read = 0
    while folders:
        prefix, old, new = folders.pop()
        if old == new:
            continue
        read += 1
        before, after = [_entries(await read_tree(sha)) if sha else {} for sha in (old, new)]
        for name in sorted(before.keys() | after.keys()):
            sides = before.get(name), after.get(name)
            path = f"{prefix}{name}"
            trees = [side.object_id if side is not None and _is_tree(side) else None for side in sides]
            if any(trees):
                folders.append((f"{path}/", trees[0], trees[1]))
            files = tuple(_side(side) for side in sides)
            if files[0] != files[1]:
                found[path] = files[0], files[1]
        if max(read, len(found)) > FILES:
            raise _too_large(f"more than {FILES} files or folders")
    return found


def written(differing: Sides, contents: Mapping[str, bytes]) -> str:
    """What git writes about files that differ. Reads and writes a temporary repository."""
    import pygit2

    with tempfile.TemporaryDirectory(prefix="tamma-diff-") as folder:
        repo = pygit2.init_repository(folder, bare=True)
        for content in contents.values():
            repo.create_blob(content)
        trees: list[pygit2.Tree] = []
        for number in (0, 1):
            index = pygit2.Index()
            for path, pair in differing.items():
                side = pair[number]
                if side is not None:
                    mode = pygit2.enums.FileMode(side.mode)
                    index.add(pygit2.IndexEntry(path, pygit2.Oid(hex=side.sha), mode))
            trees.append(repo[index.write_tree(repo)].peel(pygit2.Tree))
        diff = trees[0].diff_to_tree(trees[1])
        diff.find_similar()
        patches = [patch.data for patch in diff if patch is not None]
        return b"".join(patches).decode("utf-8", "surrogateescape")


def _entries(tree: TreeAnswer) -> dict[str, TreeEntry]:
    return {entry.relative_path: entry for entry in tree.tree_entries}


def _is_tree(entry: TreeEntry) -> bool:
    return int(entry.mode, 8) == _TREE


def _side(entry: TreeEntry | None) -> Side | None:
    return None if entry is None or _is_tree(entry) else Side(int(entry.mode, 8), entry.object_id)


def _too_large(what: str) -> PlatformError:
    return PlatformError(
        f"the difference has {what}", hint="look at it in a clone, with git diff base...head"
    )
