"""What the in-process GitHub knows: users, issues, pull requests, checks; Git itself is a bare repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pygit2

from tamma.model.repository import ChangeKind, FileChange, MergeMethod
from tamma.platforms.git import objects as gitdb

NOW = "2026-01-02T03:04:05Z"


@dataclass
class StoredIssue:
    number: int
    title: str
    body: str | None
    author: str
    state: str = "open"
    labels: list[str] = field(default_factory=list[str])
    assignees: list[str] = field(default_factory=list[str])
    pull: StoredPull | None = None


@dataclass
class StoredComment:
    id: int
    number: int
    body: str
    author: str


@dataclass
class StoredPull:
    head: str
    base: str
    head_sha: str
    draft: bool = False
    merge_sha: str | None = None


class World:
    """One repository, `octo/hello`, and the people around it."""

    owner, name, bot = "octo", "hello", "tamma-bot"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = ""
        self.issues: dict[int, StoredIssue] = {}
        self.comments: list[StoredComment] = []
        self.permissions = {self.bot: "write", "octo": "admin", "reader": "read"}
        self.check_runs: dict[str, list[dict[str, Any]]] = {}
        self.statuses: dict[str, list[dict[str, Any]]] = {}
        self.checks_forbidden = False
        self.issues_disabled = False
        self.still_computing = 0
        """How often a pull request is still read with `mergeable: null`."""
        self.blocked = False
        self._next = 1

    @property
    def git(self) -> pygit2.Repository:
        return pygit2.Repository(str(self.path))

    # --- what other people do ----------------------------------------------------------------------

    def add_issue(
        self, title: str, body: str | None = None, author: str = "octo", **more: Any
    ) -> StoredIssue:
        issue = StoredIssue(self._next, title, body, author, **more)
        self.issues[issue.number] = issue
        self._next += 1
        return issue

    def add_comment(self, number: int, body: str, author: str) -> StoredComment:
        comment = StoredComment(len(self.comments) + 1, number, body, author)
        self.comments.append(comment)
        return comment

    def push(self, branch: str, path: str, content: bytes, message: str = "somebody's push") -> str:
        head = gitdb.require_branch(self.git, branch)
        made = gitdb.commit_changes(self.git, head, [FileChange(path, ChangeKind.WRITE, content)], message)
        gitdb.move_branch(self.git, branch, head, made, message)
        return made

    def merge(self, issue: StoredIssue, method: MergeMethod = "merge", message: str = "") -> str | None:
        """Merge the pull request's branch; None where it conflicts."""
        pull = issue.pull
        assert pull is not None
        base = gitdb.require_branch(self.git, pull.base)
        merged = gitdb.merge(self.git, base, pull.head_sha, message or f"Merge #{issue.number}", method)
        if isinstance(merged, gitdb.Conflicting):
            return None
        gitdb.move_branch(self.git, pull.base, base, merged, "merge")
        pull.merge_sha, issue.state = merged, "closed"
        return merged

    def report(self, sha: str, name: str, status: str, conclusion: str | None = None) -> None:
        self.check_runs.setdefault(sha, []).append({"name": name, "status": status, "conclusion": conclusion})

    def report_status(self, sha: str, context: str, state: str) -> None:
        self.statuses.setdefault(sha, []).append({"context": context, "state": state})

    def refresh(self, issue: StoredIssue) -> StoredPull:
        """The pull request; while it is open its head follows the branch."""
        pull = issue.pull
        assert pull is not None
        if issue.state == "open":
            pull.head_sha = gitdb.branch_sha(self.git, pull.head) or pull.head_sha
        return pull

    def conflicts(self, issue: StoredIssue) -> bool:
        pull = self.refresh(issue)
        base = gitdb.require_branch(self.git, pull.base)
        return isinstance(gitdb.merge(self.git, base, pull.head_sha, "probe"), gitdb.Conflicting)
