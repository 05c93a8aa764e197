"""A forge whose issues are in a tracker beside it: one platform, as far as anybody can tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CoroutineType
from typing import Any

from tamma.model.repository import (
    Comment,
    Identity,
    Ignored,
    Issue,
    IssueFilter,
    Page,
    RateLimit,
    RepoRef,
    Target,
    WebhookEvent,
)
from tamma.platforms.interface import (
    ASSIGNEES,
    COMMENTS,
    ISSUES,
    LABELS,
    PULL_REQUESTS,
    IssueTracker,
    Platform,
    PlatformSettings,
    Tracker,
)

_OF_ISSUES = frozenset({ISSUES, ASSIGNEES})
_OF_BOTH = frozenset({COMMENTS, LABELS})
"""On issues and on pull requests: it takes both sides to say yes."""


@dataclass(frozen=True, slots=True)
class Tracking:
    """Where the issues of an account's repositories are."""

    platform: str
    """The tracker's account."""
    project: str | None = None
    """Its project: a key, or `owner/name`. None: of the repository's own name."""

    def project_of(self, repo: RepoRef) -> RepoRef:
        """The repository, as the tracker calls it."""
        if self.project is None:
            return RepoRef(self.platform, repo.owner, repo.name)
        owner, _, name = self.project.rpartition("/")
        return RepoRef(self.platform, owner, name)


def _passed_on(name: str) -> Callable[..., CoroutineType[Any, Any, Any]]:
    """A method that is the forge's. A type checker takes it for any method that the interface has."""

    async def passed_on(self: Tracked, *given: Any, **named: Any) -> Any:
        return await getattr(self.forge, name)(*given, **named)

    return passed_on


class Tracked:
    """The platform of both. Issues, and what is said about them, are the tracker's; all else the forge's.

    It owns both: it starts and closes them.
    """

    def __init__(self, forge: Platform, tracker: Tracker, tracking: Tracking) -> None:
        self.forge = forge
        self.tracker = tracker
        self._tracking = tracking

    @property
    def settings(self) -> PlatformSettings:
        """The forge's."""
        return self.forge.settings

    async def start(self) -> None:
        """Both."""
        await self.forge.start()
        await self.tracker.start()

    async def close(self) -> None:
        """Both, the second one also where the first does not close."""
        try:
            await self.tracker.close()
        finally:
            await self.forge.close()

    async def capabilities(self) -> frozenset[str]:
        """The tracker's where issues are meant, the forge's elsewhere; what is for both, where both can."""
        of_forge, of_tracker = await self.forge.capabilities(), await self.tracker.capabilities()
        both = _OF_BOTH & of_tracker
        if PULL_REQUESTS in of_forge:
            both &= of_forge
        return (of_forge - _OF_ISSUES - _OF_BOTH) | (_OF_ISSUES & of_tracker) | both

    async def server_version(self) -> str:
        """Of the forge, with the tracker's beside it."""
        versions = (await self.forge.server_version(), await self.tracker.server_version())
        return ", ".join(version for version in versions if version)

    async def check_credentials(self) -> Identity:
        """Who we are on the forge. Raises BadCredentials where either of them does not know us."""
        await self.tracker.check_credentials()
        return await self.forge.check_credentials()

    async def rate_limit(self) -> RateLimit:
        """The one of which less is left."""
        limits = (await self.forge.rate_limit(), await self.tracker.rate_limit())
        known = [limit for limit in limits if limit.remaining is not None]
        return min(known, key=lambda limit: limit.remaining or 0, default=limits[0])

    # --- issues --------------------------------------------------------------------------------------

    async def list_issues(self, repo: RepoRef, query: IssueFilter, cursor: str | None = None) -> Page[Issue]:
        return await self.tracker.list_issues(self._project(repo), query, cursor)

    async def get_issue(self, repo: RepoRef, number: str) -> Issue:
        return await self.tracker.get_issue(self._project(repo), number)

    async def set_assignees(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        await self.tracker.set_assignees(self._project(repo), number, add, remove)

    async def close_issue(self, repo: RepoRef, number: str) -> None:
        await self.tracker.close_issue(self._project(repo), number)

    async def reopen_issue(self, repo: RepoRef, number: str) -> None:
        await self.tracker.reopen_issue(self._project(repo), number)

    # --- issues or pull requests ---------------------------------------------------------------------

    async def list_comments(self, repo: RepoRef, target: Target) -> tuple[Comment, ...]:
        side, there = self._side(repo, target)
        return await side.list_comments(there, target)

    async def ensure_comment(
        self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
    ) -> Comment:
        side, there = self._side(repo, target)
        return await side.ensure_comment(there, target, body, op_id, link)

    async def set_labels(
        self, repo: RepoRef, target: Target, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        side, there = self._side(repo, target)
        await side.set_labels(there, target, add, remove)

    def _side(self, repo: RepoRef, target: Target) -> tuple[IssueTracker, RepoRef]:
        if target.kind == "issue":
            return self.tracker, self._project(repo)
        return self.forge, repo

    def _project(self, repo: RepoRef) -> RepoRef:
        return self._tracking.project_of(repo)

    # --- the forge's ---------------------------------------------------------------------------------

    get_repository = _passed_on("get_repository")
    get_file = _passed_on("get_file")
    get_branch = _passed_on("get_branch")
    ensure_branch = _passed_on("ensure_branch")
    delete_branch = _passed_on("delete_branch")
    commit_files = _passed_on("commit_files")
    find_pr = _passed_on("find_pr")
    ensure_pr = _passed_on("ensure_pr")
    get_pr = _passed_on("get_pr")
    list_prs = _passed_on("list_prs")
    update_pr = _passed_on("update_pr")
    set_draft = _passed_on("set_draft")
    close_pr = _passed_on("close_pr")
    request_reviewers = _passed_on("request_reviewers")
    get_diff = _passed_on("get_diff")
    merge_readiness = _passed_on("merge_readiness")
    merge_pr = _passed_on("merge_pr")
    merge_branch = _passed_on("merge_branch")
    submit_review = _passed_on("submit_review")
    list_reviews = _passed_on("list_reviews")
    list_threads = _passed_on("list_threads")
    reply = _passed_on("reply")
    resolve_thread = _passed_on("resolve_thread")
    get_checks = _passed_on("get_checks")
    set_status = _passed_on("set_status")
    trigger_ci = _passed_on("trigger_ci")
    list_runs = _passed_on("list_runs")
    get_run = _passed_on("get_run")
    list_jobs = _passed_on("list_jobs")
    get_job_log = _passed_on("get_job_log")
    rerun = _passed_on("rerun")
    cancel_run = _passed_on("cancel_run")
    git_credentials = _passed_on("git_credentials")

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> None:
        """The forge's: the tracker reports to an address of its own."""
        self.forge.verify_webhook(headers, body)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent | Ignored:
        return self.forge.parse_webhook(headers, body)
