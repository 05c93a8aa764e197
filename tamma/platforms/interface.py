"""The platform interface: one for all Git platforms, trackers apart from forges.

Rules every adapter keeps:

* **Writes are idempotent and named so** (`ensure_…`): the same call twice has one effect and the same
  result, also when the answer to the first one was lost. docs/extending/platforms.md has the table.
* What a platform lacks raises `Unsupported(capability)`, whose hint names what to use instead; nothing is
  silently left out.
* Adapters never retry and never sleep: `PlatformRateLimited(retry_after)` and `Transient` go to Temporal.
* Credentials appear in headers or the environment of a child process, never in a URL.
* A text that is longer than the platform takes is shortened and says so; it is never a failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tamma.model.repository import (
    Branch,
    CheckSummary,
    CiJob,
    CiRun,
    CiTrigger,
    Comment,
    CommitRef,
    EnsuredPullRequest,
    FileChange,
    Identity,
    Ignored,
    Issue,
    IssueFilter,
    LogTail,
    MergeMethod,
    MergeResult,
    MergeState,
    Page,
    PullRequest,
    PullRequestFilter,
    PullRequestSpec,
    RateLimit,
    RepoRef,
    Repository,
    Review,
    ReviewSpec,
    ReviewThread,
    Status,
    Target,
    WebhookEvent,
)

# What a platform can do: `capabilities` says which of these, by its type and its server's version.
ISSUES = "issues"
COMMENTS = "comments"
"""On issues, and where there are pull requests on these."""
LABELS = "labels"
ASSIGNEES = "assignees"
PULL_REQUESTS = "pull_requests"
DRAFTS = "drafts"
REVIEWERS = "reviewers"
REVIEWS = "reviews"
"""Reviews with a verdict, inline comments, threads and replies."""
RESOLVE_THREADS = "resolve_threads"
CHECKS = "checks"
STATUSES = "statuses"
"""`set_status` works."""
AUTO_MERGE = "auto_merge"
"""`merge_pr(when_ready=True)` works."""
CI_TRIGGER = "ci_trigger"
CI_RUNS = "ci_runs"
"""Runs and their jobs can be looked up."""
CI_LOGS = "ci_logs"
CI_RERUN = "ci_rerun"
CI_CANCEL = "ci_cancel"
WEBHOOKS = "webhooks"
API_COMMITS = "api_commits"
"""`commit_files` works: a commit can be delivered without git push."""
GIT_PUSH = "git_push"
LOCAL_MERGE = "local_merge"
"""`merge_branch` works: a branch can be merged without a pull request."""

CAPABILITIES = frozenset(
    {
        ISSUES, COMMENTS, LABELS, ASSIGNEES, PULL_REQUESTS, DRAFTS, REVIEWERS, REVIEWS, RESOLVE_THREADS,
        CHECKS, STATUSES, AUTO_MERGE, CI_TRIGGER, CI_RUNS, CI_LOGS, CI_RERUN, CI_CANCEL, WEBHOOKS,
        API_COMMITS, GIT_PUSH, LOCAL_MERGE,
    }
)  # fmt: skip

LOG_TAIL = 65_536
"""Bytes of a job's log that `get_job_log` returns unless it is told otherwise."""


# --- settings -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    """How an OAuth access token is renewed (RFC 6749, section 6)."""

    token_url: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AppSettings:
    """A GitHub App: its private key (PEM) makes tokens for one installation, an hour each."""

    app_id: str
    private_key: str = field(repr=False)
    installation_id: str | None = None
    """None: the App's only one, which is looked up. Where it has several, ConfigError lists them."""


class TokenSource(Protocol):
    """Where an adapter has its token from; it may change while calls are under way."""

    async def token(self) -> str | None:
        """The token to use now; None for anonymous calls. Raises BadCredentials if it cannot be renewed."""
        ...

    async def refused(self, token: str) -> bool:
        """The service refused `token`: whether there is another one now, so that asking again may help."""
        ...


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """One configured account, with its secrets already resolved. Never logged: secrets are hidden."""

    id: str
    type: str
    base_url: str | None = None
    """The API's address for self-hosted servers and tests."""
    token: str | None = field(default=None, repr=False)
    username: str = ""
    """For services that take it beside the token (Basic)."""
    auth: Literal["pat", "oauth", "app", "basic", "ssh"] = "pat"
    oauth: OAuthSettings | None = None
    app: AppSettings | None = None
    tokens: TokenSource | None = field(default=None, repr=False)
    """Wins over `token` where it is given."""
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    """Any of them is accepted, so that a secret can be changed without losing a delivery."""
    clone_url: str | None = None
    """A template for the address to clone from, `{owner}` and `{name}` filled in; for mirrors and tests."""
    git_over: Literal["https", "ssh"] = "https"
    ssh_key: str | None = None
    """Path of the private key for ssh; None: what ssh finds by itself."""
    known_hosts: str | None = None
    """Path of the known hosts for ssh; None: the user's."""
    delivery: str = "push"
    """`push`: branches arrive by git push. `api`: by the platform's data API, for tokens without push."""
    default_branch: str | None = None
    """Wins over what the platform says."""
    ca_file: str | None = None
    """Path of PEM certificates that sign the server's, beside the system's."""
    proxy: str | None = field(default=None, repr=False)
    """None: what the environment says."""
    max_concurrent: int = 10
    """Calls under way at once, from this process, to this host with these credentials."""
    timeout: float = 30.0
    """Seconds for one request."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class GitCredentials:
    """How git reaches the repository; handed to the child process by its environment, never by a URL."""

    username: str = ""
    """Goes with the token as HTTP Basic. Empty: `x-access-token`."""
    token: str | None = field(default=None, repr=False)
    ssh_key: str | None = None
    known_hosts: str | None = None
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)


# --- trackers -----------------------------------------------------------------------------------------


class IssueTracker(Protocol):
    """Where issues live. A forge usually is one; Jira or Azure Boards can stand beside any forge."""

    async def list_issues(self, repo: RepoRef, query: IssueFilter, cursor: str | None = None) -> Page[Issue]:
        """One page, oldest first, without comments. `cursor` is a `next_cursor` of the same query."""
        ...

    async def get_issue(self, repo: RepoRef, number: str) -> Issue:
        """The issue with its comments. Raises NotFound, also for a pull request."""
        ...

    async def list_comments(self, repo: RepoRef, target: Target) -> tuple[Comment, ...]:
        """All of the conversation, oldest first, without remarks on lines and without our marks."""
        ...

    async def ensure_comment(
        self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
    ) -> Comment:
        """Create the comment of operation `op_id`, or update it to `body` where it exists.

        `link` says where the whole text is, for platforms that take only the beginning of it.
        """
        ...

    async def set_labels(
        self, repo: RepoRef, target: Target, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """Labels that do not exist yet are made. Only the difference is written."""
        ...

    async def set_assignees(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """Assignees of an issue, by login. Raises NotFound for one who cannot be assigned."""
        ...

    async def close_issue(self, repo: RepoRef, number: str) -> None:
        """Close it; closed already is done."""
        ...

    async def reopen_issue(self, repo: RepoRef, number: str) -> None: ...


# --- forges -------------------------------------------------------------------------------------------


class Forge(Protocol):
    """Where repositories, branches, pull requests, reviews and checks live."""

    # repository, branches, commits

    async def get_repository(self, repo: RepoRef) -> Repository:
        """Raises NotFound, BadCredentials."""
        ...

    async def get_file(self, repo: RepoRef, path: str, ref: str) -> bytes:
        """The file at a branch, tag or commit. Raises NotFound, also for a folder."""
        ...

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

    # pull requests

    async def find_pr(self, repo: RepoRef, head: str, base: str) -> PullRequest | None:
        """The open one, else the newest of those that were closed or merged."""
        ...

    async def ensure_pr(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> EnsuredPullRequest:
        """The open one for these branches, or the one of `op_id` that was closed or merged since; else a
        new one. Missing labels are added in each case."""
        ...

    async def get_pr(self, repo: RepoRef, number: str) -> PullRequest: ...

    async def list_prs(
        self, repo: RepoRef, query: PullRequestFilter, cursor: str | None = None
    ) -> Page[PullRequest]:
        """One page, newest first."""
        ...

    async def update_pr(
        self, repo: RepoRef, number: str, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        """Change what is given. Our mark in the body stays."""
        ...

    async def set_draft(self, repo: RepoRef, number: str, draft: bool) -> PullRequest:
        """Make it a draft, or ready for review; so already is done."""
        ...

    async def close_pr(self, repo: RepoRef, number: str) -> None:
        """Close it without a merge; closed or merged already is done."""
        ...

    async def request_reviewers(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """By login. Raises NotFound for one who cannot be asked."""
        ...

    async def get_diff(self, repo: RepoRef, number: str) -> str:
        """The change as a unified diff, as `git diff base...head` writes it."""
        ...

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState: ...

    async def merge_pr(
        self,
        repo: RepoRef,
        number: str,
        method: MergeMethod,
        expected_head: str,
        message: str = "",
        *,
        when_ready: bool = False,
    ) -> MergeResult:
        """Merge it, pinned to `expected_head`. Merged already (at that head) is done.

        `when_ready`: have the platform merge it when its conditions hold (SCHEDULED), where they do not yet.
        Raises StaleHead where the head moved, Conflict where another head was merged. `REFUSED` carries the
        platform's reason.
        """
        ...

    async def merge_branch(
        self, repo: RepoRef, branch: str, base: str, expected_head: str, message: str
    ) -> MergeResult:
        """Merge `branch` into `base` without a pull request (plain Git); idempotent."""
        ...

    # reviews

    async def submit_review(self, repo: RepoRef, number: str, review: ReviewSpec, op_id: str) -> Review:
        """Submit it once for `op_id`, inline comments included. Raises StaleHead where the head moved."""
        ...

    async def list_reviews(self, repo: RepoRef, number: str) -> tuple[Review, ...]:
        """Submitted ones, oldest first, without our marks."""
        ...

    async def list_threads(self, repo: RepoRef, number: str) -> tuple[ReviewThread, ...]:
        """The conversations on lines of the change, oldest first, without our marks."""
        ...

    async def reply(self, repo: RepoRef, number: str, thread_id: str, body: str, op_id: str) -> Comment:
        """Answer in a thread, once for `op_id`; the same again with another body updates it."""
        ...

    async def resolve_thread(
        self, repo: RepoRef, number: str, thread_id: str, resolved: bool = True
    ) -> None: ...

    # checks and continuous integration

    async def get_checks(self, repo: RepoRef, sha: str) -> CheckSummary:
        """All sources of the platform united, each name once, the newest."""
        ...

    async def set_status(self, repo: RepoRef, sha: str, status: Status) -> None:
        """Report on a commit; so already is done."""
        ...

    async def trigger_ci(self, repo: RepoRef, trigger: CiTrigger, op_id: str) -> CiRun:
        """Start a run, or find the one that `op_id` started. The run may still be unknown to the platform
        (`id` empty) where it names none in its answer: then the same call finds it later."""
        ...

    async def list_runs(
        self, repo: RepoRef, *, sha: str | None = None, branch: str | None = None, cursor: str | None = None
    ) -> Page[CiRun]:
        """One page, newest first."""
        ...

    async def get_run(self, repo: RepoRef, run_id: str) -> CiRun: ...

    async def list_jobs(self, repo: RepoRef, run_id: str) -> tuple[CiJob, ...]:
        """Of the newest attempt."""
        ...

    async def get_job_log(self, repo: RepoRef, job_id: str, tail: int = LOG_TAIL) -> LogTail:
        """The last `tail` bytes. A job that has not written yet has an empty one. Raises NotFound."""
        ...

    async def rerun(self, repo: RepoRef, run_id: str) -> CiRun:
        """Run what failed again; a run that is under way is returned as it is. One that succeeded is run
        again where the platform does that, else returned as it is; Azure DevOps raises Conflict."""
        ...

    async def cancel_run(self, repo: RepoRef, run_id: str) -> None:
        """Stop it; over already is done."""
        ...

    # git and webhooks

    async def git_credentials(self, repo: RepoRef) -> GitCredentials:
        """For clone, fetch and push, good for some minutes at least."""
        ...

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> None:
        """Whether the delivery comes from the platform: raises WebhookRefused where it does not, or where no
        secret is configured. Header names may have any case; `body` is what arrived, unchanged."""
        ...

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent | Ignored:
        """What a verified delivery says. Raises WebhookRefused where it is none of this platform's form."""
        ...


class Platform(IssueTracker, Forge, Protocol):
    """A configured account on a Git platform."""

    @property
    def settings(self) -> PlatformSettings: ...

    async def start(self) -> None:
        """Make the client. Makes no call. Idempotent."""
        ...

    async def capabilities(self) -> frozenset[str]:
        """Of this type and, where that matters, of the server's version, which is asked once."""
        ...

    async def server_version(self) -> str:
        """What the server says it is; empty for services that say nothing."""
        ...

    async def check_credentials(self) -> Identity:
        """Raises BadCredentials."""
        ...

    async def rate_limit(self) -> RateLimit:
        """As the service says, or said last; empty where it never does."""
        ...

    async def close(self) -> None: ...


class Tracker(IssueTracker, Protocol):
    """A configured account of a service that has issues alone, such as Jira."""

    @property
    def settings(self) -> PlatformSettings: ...

    async def start(self) -> None: ...

    async def capabilities(self) -> frozenset[str]: ...

    async def server_version(self) -> str: ...

    async def check_credentials(self) -> Identity: ...

    async def rate_limit(self) -> RateLimit: ...

    async def close(self) -> None: ...


# --- plugins ------------------------------------------------------------------------------------------


class PlatformPlugin(Protocol):
    """What a type of platform declares. A third party's is the target of an entry point `tamma.platforms`."""

    @property
    def name(self) -> str:
        """The type's name: `platformType` of a configuration entry."""
        ...

    @property
    def version(self) -> str: ...

    def create_platform(self, settings: PlatformSettings) -> Platform:
        """A platform that is not started yet. Imports no SDK and makes no call. Raises ConfigError."""
        ...

    def validate_config(self, settings: PlatformSettings) -> Sequence[str]:
        """What is wrong with `settings`, one sentence each; empty where nothing is. Makes no call."""
        ...

    def detect_from_url(self, url: str) -> bool:
        """Whether the address of a repository, issue or pull request is on a host of this type.

        Told by the address alone, which holds no credentials. Makes no call. Raises ConfigError where a third
        party's cannot be asked.
        """
        ...
