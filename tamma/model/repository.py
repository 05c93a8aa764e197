"""What Git platforms have in common: repositories, issues, branches, pull requests, checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, Literal, TypeVar

from tamma.model.references import MergeMethod as MergeMethod
from tamma.model.references import RepoRef as RepoRef

PlatformType = Literal[
    "github", "gitlab", "gitea", "forgejo", "bitbucket", "azure-devops", "plain-git", "memory"
]


@dataclass(frozen=True, slots=True)
class Repository:
    ref: RepoRef
    default_branch: str
    clone_url: str
    """What `git clone` takes; never with credentials in it."""
    web_url: str = ""
    private: bool = False
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Comment:
    id: str
    author: str
    body: str
    created_at: datetime | None = None
    trusted: bool = False
    """Whether its author may write to the repository (as known at the time it was read)."""


@dataclass(frozen=True, slots=True)
class Issue:
    number: str
    """As the platform names it; on plain Git the file's stem."""
    title: str
    body: str
    state: Literal["open", "closed"]
    url: str = ""
    author: str = ""
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True, slots=True)
class IssueFilter:
    state: Literal["open", "closed", "all"] = "open"
    labels: tuple[str, ...] = ()
    assignee: str | None = None


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page and where the next begins; `next_cursor` is None on the last."""

    items: tuple[T, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    name: str
    sha: str


class ChangeKind(StrEnum):
    WRITE = "write"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a commit. `mode` is Git's: 100644, 100755, or 120000 for a symbolic link."""

    path: str
    kind: ChangeKind
    content: bytes = b""
    mode: str = "100644"


@dataclass(frozen=True, slots=True)
class CommitRef:
    sha: str
    created: bool
    """False where an earlier attempt had already made it."""


@dataclass(frozen=True, slots=True)
class PullRequestSpec:
    head: str
    base: str
    title: str
    body: str
    draft: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PullRequest:
    number: str
    title: str
    body: str
    state: Literal["open", "closed", "merged"]
    head: str
    base: str
    head_sha: str
    url: str
    draft: bool = False
    author: str = ""
    merge_sha: str | None = None


@dataclass(frozen=True, slots=True)
class EnsuredPullRequest:
    pull_request: PullRequest
    created: bool


class CheckState(StrEnum):
    NONE = "none"
    """Nothing reports on this commit (yet)."""
    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    state: CheckState
    url: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CheckSummary:
    """All sources of checks on one commit, united."""

    sha: str
    state: CheckState
    checks: tuple[Check, ...] = ()


class MergeCategory(StrEnum):
    READY = "ready"
    IN_PROGRESS = "in_progress"
    """The platform is still computing, or checks run: ask again."""
    RECOVERABLE = "recoverable"
    """Something can be done: conflicts, a missing review, a red check."""
    TERMINAL = "terminal"
    """Closed, already merged, or not allowed."""


@dataclass(frozen=True, slots=True)
class MergeState:
    category: MergeCategory
    reason: str
    native: str = ""
    """The platform's own word for it."""


class MergeOutcome(StrEnum):
    MERGED = "merged"
    SCHEDULED = "scheduled"
    PENDING = "pending"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class MergeResult:
    outcome: MergeOutcome
    sha: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What a comment is put on."""

    kind: Literal["issue", "pull_request"]
    number: str


@dataclass(frozen=True, slots=True)
class RateLimit:
    limit: int | None = None
    remaining: int | None = None
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the credentials belong to."""

    login: str
    scopes: tuple[str, ...] = field(default=())
