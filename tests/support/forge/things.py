"""What a forge remembers. Names are ours, not a platform's; a face translates them.

`extra` holds what one platform alone knows of a thing, such as the type of a work item.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tamma.model.repository import MergeMethod

Level = Literal["none", "read", "write", "admin"]
LEVELS: tuple[Level, ...] = ("none", "read", "write", "admin")
State = Literal["pending", "success", "failure"]
Verdict = Literal["approve", "request_changes", "comment"]
Mergeability = Literal[
    "merged", "closed", "checking", "conflicts", "draft", "checks_pending", "checks_failed", "approvals",
    "blocked", "clean",
]  # fmt: skip
"""`checks_pending`, `checks_failed` and `approvals`: what the base branch requires and does not have yet."""


@dataclass
class Account:
    id: int
    login: str
    name: str
    email: str


@dataclass
class Label:
    id: int
    name: str
    color: str = "ededed"


@dataclass
class Comment:
    id: int
    author: str
    body: str
    created: datetime
    updated: datetime
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Item:
    """What issues and pull requests have in common."""

    id: int
    """Unique in the world; `number` counts in its repository."""
    number: int
    title: str
    body: str | None
    author: str
    created: datetime
    updated: datetime
    state: Literal["open", "closed"] = "open"
    closed: datetime | None = None
    labels: list[str] = field(default_factory=list[str])
    assignees: list[str] = field(default_factory=list[str])
    comments: list[Comment] = field(default_factory=list[Comment])
    version: int = 1
    """Counts every change."""
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Issue(Item):
    pass


@dataclass
class Thread:
    """A conversation on lines of a change; the first comment opens it."""

    id: int
    path: str
    line: int
    start_line: int | None
    side: Literal["new", "old"]
    sha: str
    comments: list[Comment]
    review: int | None = None
    """The review it came with."""
    resolved: bool = False
    resolved_by: str = ""


@dataclass
class Review:
    id: int
    author: str
    verdict: Verdict
    body: str
    sha: str
    submitted: datetime


@dataclass
class Merging:
    """A merge that was accepted and is not done: it happens when it has been looked at `reads` times more."""

    method: MergeMethod
    message: str
    by: str
    reads: int = 0
    delete_branch: bool = False


@dataclass
class Pull(Item):
    head: str = ""
    base: str = ""
    head_sha: str = ""
    base_sha: str = ""
    """Where the base was when it was opened, or merged into."""
    draft: bool = False
    reviewers: list[str] = field(default_factory=list[str])
    reviews: list[Review] = field(default_factory=list[Review])
    threads: list[Thread] = field(default_factory=list[Thread])
    merge_sha: str | None = None
    merged: datetime | None = None
    merged_by: str = ""
    merging: Merging | None = None
    auto_merge: Merging | None = None


@dataclass
class Protection:
    """What has to hold before something is merged into a branch; nobody but admins pushes to it."""

    checks: tuple[str, ...] = ()
    approvals: int = 0
    blocked: bool = False
    """By something else that we know nothing of."""


@dataclass
class Status:
    """A verdict on a commit. `check`: from CI, by an app; `status`: by whoever may write."""

    id: int
    sha: str
    name: str
    state: State
    kind: Literal["check", "status"]
    description: str
    url: str
    author: str
    created: datetime
    job: int | None = None
    native: str = ""
    """The platform's own word for `state`, where a test wants a certain one, such as `cancelled`."""


@dataclass
class Workflow:
    id: int
    name: str
    path: str
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Job:
    id: int
    name: str
    state: State
    attempt: int
    log: bytes = b""
    native: str = ""


@dataclass
class Run:
    id: int
    number: int
    workflow: Workflow
    sha: str
    branch: str
    event: str
    actor: str
    created: datetime
    inputs: dict[str, str] = field(default_factory=dict[str, str])
    state: State = "pending"
    native: str = ""
    attempt: int = 1
    hidden: int = 0
    """How many times more it is left out when somebody looks: platforms name a run late."""
    jobs: list[Job] = field(default_factory=list[Job])
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
