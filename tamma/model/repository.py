"""What Git platforms have in common: repositories, issues, branches, pull requests, checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, Literal, TypeVar

from tamma.model.references import MergeMethod as MergeMethod
from tamma.model.references import RepoRef as RepoRef


@dataclass(frozen=True, slots=True)
class Repository:
    ref: RepoRef
    """Where it is now: another name than was asked for where it was renamed or moved."""
    default_branch: str
    """Also of an empty repository, which has no such branch yet."""
    clone_url: str
    """What `git clone` takes; never with credentials in it."""
    web_url: str = ""
    private: bool = False
    archived: bool = False
    """Read-only: nothing can be written to it."""


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
    """All of it must hold."""

    state: Literal["open", "closed", "all"] = "open"
    labels: tuple[str, ...] = ()
    """Every one of them."""
    assignee: str | None = None
    author: str | None = None
    updated_since: datetime | None = None


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
    link: str = ""
    """Where the whole text is, for platforms that take only the beginning of it."""


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
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    """Who was asked for a review."""
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PullRequestFilter:
    """All of it must hold."""

    state: Literal["open", "closed", "merged", "all"] = "open"
    """`closed` without a merge."""
    head: str | None = None
    base: str | None = None


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
    job_id: str | None = None
    """What `get_job_log` takes, where the check is a job of the platform's own CI."""


@dataclass(frozen=True, slots=True)
class CheckSummary:
    """All sources of checks on one commit, united."""

    sha: str
    state: CheckState
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """A check that we report on a commit. The same name again replaces it."""

    name: str
    state: Literal[CheckState.PENDING, CheckState.SUCCESS, CheckState.FAILURE]
    description: str = ""
    url: str = ""


# --- continuous integration -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CiTrigger:
    """A run of the platform's CI that is asked for."""

    branch: str
    workflow: str | None = None
    """What to run, where the platform has more than one thing: a workflow's file, a pipeline's name or id."""
    inputs: tuple[tuple[str, str], ...] = ()
    """Variables of the run."""
    sha: str | None = None
    """The commit it is for; None: the branch's head."""


@dataclass(frozen=True, slots=True)
class CiRun:
    """A workflow run (GitHub, Gitea, Forgejo), pipeline (GitLab, Bitbucket) or build (Azure)."""

    id: str
    """Opaque."""
    name: str
    state: CheckState
    sha: str
    branch: str = ""
    url: str = ""
    event: str = ""
    """Why it runs, in the platform's own word."""
    attempt: int = 1
    detail: str = ""
    """The platform's own word for the state."""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rerun:
    """A run of CI that was asked for once more."""

    id: str
    attempt: int
    """The attempt that was asked for; an older one is not the answer yet."""


@dataclass(frozen=True, slots=True)
class CiJob:
    """A job (GitHub, GitLab, Gitea, Forgejo), step (Bitbucket) or timeline job (Azure) of a run."""

    id: str
    """Opaque; `get_job_log` takes it."""
    name: str
    state: CheckState
    url: str = ""
    detail: str = ""
    """The platform's own word for the state."""


@dataclass(frozen=True, slots=True)
class LogTail:
    """The end of a job's log, decoded; carriage returns and ANSI colours are left in."""

    text: str
    truncated: bool
    """Whether there is more before it."""


# --- reviews ------------------------------------------------------------------------------------------


class ReviewEvent(StrEnum):
    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class InlineComment:
    """A remark on lines of the change: `start_line` to `line`, counted from 1."""

    path: str
    line: int
    body: str
    """A block of code in the language `suggestion` is what these lines should become."""
    side: Literal["new", "old"] = "new"
    """Which version `line` counts in."""
    start_line: int | None = None
    """None: one line. Platforms without ranges take `line` alone."""


@dataclass(frozen=True, slots=True)
class ReviewSpec:
    """A review to submit as one."""

    event: ReviewEvent
    body: str
    head_sha: str
    """The commit that was read: a review of another head raises StaleHead."""
    comments: tuple[InlineComment, ...] = ()
    link: str = ""
    """As in `PullRequestSpec`."""


@dataclass(frozen=True, slots=True)
class Review:
    id: str
    author: str
    event: ReviewEvent
    body: str
    sha: str = ""
    """The commit it was made on, where the platform says."""
    submitted_at: datetime | None = None
    trusted: bool = False
    """As in `Comment`."""


@dataclass(frozen=True, slots=True)
class ReviewThread:
    """A conversation on lines of the change, oldest comment first."""

    id: str
    """Opaque; `reply` and `resolve_thread` take it."""
    path: str
    line: int | None
    """None where the lines are gone, or the remark is on the whole file."""
    comments: tuple[Comment, ...]
    resolved: bool = False
    outdated: bool = False


class MergeCategory(StrEnum):
    READY = "ready"
    IN_PROGRESS = "in_progress"
    """The platform is still computing, or checks run: ask again."""
    RECOVERABLE = "recoverable"
    """Something can be done: conflicts, a missing review, a red check."""
    TERMINAL = "terminal"
    """Closed, already merged, or not allowed."""


class Obstacle(StrEnum):
    """What stands in a merge's way and is the branch's own affair: it has to be put onto its base anew."""

    CONFLICT = "conflict"
    """Base and branch changed the same place."""
    BEHIND = "behind"
    """The platform wants the branch to hold all of its base."""


@dataclass(frozen=True, slots=True)
class MergeState:
    category: MergeCategory
    reason: str
    native: str = ""
    """The platform's own word for it."""
    obstacle: Obstacle | None = None


class MergeOutcome(StrEnum):
    MERGED = "merged"
    SCHEDULED = "scheduled"
    """The platform merges by itself when its conditions hold."""
    PENDING = "pending"
    """The platform has begun: ask again."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class MergeResult:
    outcome: MergeOutcome
    sha: str | None = None
    reason: str = ""
    obstacle: Obstacle | None = None
    """Of a refusal, where the answer itself tells; else the pull request's state does."""


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
    """Empty for credentials that belong to no user, such as a GitHub App's."""
    scopes: tuple[str, ...] = field(default=())
    """What they may do, where the platform says."""
    expires_at: datetime | None = None
    """When they end, where the platform says."""


# --- webhooks -----------------------------------------------------------------------------------------


class EventKind(StrEnum):
    PING = "ping"
    ISSUE = "issue"
    ISSUE_COMMENT = "issue_comment"
    PULL_REQUEST = "pull_request"
    PULL_REQUEST_COMMENT = "pull_request_comment"
    """On the conversation or on lines of the change."""
    REVIEW = "review"
    PUSH = "push"
    CHECKS = "checks"
    """A check, status, pipeline or build changed."""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """That something happened: a reason to go and look, not something to believe."""

    delivery_id: str
    """The same for every delivery of one event that the platform repeats."""
    kind: EventKind
    action: str
    """opened, edited, closed, reopened, merged, labeled, unlabeled, assigned, unassigned, updated (new
    commits), created, deleted, submitted, completed, or the platform's own word."""
    owner: str
    name: str
    """With `owner` the repository, as in `RepoRef`."""
    actor: str = ""
    number: str | None = None
    """Of the issue or the pull request."""
    branch: str = ""
    sha: str = ""
    label: str = ""
    """The label, or the assignee, that came or went, where the platform names it."""
    text: str = ""
    """The comment or review, at most 65,536 characters."""
    comment_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """A delivery that means nothing to us, and why."""

    reason: str
    delivery_id: str = ""
