"""Where code is changed: the half of a platform that is no tracker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

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
    Ignored,
    LogTail,
    MergeMethod,
    MergeResult,
    MergeState,
    Page,
    PullRequest,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
    Repository,
    Review,
    ReviewSpec,
    ReviewThread,
    Status,
    WebhookEvent,
)
from tamma.platforms.interface.settings import GitCredentials

LOG_TAIL = 65_536
"""Bytes of a job's log that `get_job_log` returns unless it is told otherwise."""


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
