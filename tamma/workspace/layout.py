"""Where the parts of a workspace stand on disk, and the note that it was prepared."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from tamma.errors import WorkspaceLost

_VERSION = 1
_LOCK_POLL = 0.1
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def folder_name(workspace_id: str) -> str:
    """A folder's name for any id: the id itself where it is plain, else a readable part and a hash."""
    if _PLAIN.fullmatch(workspace_id):
        return workspace_id
    digest = hashlib.sha256(workspace_id.encode()).hexdigest()[:16]
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", workspace_id).strip("-.")[:60]
    return f"{readable or 'workspace'}-{digest}"


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one workspace."""

    folder: Path

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    @property
    def git(self) -> Path:
        """The trusted git directory."""
        return self.folder / "git"

    @property
    def snap(self) -> Path:
        """The git directory of the snapshots, which borrows the objects of `git`."""
        return self.folder / "snap"

    @property
    def view(self) -> Path:
        """The metadata that the sandbox sees as `.git`: made from `git`, never read back."""
        return self.folder / "gitview"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def tmp(self) -> Path:
        return self.folder / "tmp"

    @property
    def shm(self) -> Path:
        return self.folder / "shm"

    @property
    def env(self) -> Path:
        """A link to the project's environment in the cache, once it was built."""
        return self.folder / "env"

    @property
    def bare(self) -> Path:
        """Environments without the project itself, where that cannot be built."""
        return self.folder / "bare"

    @property
    def meta(self) -> Path:
        return self.folder / "meta.json"


@dataclass(frozen=True, slots=True)
class Meta:
    """What was prepared. Written last: a folder without it is half-made."""

    id: str
    clone_url: str
    base_branch: str
    base_sha: str
    branch: str
    restored: bool
    checkpoint: str | None
    """The blob that it was restored from."""
    version: int = _VERSION
    seeded_on: str = ""
    """The commit that was asked for, where `base_sha` was made on top of it."""
    holder: str = ""
    """The workflow id of the run that it was made for."""


def write_meta(layout: Layout, meta: Meta) -> None:
    """Write the note atomically."""
    write_atomically(layout.meta, json.dumps(asdict(meta), indent=1).encode())


def read_meta(layout: Layout) -> Meta:
    """The note. Raises WorkspaceLost where there is none, or one that this version cannot read."""
    try:
        values = json.loads(layout.meta.read_bytes())
        meta = Meta(**values)
    except (OSError, ValueError, TypeError) as error:
        raise WorkspaceLost(
            f"this host has no prepared workspace in {str(layout.folder)!r}: {error}",
            hint="prepare it again; it is rebuilt from its last checkpoint",
        ) from error
    if meta.version != _VERSION:
        raise WorkspaceLost(
            f"the workspace {meta.id!r} was made by another version of Tamma",
            hint="prepare it again; it is rebuilt from its last checkpoint",
        )
    return meta


@asynccontextmanager
async def locked(path: Path) -> AsyncGenerator[None]:
    """Hold the lock file `path`, against tasks of this process and other processes of this host.

    The kernel gives it up with the process that holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        while not _try_lock(file):  # noqa: ASYNC110  (another process tells no event)
            await asyncio.sleep(_LOCK_POLL)
        yield


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside `path`, flush to disk, then rename: a reader sees the old content or the new."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
