"""One handle on each platform under test: the adapter, and what other people and CI do to the platform.

Here are the handles on platforms that need no server; `forge_harness` has the one for all that do.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NoReturn, cast

import pygit2
import pytest

from tamma.model.repository import (
    ChangeKind,
    Check,
    CheckState,
    Comment,
    FileChange,
    InlineComment,
    Issue,
    MergeMethod,
    PullRequestSpec,
    RepoRef,
    Review,
    ReviewEvent,
    Target,
)
from tamma.platforms.git import objects as gitdb
from tamma.platforms.interface import Platform, PlatformSettings
from tamma.platforms.memory.platform import MemoryPlatform
from tamma.platforms.memory.state import read_ledger
from tamma.registry import platforms
from tests.support.forge.faults import CrashKind
from tests.support.forge.world import FILES
from tests.support.forge.world import make_bare as bare_with


class Harness:
    """What the contract suite needs beside the adapter. Here is what cannot be shown: subclasses show it.

    A testbed that cannot show something skips the test that asks for it, visibly, and says what it was.
    """

    name = ""
    workflow: str | None = None
    """What `trigger_ci` is told to run."""
    many = 1000
    """How many issues are many pages, and not too slow to make."""
    platform: Platform
    repo: RepoRef

    def cannot(self, what: str) -> NoReturn:
        pytest.skip(f"{self.name} cannot show this here: {what}")

    def again(self) -> Platform:
        """Another object on the same account, as in another process. It is closed with the harness."""
        self.cannot("a second process")

    def impatient(self) -> Platform:
        """One that waits half a second for an answer."""
        self.cannot("a server that does not answer")

    def with_token(self, token: str) -> Platform:
        """One with other credentials."""
        self.cannot("other credentials")

    async def close(self) -> None:
        await self.platform.close()

    def login(self, name: str) -> str:
        """How the platform calls `octo`, `writer`, `reader` or `stranger`."""
        return name

    # --- effects and faults ----------------------------------------------------------------------------

    def changes(self) -> int:
        """How often anything was changed through the adapter."""
        self.cannot("how often something was changed")

    def effects(self) -> Mapping[str, int]:
        """The same by kind, in the testbed's own words."""
        self.cannot("what was changed")

    def struck(self) -> bool:
        """Whether what `arm` asked for has happened."""
        self.cannot("lost answers")

    def fingerprint(self) -> object:
        """All that people see, comparable with another harness's."""
        self.cannot("everything at once")

    def seen(self) -> tuple[int, int]:
        """Requests that were no reads, and requests that changed something, since `arm`."""
        self.cannot("lost answers")

    def arm(self, kind: CrashKind | None, nth: int, op: str) -> None:
        """Let the nth request of `op` that changes something end badly; None: count alone."""
        self.cannot("lost answers")

    def rate_limited(self, retry_after: int) -> None:
        """The next request is one too many."""
        self.cannot("rate limits")

    def unavailable(self, kind: Literal["error", "no_connection", "stall"]) -> None:
        """The next request meets a server that is out of order, or none."""
        self.cannot("a server that is out of order")

    # --- what the repository is like -------------------------------------------------------------------

    def archive(self) -> None:
        self.cannot("an archived repository")

    def rename(self, name: str) -> None:
        self.cannot("a renamed repository")

    def empty_repository(self) -> RepoRef:
        self.cannot("an empty repository")

    def protect(self, branch: str, checks: tuple[str, ...] = (), approvals: int = 0) -> None:
        self.cannot("a protected branch")

    def compute(self, reads: int) -> None:
        """Whether something can be merged is not known before it was asked so often."""
        self.cannot("mergeability that is being computed")

    def merge_later(self, reads: int) -> None:
        """Merges are accepted, and done when the pull request was read so often."""
        self.cannot("merges that complete later")

    def merges_by(self, method: MergeMethod) -> None:
        """Set the repository up for merges of that kind, where the platform has a setting for it."""

    # --- what people and CI do -------------------------------------------------------------------------

    async def add_issues(self, count: int, title: str = "A bug", body: str = "It fails") -> list[str]:
        """Their numbers."""
        self.cannot("issues of others")

    async def comment(self, target: Target, body: str, author: str = "octo") -> None:
        self.cannot("comments of others")

    async def push(self, branch: str, path: str, content: bytes) -> str:
        """Somebody pushes a commit; its sha."""
        self.cannot("pushes of others")

    async def open_pr(self, head: str, base: str, title: str = "Theirs") -> str:
        """Somebody opens one; its number."""
        self.cannot("pull requests of others")

    async def close_pr(self, number: str) -> None:
        self.cannot("others closing a pull request")

    async def merge_pr(self, number: str) -> str:
        """Somebody merges it; the merge commit."""
        self.cannot("others merging a pull request")

    async def report(self, sha: str, name: str, state: CheckState) -> None:
        """CI reports."""
        self.cannot("checks")

    async def review(self, number: str, event: ReviewEvent, body: str, author: str = "writer") -> None:
        self.cannot("reviews of others")

    async def remark(self, number: str, path: str, line: int, body: str, author: str = "writer") -> None:
        """Somebody opens a thread on a line."""
        self.cannot("remarks of others")

    async def start_run(self, branch: str, jobs: tuple[str, ...] = ("build",)) -> None:
        """CI starts by itself, as after a push."""
        self.cannot("runs of CI")

    async def finish_run(self, state: CheckState, log: bytes = b"") -> None:
        """The newest run is done; each of its unfinished jobs has written `log`."""
        self.cannot("runs of CI that end")


def make_platform(settings: PlatformSettings) -> Platform:
    """The adapter of that type, found as the worker finds it."""
    return platforms.get(settings.type).create_platform(settings)


def git(*arguments: str, cwd: Path) -> str:
    """Run git, as a person would in a terminal."""
    done = subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def make_checkout(path: Path, files: dict[str, str] | None = None) -> Path:
    """A repository with one commit on main, checked out."""
    path.mkdir(parents=True)
    git("init", "-q", "-b", "main", cwd=path)
    git("config", "user.name", "Mona", cwd=path)
    git("config", "user.email", "mona@example.test", cwd=path)
    for name, text in (files or {"README.md": "hello\n", "src/app.py": "print(1)\n"}).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text, encoding="utf-8")
    git("add", ".", cwd=path)
    git("commit", "-q", "-m", "first", cwd=path)
    return path


def make_bare(folder: Path) -> Path:
    """A bare repository with one commit on main."""
    return bare_with(folder / "hello.git", FILES)


def push_to(path: Path, branch: str, file: str, content: bytes) -> str:
    """A commit of somebody else's, straight into a repository that is on this disk."""
    repo = gitdb.open_repository(str(path))
    head = gitdb.require_branch(repo, branch)
    made = gitdb.commit_changes(repo, head, [FileChange(file, ChangeKind.WRITE, content)], "by another")
    gitdb.move_branch(repo, branch, head, made, "push")
    return made


class PlainGitHarness(Harness):
    """Nothing travels: an answer that is lost here is a killed process, which test_checkout kills."""

    name = "plain-git"

    def __init__(self, folder: Path) -> None:
        self.path = make_bare(folder)
        issues = {"12": "# A bug\nIt fails"}
        settings = PlatformSettings("git", "plain-git", options={"issues": issues})
        self.platform = make_platform(settings)
        self.repo = RepoRef("git", "", str(self.path))

    async def push(self, branch: str, path: str, content: bytes) -> str:
        return push_to(self.path, branch, path, content)


_WRITERS = ("octo", "writer")
"""Those of the people around a repository who may write to it."""


class MemoryHarness(Harness):
    name = "memory"
    many = 250

    def __init__(self, folder: Path) -> None:
        self.path = make_bare(folder)
        self.ledger = folder / "ledger.jsonl"
        self.state = folder / "state.json"
        self._options: dict[str, object] = {
            "repositories": {"octo/hello": str(self.path)},
            "state": str(self.state),
            "ledger": str(self.ledger),
            "users": ["tamma", *_WRITERS, "reader"],
            "longest": 65_536,
        }
        self._settings = PlatformSettings("memory", "memory", options=self._options)
        self._before = 0
        self._checks: dict[str, dict[str, Check]] = {}
        self._use(MemoryPlatform(self._settings))
        self.repo = RepoRef("memory", "octo", "hello")

    def _use(self, memory: MemoryPlatform) -> None:
        self.memory = memory
        self.platform = memory

    def again(self) -> Platform:
        return make_platform(self._settings)

    def effects(self) -> Mapping[str, int]:
        """By method."""
        return Counter(entry.op for entry in read_ledger(self.ledger) if entry.effect)

    def struck(self) -> bool:
        return bool(json.loads(self.state.read_text("utf-8"))["faults_used"])

    def changes(self) -> int:
        return sum(entry.effect for entry in read_ledger(self.ledger))

    def seen(self) -> tuple[int, int]:
        since = self.changes() - self._before
        return since, since

    def arm(self, kind: CrashKind | None, nth: int, op: str) -> None:
        """A method is one request here: its first."""
        self._before = self.changes()
        if kind is not None and nth == 0:
            when = "before" if kind == "fail_before" else "after"
            fault = {"on": op, "when": when, "times": 1, "error": "Transient"}
            settings = replace(self._settings, options={**self._options, "faults": [fault]})
            self._use(MemoryPlatform(settings))

    def fingerprint(self) -> object:
        git = pygit2.Repository(str(self.path))
        heads = {name: history(git, str(git.branches.local[name].target)) for name in git.branches.local}
        state: Any = json.loads(self.state.read_text("utf-8"))["repos"] if self.state.exists() else {}
        return {"branches": heads, "state": without_chance(state, git)}

    async def add_issues(self, count: int, title: str = "A bug", body: str = "It fails") -> list[str]:
        numbers = [str(index + 1) for index in range(count)]
        for number in numbers:
            await self.memory.add_issue(self.repo, Issue(number, title, body, "open"))
        return numbers

    async def comment(self, target: Target, body: str, author: str = "octo") -> None:
        await self.memory.add_comment(
            self.repo, target.number, Comment("c1", author, body, trusted=author in _WRITERS)
        )

    async def push(self, branch: str, path: str, content: bytes) -> str:
        return push_to(self.path, branch, path, content)

    def archive(self) -> None:
        self._tell(archived=["octo/hello"])

    def compute(self, reads: int) -> None:
        self._tell(computing=reads)

    def merge_later(self, reads: int) -> None:
        self._tell(mergesLater=reads)

    def _tell(self, **options: object) -> None:
        self._options: dict[str, object] = {**self._options, **options}
        self._settings = replace(self._settings, options=self._options)
        self._use(MemoryPlatform(self._settings))

    async def open_pr(self, head: str, base: str, title: str = "Theirs") -> str:
        spec = PullRequestSpec(head, base, title, "Because")
        return (await self.memory.somebody_opens(self.repo, spec, "octo")).number

    async def close_pr(self, number: str) -> None:
        await self.memory.somebody_closes(self.repo, number)

    async def merge_pr(self, number: str) -> str:
        return (await self.memory.somebody_merges(self.repo, number)).sha or ""

    async def review(self, number: str, event: ReviewEvent, body: str, author: str = "writer") -> None:
        await self.memory.add_review(
            self.repo, number, Review("r1", author, event, body, trusted=author in _WRITERS)
        )

    async def remark(self, number: str, path: str, line: int, body: str, author: str = "writer") -> None:
        remark, comment = (
            InlineComment(path, line, body),
            Comment("t1", author, body, trusted=author in _WRITERS),
        )
        await self.memory.add_thread(self.repo, number, remark, comment)

    async def start_run(self, branch: str, jobs: tuple[str, ...] = ("build",)) -> None:
        await self.memory.start_run(self.repo, "ci", branch, jobs)

    async def finish_run(self, state: CheckState, log: bytes = b"") -> None:
        run = (await self.memory.list_runs(self.repo)).items[0]
        jobs = await self.memory.list_jobs(self.repo, run.id)
        unfinished = [job.name for job in jobs if job.state is CheckState.PENDING]
        await self.memory.finish_run(
            self.repo, run.id, state, dict.fromkeys(unfinished, log.decode("utf-8", "replace"))
        )

    async def report(self, sha: str, name: str, state: CheckState) -> None:
        self._checks.setdefault(sha, {})[name] = Check(name, state)
        await self.memory.set_checks(self.repo, sha, tuple(self._checks[sha].values()))


def history(git: pygit2.Repository, sha: str) -> list[list[object]]:
    """Every commit's message, tree and number of parents, newest first: what remains of commits when their
    ids, which hold the time, are left out."""
    walker = git.walk(sha, pygit2.enums.SortMode.TOPOLOGICAL)
    return [[commit.message, str(commit.tree.id), len(commit.parents)] for commit in walker]


_CHANCE = ("id", "created_at", "updated_at", "submitted_at")


def without_chance(value: Any, git: pygit2.Repository) -> Any:
    """A stored state without ids and times, trees instead of commits."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value).items()
        kept = ((key, item) for key, item in fields if key not in _CHANCE)
        return {str(without_chance(key, git)): without_chance(item, git) for key, item in kept}
    if isinstance(value, list):
        return [without_chance(item, git) for item in cast("list[Any]", value)]
    if isinstance(value, str) and re.fullmatch("[0-9a-f]{40}", value) and value in git:
        return str(git[value].peel(pygit2.Tree).id)
    return value
