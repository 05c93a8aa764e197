"""What the memory platform remembers: typed state in one JSON file that processes share, and the ledger.

A write and its ledger line cannot come apart: the line is saved in the state's outbox first, together with
the effect, and whoever opens the state next appends what a killed process could not.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from tamma.model.repository import (
    Check,
    CiJob,
    CiRun,
    Comment,
    Issue,
    MergeMethod,
    PullRequest,
    Review,
)


@dataclass(slots=True)
class StoredComment:
    comment: Comment
    op_id: str | None = None


@dataclass(slots=True)
class PendingMerge:
    """Written before the base moves from `old` to `new`: a killed merge is completed, not repeated."""

    old: str
    new: str


@dataclass(slots=True)
class Scheduled:
    """A merge that the platform was asked for and makes itself."""

    method: MergeMethod
    head: str
    """The commit it is pinned to: dropped where the branch moves."""
    message: str
    when_ready: bool
    """Made when nothing stands in its way; else after `looks` looks at the pull request."""
    looks: int = 0


@dataclass(slots=True)
class StoredPull:
    pull: PullRequest
    op_id: str | None = None
    merging: PendingMerge | None = None
    labels: tuple[str, ...] = ()
    """These count, not those of `pull`."""
    scheduled: Scheduled | None = None
    looks: int = 0
    """How often somebody asked whether it can be merged."""


@dataclass(slots=True)
class StoredReview:
    review: Review
    op_id: str | None = None


@dataclass(slots=True)
class StoredThread:
    id: str
    path: str
    line: int | None
    sha: str
    """The head it was begun on."""
    comments: list[StoredComment]
    resolved: bool = False


@dataclass(slots=True)
class StoredJob:
    job: CiJob
    log: str = ""


@dataclass(slots=True)
class StoredRun:
    run: CiRun
    jobs: list[StoredJob]
    op_id: str | None = None


@dataclass(slots=True)
class RepoState:
    """One repository's issues and pull requests, by number; both count from one sequence, as on a forge."""

    issues: dict[str, Issue] = field(default_factory=dict[str, Issue])
    pulls: dict[str, StoredPull] = field(default_factory=dict[str, StoredPull])
    comments: dict[str, list[StoredComment]] = field(default_factory=dict[str, list[StoredComment]])
    checks: dict[str, list[Check]] = field(default_factory=dict[str, list[Check]])
    """What others reported, by commit."""
    statuses: dict[str, list[Check]] = field(default_factory=dict[str, list[Check]])
    """What we reported, by commit."""
    reviews: dict[str, list[StoredReview]] = field(default_factory=dict[str, list[StoredReview]])
    threads: dict[str, list[StoredThread]] = field(default_factory=dict[str, list[StoredThread]])
    runs: dict[str, StoredRun] = field(default_factory=dict[str, StoredRun])
    last_number: int = 0
    last_id: int = 0

    def new_number(self) -> str:
        self.last_number += 1
        return str(self.last_number)

    def new_id(self) -> str:
        """Of a comment, review, thread, run or job."""
        self.last_id = max(self.last_id, sum(len(there) for there in self.comments.values())) + 1
        return str(self.last_id)


@dataclass(slots=True)
class LedgerEntry:
    """One call of a writing method. `effect` is False where it found everything done already."""

    seq: int
    at: float
    pid: int
    op: str
    repo: str
    effect: bool
    detail: str = ""


@dataclass(slots=True)
class MemoryState:
    repos: dict[str, RepoState] = field(default_factory=dict[str, RepoState])
    faults_used: dict[str, int] = field(default_factory=dict[str, int])
    seq: int = 0
    outbox: list[LedgerEntry] = field(default_factory=list[LedgerEntry])

    def record(self, op: str, repo: str, *, effect: bool, detail: str) -> None:
        self.seq += 1
        self.outbox.append(LedgerEntry(self.seq, time.time(), os.getpid(), op, repo, effect, detail))


class StateStore:
    """The state behind a lock, in memory or in a file. Blocking; one transaction at a time."""

    def __init__(self, path: Path | None, ledger: Path | None) -> None:
        self._path = path
        self._ledger = ledger
        self._memory = MemoryState()
        self._lock = threading.Lock()

    @contextmanager
    def transaction(self) -> Generator[MemoryState]:
        """The state; saved atomically at the end, unless an exception leaves the block."""
        with self._lock, self._file_lock():
            state = self._load()
            self._flush(state)
            yield state
            self._save(state)
            self._flush(state)

    def checkpoint(self, state: MemoryState) -> None:
        """Save in the middle of a transaction: what follows may be killed."""
        self._save(state)

    @contextmanager
    def _file_lock(self) -> Generator[None]:
        if self._path is None:
            yield
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(f"{self._path.name}.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _load(self) -> MemoryState:
        if self._path is None or not self._path.exists():
            if self._ledger is not None:
                self._memory.seq = max(self._memory.seq, _last_seq(self._ledger))
            return self._memory
        return _adapter().validate_json(self._path.read_bytes())

    def _save(self, state: MemoryState) -> None:
        if self._path is None:
            self._memory = state
            return
        temporary = self._path.with_name(f"{self._path.name}.new")
        with temporary.open("wb") as file:
            file.write(_adapter().dump_json(state))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)

    def _flush(self, state: MemoryState) -> None:
        """Append the outbox's lines that the ledger lacks; the saved outbox is emptied by the next save."""
        if self._ledger is None or not state.outbox:
            state.outbox.clear()
            return
        self._ledger.parent.mkdir(parents=True, exist_ok=True)
        last = _last_seq(self._ledger)
        lines = [json.dumps(asdict(entry)) + "\n" for entry in state.outbox if entry.seq > last]
        if lines:
            descriptor = os.open(self._ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, "".join(lines).encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        state.outbox.clear()


def read_ledger(path: Path) -> list[LedgerEntry]:
    """All calls in order; none where the file is not there yet."""
    if not path.exists():
        return []
    return [LedgerEntry(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def _last_seq(path: Path) -> int:
    entries = read_ledger(path)
    return entries[-1].seq if entries else 0


@cache
def _adapter() -> TypeAdapter[MemoryState]:
    return TypeAdapter(MemoryState)
