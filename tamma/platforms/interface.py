"""The platform interface: one for all Git platforms, trackers apart from forges.

Rules every adapter keeps:

* **Writes are idempotent and named so** (`ensure_…`): the same call twice has one effect and the same
  result, also when the answer to the first one was lost.
* What a platform lacks raises `Unsupported(capability)`; nothing is silently left out.
* Adapters never retry and never sleep: `PlatformRateLimited(retry_after)` and `Transient` go to Temporal.
* Credentials appear in headers or the environment of a child process, never in a URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tamma.model.repository import (
    Branch,
    CheckSummary,
    Comment,
    CommitRef,
    EnsuredPullRequest,
    FileChange,
    Identity,
    Issue,
    IssueFilter,
    MergeMethod,
    MergeResult,
    MergeState,
    Page,
    PlatformType,
    PullRequest,
    PullRequestSpec,
    RateLimit,
    RepoRef,
    Repository,
    Target,
)

ISSUES = "issues"
COMMENTS = "comments"
LABELS = "labels"
ASSIGNEES = "assignees"
PULL_REQUESTS = "pull_requests"
CHECKS = "checks"
API_COMMITS = "api_commits"
"""`commit_files` works: a commit can be delivered without git push."""
GIT_PUSH = "git_push"
LOCAL_MERGE = "local_merge"
"""`merge_branch` works: a branch can be merged without a pull request."""


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """One configured account, with its secret already resolved. Never logged: `token` is hidden."""

    id: str
    type: PlatformType
    base_url: str | None = None
    """The API's address for self-hosted servers and tests."""
    token: str | None = field(default=None, repr=False)
    clone_url: str | None = None
    """A template for the address to clone from, `{owner}` and `{name}` filled in; for mirrors and tests."""
    delivery: str = "push"
    """`push`: branches arrive by git push. `api`: by the platform's data API, for tokens without push."""
    timeout: float = 30.0
    options: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class GitCredentials:
    """How git reaches the repository; handed to the child process by its environment, never by a URL."""

    username: str = ""
    token: str | None = field(default=None, repr=False)


class IssueTracker(Protocol):
    """Where issues live. A forge usually is one; Jira or Azure Boards can stand beside any forge."""

    async def list_issues(
        self, repo: RepoRef, query: IssueFilter, cursor: str | None = None
    ) -> Page[Issue]: ...

    async def get_issue(self, repo: RepoRef, number: str) -> Issue:
        """The issue with its comments. Raises NotFound."""
        ...

    async def list_comments(self, repo: RepoRef, target: Target) -> tuple[Comment, ...]: ...

    async def ensure_comment(self, repo: RepoRef, target: Target, body: str, op_id: str) -> Comment:
        """Create the comment of operation `op_id`, or update it to `body` where it exists."""
        ...

    async def set_labels(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None: ...

    async def set_assignees(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None: ...

    async def close_issue(self, repo: RepoRef, number: str) -> None:
        """Close it; closed already is done."""
        ...

    async def reopen_issue(self, repo: RepoRef, number: str) -> None: ...


class Forge(Protocol):
    """Where repositories, branches, pull requests and checks live."""

    async def get_repository(self, repo: RepoRef) -> Repository:
        """Raises NotFound, BadCredentials."""
        ...

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes: ...

    async def get_branch(self, repo: RepoRef, name: str) -> Branch:
        """Raises NotFound."""
        ...

    async def ensure_branch(self, repo: RepoRef, name: str, from_sha: str) -> Branch:
        """Create it at `from_sha`. Existing at that commit is done; elsewhere raises Conflict."""
        ...

    async def delete_branch(self, repo: RepoRef, name: str, expected_sha: str) -> None:
        """Delete it where it is at `expected_sha`; absent is done; moved raises StaleHead."""
        ...

    async def commit_files(
        self,
        repo: RepoRef,
        branch: str,
        changes: tuple[FileChange, ...],
        message: str,
        expected_head: str,
        op_id: str,
    ) -> CommitRef:
        """One commit on `branch` through the API, with the trailer `Tamma-Op: <op_id>`.

        A head that already carries that trailer is returned (`created=False`); any other head than
        `expected_head` raises StaleHead.
        """
        ...

    async def find_pr(self, repo: RepoRef, head: str, base: str) -> PullRequest | None: ...

    async def ensure_pr(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> EnsuredPullRequest: ...

    async def get_pr(self, repo: RepoRef, number: str) -> PullRequest: ...

    async def update_pr(
        self, repo: RepoRef, number: str, *, title: str | None = None, body: str | None = None
    ) -> PullRequest: ...

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState: ...

    async def merge_pr(
        self, repo: RepoRef, number: str, method: MergeMethod, expected_head: str, message: str = ""
    ) -> MergeResult:
        """Merge it, pinned to `expected_head`. Merged already (at that head) is done.

        Raises StaleHead where the head moved. `REFUSED` carries the platform's reason.
        """
        ...

    async def merge_branch(
        self, repo: RepoRef, branch: str, base: str, expected_head: str, message: str
    ) -> MergeResult:
        """Merge `branch` into `base` without a pull request (plain Git); idempotent."""
        ...

    async def get_checks(self, repo: RepoRef, sha: str) -> CheckSummary: ...

    def git_credentials(self, repo: RepoRef) -> GitCredentials: ...


class Platform(IssueTracker, Forge, Protocol):
    """A configured account on a Git platform."""

    @property
    def settings(self) -> PlatformSettings: ...

    async def start(self) -> None:
        """Make the client. Makes no call. Idempotent."""
        ...

    def capabilities(self) -> frozenset[str]: ...

    async def check_credentials(self) -> Identity:
        """Raises BadCredentials."""
        ...

    async def rate_limit(self) -> RateLimit: ...

    async def close(self) -> None: ...
