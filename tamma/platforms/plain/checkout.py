"""Bring a checkout along when its branch moves: all of it or nothing, also across a crash.

The order is: look (clean? anything in the way?), write a journal into the git directory, move the branch,
update files and index, remove the journal. A process killed anywhere in between leaves either nothing done
or a journal, and `finish` completes what the journal says: paths that hold neither the old nor the new
content (nor a piece of the new one, left by the kill) were edited by a person, and are never touched.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pygit2

from tamma.errors import Conflict, Transient
from tamma.platforms.git.command import run_git

_JOURNAL = "tamma-merge.json"
_LOCK = "tamma-merge.lock"
_INDEX = "tamma-merge.index"
_SUBMODULE = "160000"
_LOCKED_BY_US = b"held by tamma: a merge brings this checkout along\n"


@dataclass(frozen=True, slots=True)
class Journal:
    """A move of `branch` from commit `old` to commit `new` that the checkout must follow."""

    branch: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as Git records it."""

    object_id: str
    mode: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """A work tree that has the branch checked out. The lock is held while this exists."""

    root: Path
    git_dir: Path
    lock: int

    def why_not(self, old: str, new: str) -> str:
        """Why this checkout cannot follow from `old` to `new`; empty where it can."""
        dirty = self._changed(old)
        if dirty:
            return f"the checkout at {str(self.root)!r} has changes of its own ({_few(dirty)})"
        blocked = self._in_the_way(old, new)
        if blocked:
            return f"untracked files in {str(self.root)!r} would be overwritten ({_few(blocked)})"
        return ""

    def begin(self, journal: Journal) -> None:
        """Write down what is about to happen, durably."""
        temporary = self.git_dir / f"{_JOURNAL}.new"
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(asdict(journal), file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.git_dir / _JOURNAL)

    def pending(self) -> Journal | None:
        """What an earlier process began and did not end."""
        try:
            return Journal(**json.loads((self.git_dir / _JOURNAL).read_text("utf-8")))
        except FileNotFoundError:
            return None

    def end(self) -> None:
        (self.git_dir / _JOURNAL).unlink(missing_ok=True)

    def follow(self, journal: Journal) -> None:
        """Update files and index from the old to the new tree. Raises Transient while the index is locked."""
        # Git locks the index by a file of this name. Taking it ourselves, and working on a copy of the index,
        # lets a later attempt tell a lock that our kill left from one that somebody's git holds right now.
        lock, copy = self.git_dir / "index.lock", self.git_dir / _INDEX
        copy.write_bytes(_LOCKED_BY_US)
        try:
            os.link(copy, lock)  # appears with its content: an empty one would look like Git's own
        except FileExistsError as error:
            raise Transient(f"another Git process works in {str(self.root)!r}", retry_after=2.0) from error
        finally:
            copy.unlink()
        try:
            shutil.copyfile(self.git_dir / "index", copy)
            env = {"GIT_INDEX_FILE": str(copy)}
            self._git("update-index", "-q", "--refresh", check=False, env=env)
            done = self._git("read-tree", "-m", "-u", journal.old, journal.new, check=False, env=env)
            if done.returncode != 0:
                said = done.stderr.decode(errors="replace").strip()
                raise Transient(
                    f"the checkout at {str(self.root)!r} could not be updated: {said}",
                    hint=f"the branch has moved; it is tried again. By hand: git -C {self.root} status",
                )
            copy.replace(self.git_dir / "index")
        finally:
            lock.unlink(missing_ok=True)
        self.end()

    def finish(self, journal: Journal) -> None:
        """Complete an update that was cut off. Raises Conflict where a person has changed files since."""
        self._clear_leftovers()
        if not self._index_is(journal.new):
            self._return_to_old(journal)
            self.follow(journal)
        self.end()

    def _return_to_old(self, journal: Journal) -> None:
        """Put the paths that the cut-off update had reached back, so that it can run again from its start."""
        mixed: list[str] = []
        for path, old, new in self._differing(journal.old, journal.new):
            present = self._entry(path)
            if present == old:
                continue
            if present is not None and present != new and not self._is_piece(path, new):
                raise Conflict(
                    f"{path!r} in {str(self.root)!r} was changed while a merge was being finished",
                    hint=f"the branch {journal.branch!r} has moved to {journal.new[:12]}; run git -C "
                    f"{self.root} status, settle the file, then delete {self.git_dir / _JOURNAL}",
                )
            (self.root / path).unlink(missing_ok=True)
            if old is not None:
                mixed.append(path)
        if mixed:
            names = b"\0".join(os.fsencode(path) for path in mixed) + b"\0"
            self._git("checkout-index", "-f", "-u", "-z", "--stdin", input_=names)

    def _changed(self, old: str) -> list[str]:
        """Tracked paths that differ from `old`, in the index or the work tree."""
        status = self._git("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames").stdout
        changed = [os.fsdecode(entry[3:]) for entry in status.split(b"\0") if entry]
        if not changed and not self._index_is(old):
            return ["the index"]
        return changed

    def _in_the_way(self, old: str, new: str) -> list[str]:
        """Files that Git does not track (ignored ones too) where `new` brings its own."""
        tracked = {os.fsdecode(path) for path in self._git("ls-files", "-z").stdout.split(b"\0") if path}
        blocked: list[str] = []
        for path, before, after in self._differing(old, new):
            if after is None or before is not None:
                continue
            for place in (*reversed(Path(path).parents), Path(path)):
                full = self.root / place
                if place == Path() or str(place) in tracked or not os.path.lexists(full):
                    continue
                if full.is_dir() and not full.is_symlink():
                    if place == Path(path):
                        blocked += _untracked_below(self.root, place, tracked)
                    continue
                blocked.append(str(place))
        return sorted(set(blocked))

    def _differing(self, old: str, new: str) -> list[tuple[str, Entry | None, Entry | None]]:
        """(path, what it was, what it becomes) of every path that differs between the two commits."""
        raw = self._git("diff-tree", "-r", "-z", "--no-renames", "--raw", "--no-abbrev", old, new).stdout
        fields = raw.split(b"\0")
        found: list[tuple[str, Entry | None, Entry | None]] = []
        for meta, path in zip(fields[0::2], fields[1::2], strict=False):
            mode_before, mode_after, before, after, _ = meta.decode().lstrip(":").split(" ")
            if _SUBMODULE in (mode_before, mode_after):
                continue  # read-tree leaves the folder of a submodule alone
            found.append((os.fsdecode(path), _entry(before, mode_before), _entry(after, mode_after)))
        return found

    def _entry(self, path: str) -> Entry | None:
        """What Git would record for the file in the work tree (filters applied); None where there is none."""
        full = self.root / path
        if full.is_symlink():
            return Entry(str(pygit2.hash(os.fsencode(os.readlink(full)))), "120000")
        if not full.is_file():
            return None
        object_id = self._git("hash-object", f"--path={path}", "--", str(full)).stdout.decode().strip()
        return Entry(object_id, "100755" if os.access(full, os.X_OK) else "100644")

    def _is_piece(self, path: str, new: Entry | None) -> bool:
        """Whether the file is the beginning of the new one: what a kill in the middle of a write leaves."""
        full = self.root / path
        if new is None or full.is_symlink() or not full.is_file():
            return False
        content = self._git("cat-file", "--filters", f"--path={path}", new.object_id).stdout
        return content.startswith(full.read_bytes())

    def _clear_leftovers(self) -> None:
        """Remove what a killed attempt left; nobody of ours is alive, or we would not hold the lock."""
        lock = self.git_dir / "index.lock"
        if lock.is_file() and lock.read_bytes() == _LOCKED_BY_US:
            lock.unlink()
        (self.git_dir / _INDEX).unlink(missing_ok=True)
        (self.git_dir / f"{_INDEX}.lock").unlink(missing_ok=True)

    def _index_is(self, commit: str) -> bool:
        return self._git("diff-index", "--cached", "--quiet", commit, check=False).returncode == 0

    def _git(
        self,
        *arguments: str,
        check: bool = True,
        input_: bytes | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        # The child inherits our lock: where we are killed, the next attempt waits until the child has ended.
        fds = (self.lock,)
        return run_git(*arguments, cwd=str(self.root), check=check, input_=input_, env=env, pass_fds=fds)


@contextmanager
def checkout_of(repo: pygit2.Repository, branch: str) -> Generator[Checkout | None]:
    """The work tree (the main one or a linked one) where `branch` is checked out, locked; None where none is.

    Raises Transient while another process merges into it.
    """
    root = _find(repo, branch)
    if root is None:
        yield None
        return
    git_dir = Path(run_git("rev-parse", "--absolute-git-dir", cwd=root).stdout.decode().strip())
    lock = os.open(git_dir / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Transient(f"another process merges into {root!r}", retry_after=1.0) from error
        yield Checkout(Path(root), git_dir, lock)
    finally:
        os.close(lock)


def _find(repo: pygit2.Repository, branch: str) -> str | None:
    listing = run_git("worktree", "list", "--porcelain", cwd=repo.path).stdout.decode(
        errors="surrogateescape"
    )
    root = ""
    for line in listing.splitlines():
        if line.startswith("worktree "):
            root = line.removeprefix("worktree ")
        elif line == f"branch refs/heads/{branch}" and Path(root).is_dir():
            return root
    return None


def _untracked_below(root: Path, folder: Path, tracked: set[str]) -> list[str]:
    return [
        str(path)
        for full in (root / folder).rglob("*")
        if not full.is_dir() and str(path := full.relative_to(root)) not in tracked
    ]


def _entry(object_id: str, mode: str) -> Entry | None:
    return None if set(object_id) == {"0"} else Entry(object_id, mode)


def _few(paths: list[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
