"""The manifests and lock files of a change: where their texts come from. What is made of them is in
`dependencies`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tamma.workspace.dependencies.compare import FileChange, dependency_changes
from tamma.workspace.dependencies.files import reader_of
from tamma.workspace.git import Git
from tamma.workspace.interface import DependencyChange
from tamma.workspace.policy import GITLINK_MODE, LINK_MODE, MOST_FILE_BYTES
from tamma.workspace.rawdiff import RawDelta

if TYPE_CHECKING:
    import pygit2

_UNREADABLE = "\0"
"""For what is too large or binary: text with this character is no manifest's."""


def judge_dependencies(git: Git, deltas: Iterable[RawDelta], issue: str) -> tuple[DependencyChange, ...]:
    """What the change makes the project depend on. `issue`: what it is about."""
    import pygit2

    repository = pygit2.Repository(str(git.git_dir))
    return dependency_changes(
        (
            FileChange(
                delta.path,
                _text(repository, delta.old_blob, delta.old_mode),
                _text(repository, delta.blob, delta.mode),
            )
            for delta in deltas
            if reader_of(delta.path) is not None
        ),
        issue,
    )


def _text(repository: pygit2.Repository, sha: str, mode: str) -> str | None:
    """None where there is no such file. A link is followed by whoever installs, but names nothing itself."""
    import pygit2

    if not sha.strip("0") or mode == GITLINK_MODE:
        return None
    blob = repository[sha].peel(pygit2.Blob)
    if mode == LINK_MODE or blob.size > MOST_FILE_BYTES or blob.is_binary:
        return _UNREADABLE
    return blob.data.decode("utf-8", "replace").replace("\r\n", "\n")
