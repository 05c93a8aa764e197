"""The commit that the work starts from, read as it was: what an agent changes since cannot change it.

What a repository says of itself (its instructions, its `.tamma.json`, its map) is read from here and never
from the work tree, also where a workspace was rebuilt with work in it.
"""

from __future__ import annotations

import posixpath
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pygit2

_MOST_PATHS = 200_000
_MOST_LINKS = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the commit."""

    id: str
    mode: int


class BaseTree:
    """The files of one commit. For one thread at a time."""

    def __init__(self, git_dir: Path, sha: str) -> None:
        import pygit2

        self._repo = pygit2.Repository(str(git_dir))
        self._root = self._repo.revparse_single(f"{sha}^{{tree}}")
        self._entries: dict[str, Entry] | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """The files' paths, sorted; links are among them, submodules are not."""
        return tuple(sorted(self._files()))

    def size(self, path: str) -> int:
        """In bytes; 0 where there is no such file."""
        blob = self._blob(path)
        return blob.size if blob is not None else 0

    def read(self, path: str, largest: int) -> str | None:
        """A text file's content. None where it is not there, larger than `largest` bytes, or binary.

        A link to another file of the commit is followed; one that leads out of it is not there.
        """
        blob = self._blob(path)
        if blob is None or blob.size > largest:
            return None
        content = blob.data
        if b"\0" in content[:8000]:
            return None
        return content.decode("utf-8", "replace")

    def _blob(self, path: str) -> pygit2.Blob | None:
        import pygit2

        files = self._files()
        for _ in range(_MOST_LINKS):
            entry = files.get(path)
            if entry is None:
                return None
            try:
                found = self._repo[entry.id]
            except KeyError:  # a clone that leaves contents out
                return None
            if not isinstance(found, pygit2.Blob):
                return None
            if not stat.S_ISLNK(entry.mode):
                return found
            target = found.data.decode("utf-8", "replace")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        return None

    def _files(self) -> dict[str, Entry]:
        if self._entries is None:
            self._entries = {}
            self._walk()
        return self._entries

    def _walk(self) -> None:
        import pygit2

        assert self._entries is not None
        waiting: list[tuple[str, object]] = [("", self._root)]
        while waiting and len(self._entries) < _MOST_PATHS:
            prefix, tree = waiting.pop()
            if not isinstance(tree, pygit2.Tree):
                continue
            for item in tree:
                name = f"{prefix}{item.name}"
                if isinstance(item, pygit2.Tree):
                    waiting.append((f"{name}/", item))
                elif isinstance(item, pygit2.Blob):
                    self._entries[name] = Entry(str(item.id), int(item.filemode))
