"""Git LFS: contents that are not in the repository, and pointers in their place. Neither fetched nor written.

No filter runs in the trusted git directory, so that a changed file would be committed as it is: contents
where everyone else expects a pointer, or a pointer to what was never uploaded. Both are refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pygit2

from tamma.workspace.git import Git
from tamma.workspace.rawdiff import RawDelta

_POINTER = re.compile(
    rb"version https://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/v1\n(?:[a-z0-9.-]+ .*\n)*?"
    rb"oid sha256:([0-9a-f]{64})\nsize \d+\n"
)
"""Git LFS's specification (docs/spec.md there), with its older name."""
LONGEST_POINTER = 1024
"""Bytes; so Git LFS itself tells pointers from contents."""


def is_pointer(content: bytes) -> bool:
    """Whether `content` stands for contents in Git LFS."""
    return len(content) < LONGEST_POINTER and _POINTER.match(content) is not None


def problem(old: bytes | None, new: bytes, *, tracked: bool, known: bool) -> str:
    """Why a file may not become `new` for Git LFS's sake; empty where it may.

    `tracked`: the attributes say `filter=lfs`. `known`: the base has the same content somewhere, so that a
    pointer was only moved or copied. A repository whose attributes are not followed is left in peace.
    """
    if is_pointer(new):
        return "" if known else "a Git LFS pointer to contents that nobody has uploaded"
    if old is not None and is_pointer(old):
        return "the file's contents are kept in Git LFS, which Tamma does not write to"
    if old is None and tracked:
        return "the repository keeps such files in Git LFS (.gitattributes), which Tamma does not write to"
    return ""


async def problems(git: Git, base: str, deltas: Iterable[RawDelta]) -> dict[str, str]:
    """By path, what `problem` says of the staged changes against the commit `base`."""
    import pygit2

    written = [delta for delta in deltas if delta.mode.startswith("100")]
    names = b"\0".join(os.fsencode(delta.path) for delta in written)
    asked = await git.run("check-attr", "--cached", "--stdin", "-z", "filter", stdin=names)
    fields = os.fsdecode(asked.stdout).split("\0")
    tracked = {path for path, value in zip(fields[::3], fields[2::3], strict=False) if value == "lfs"}
    repository = pygit2.Repository(str(git.git_dir))
    of_base: set[str] | None = None
    found: dict[str, str] = {}
    for delta in written:
        new = _beginning(repository, delta.blob)
        old = _beginning(repository, delta.old_blob) if delta.old_mode.startswith("100") else None
        if of_base is None and is_pointer(new):
            of_base = await _blobs(git, base)
        known = of_base is not None and delta.blob in of_base
        found[delta.path] = problem(old, new, tracked=delta.path in tracked, known=known)
    return found


async def _blobs(git: Git, commit: str) -> set[str]:
    listed = await git.run("ls-tree", "-r", "-z", commit)
    return {entry.split(b"\t")[0].split()[2].decode() for entry in listed.stdout.split(b"\0") if entry}


def _beginning(repository: pygit2.Repository, sha: str) -> bytes:
    """A content that is short enough for a pointer; nothing of a longer one."""
    import pygit2

    blob = repository[sha].peel(pygit2.Blob)
    return blob.data if blob.size < LONGEST_POINTER else b""
