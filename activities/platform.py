"""Calls to Git platforms. Each is idempotent: named by the run and a key, it may be made twice."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from temporalio import activity

from activities.commenting import write_comment
from activities.failures import failing_well, not_yet
from activities.heartbeat import heard
from activities.interface import (
    ACCEPT_ISSUE,
    AWAIT_CHECKS,
    CLOSE_ISSUE,
    COMMENT,
    MERGE,
    OPEN_PULL_REQUEST,
    AcceptedIssue,
    AcceptIssue,
    AwaitChecks,
    CloseIssue,
    Comment,
    Done,
    Merge,
    Merged,
    OpenedPullRequest,
    OpenPullRequest,
)
from activities.listening import end_of
from activities.looking import pause_after
from activities.pools import PlatformPool
from activities.words import issue_markdown, pull_request_body, pull_request_title
from tamma.agents.task_types import task_type
from tamma.errors import Conflict, Forbidden, NotFound, StaleHead
from tamma.model.conventions import Conventions
from tamma.model.ids import branch_name
from tamma.model.repository import (
    Branch,
    CheckState,
    CheckSummary,
    Issue,
    MergeCategory,
    MergeOutcome,
    PullRequestSpec,
    Repository,
    Target,
)
from tamma.platforms.interface import COMMENTS, ISSUES, LABELS, Platform
from tamma.platforms.plain.markdown_issue import issue_from_markdown
from tamma.selection.dependencies import issues_before
from tamma.store.interface import BlobStore

_LONGEST_TEMPLATE = 16_384
"""Bytes."""


class PlatformActivities:
    """Holds the platform accounts, how their teams want things to look, and the blob store."""

    def __init__(
        self,
        platforms: PlatformPool,
        blobs: BlobStore,
        conventions: Callable[[str], Conventions] = lambda _: Conventions(),
    ) -> None:
        self._platforms = platforms
        self._blobs = blobs
        self._conventions = conventions

    @activity.defn(name=ACCEPT_ISSUE.name)
    @failing_well
    @heard
    async def accept_issue(self, given: AcceptIssue) -> AcceptedIssue:
        """Find the repository and the issue, and keep the issue's text as it is now."""
        platform = await self._platforms.get(given.repo.platform_id)
        repository = await platform.get_repository(given.repo)
        if repository.archived:
            raise Forbidden(
                f"{given.repo.full_name} is archived: nothing can be written to it",
                hint="unarchive the repository, or submit the issue where the work goes on",
                platform=given.repo.platform_id,
            )
        base = await self._base(given, repository)
        issue = await self._issue(given)
        if issue.state == "closed":
            raise NotFound(
                f"{given.repo.full_name}#{given.issue} is closed already",
                hint="reopen the issue if there is still work to do",
                platform=given.repo.platform_id,
            )
        text, capabilities = issue_markdown(issue), await platform.capabilities()
        return AcceptedIssue(
            number=self._conventions(given.repo.platform_id).issue_name(issue.number),
            title=issue.title,
            url=issue.url,
            snapshot=await self._blobs.put_blob(text.encode(), "text/markdown"),
            clone_url=repository.clone_url,
            base_branch=base.name,
            base_sha=base.sha,
            branch=branch_name(given.issue, issue.title, given.suffix),
            capabilities=tuple(sorted(capabilities)),
            task_type=task_type(issue.labels, issue.title),
            read=end_of(issue.comments) if given.issue_text is None else None,
            depends_on=issues_before(issue.body, given.repo.full_name, issue.number)
            if given.issue_text is None and ISSUES in capabilities
            else (),
        )

    @activity.defn(name=OPEN_PULL_REQUEST.name)
    @failing_well
    @heard
    async def open_pull_request(self, given: OpenPullRequest) -> OpenedPullRequest:
        """Open the pull request, or find the one that an earlier attempt opened."""
        platform = await self._platforms.get(given.repo.platform_id)
        plan = (await self._blobs.get_blob(given.plan)).decode() if given.plan else ""
        wanted = self._conventions(given.repo.platform_id)
        template = await _template(platform, given, wanted)
        spec = PullRequestSpec(
            head=given.head,
            base=given.base,
            title=pull_request_title(given.issue_title),
            body=pull_request_body(given, plan, wanted.closing(given.issue), template),
            labels=await _labels(platform, wanted),
            link=given.issue_url,
        )
        ensured = await platform.ensure_pr(given.repo, spec, op_id=f"{given.task_id}/pr")
        found = ensured.pull_request
        return OpenedPullRequest(found.number, found.url, found.head_sha, ensured.created)

    @activity.defn(name=AWAIT_CHECKS.name)
    @failing_well
    @heard
    async def await_checks(self, given: AwaitChecks) -> CheckSummary:
        """One look at the checks; `not_yet` until they say something final, or none came in time."""
        platform = await self._platforms.get(given.repo.platform_id)
        for wanted in given.reruns:
            run = await platform.get_run(given.repo, wanted.id)
            if run.state is CheckState.PENDING or run.attempt < wanted.attempt:
                raise not_yet(f"{run.name} runs again", _pause(given.poll))
        summary = await platform.get_checks(given.repo, given.sha)
        if summary.state is CheckState.PENDING:
            raise not_yet("checks are running", _pause(given.poll))
        if summary.state is CheckState.NONE:
            # Both by Temporal's clock: this machine's may go wrong by more than the whole grace.
            info = activity.info()
            waited = (info.started_time - info.scheduled_time).total_seconds()
            if waited < given.grace:
                raise not_yet("no check has appeared yet", min(given.poll, given.grace - waited + 0.1))
        return summary

    @activity.defn(name=MERGE.name)
    @failing_well
    @heard
    async def merge(self, given: Merge) -> Merged:
        """Merge the pull request, or the branch where there are none, pinned to the reviewed commit."""
        platform = await self._platforms.get(given.repo.platform_id)
        if given.pull_request is None:
            result = await platform.merge_branch(
                given.repo, given.branch, given.base_branch, given.head_sha, given.message
            )
            return Merged(result.outcome, result.sha or "", result.reason, obstacle=result.obstacle)
        state = await platform.merge_readiness(given.repo, given.pull_request)
        if state.category is MergeCategory.IN_PROGRESS:
            raise not_yet(f"the platform is not ready to merge: {state.reason}", _pause(given.poll))
        if state.category is MergeCategory.RECOVERABLE:
            return Merged(MergeOutcome.REFUSED, reason=state.reason, obstacle=state.obstacle)
        # READY, or TERMINAL: merged already is for `merge_pr` to find out.
        result = await platform.merge_pr(
            given.repo, given.pull_request, given.method, given.head_sha, given.message
        )
        if result.outcome in (MergeOutcome.PENDING, MergeOutcome.SCHEDULED):
            raise not_yet("the platform merges later", _pause(given.poll))
        obstacle = result.obstacle
        if result.outcome is MergeOutcome.REFUSED and obstacle is None:
            # The base may have moved between the two calls: then the state knows more than the refusal.
            obstacle = (await platform.merge_readiness(given.repo, given.pull_request)).obstacle
        return Merged(result.outcome, result.sha or "", result.reason, ready=True, obstacle=obstacle)

    @activity.defn(name=CLOSE_ISSUE.name)
    @failing_well
    @heard
    async def close_issue(self, given: CloseIssue) -> Done:
        """Tell the issue what solved it, close it, remove the merged branch."""
        platform = await self._platforms.get(given.repo.platform_id)
        capabilities = await platform.capabilities()
        notes: list[str] = []
        if {COMMENTS, ISSUES} <= capabilities:
            await write_comment(
                platform,
                given.repo,
                Target("issue", given.issue),
                given.comment,
                task_id=given.task_id,
                key="solved",
                link=given.pull_request_url,
            )
        if ISSUES in capabilities:
            await platform.close_issue(given.repo, given.issue)
        if given.delete_branch:
            try:
                await platform.delete_branch(given.repo, given.branch, given.head_sha)
            except StaleHead:
                notes.append(f"the branch {given.branch} has newer commits and was kept")
            except (Forbidden, Conflict) as error:  # protected, or another pull request is from it
                notes.append(f"the branch {given.branch} was kept: {error.message}")
        return Done(tuple(notes))

    @activity.defn(name=COMMENT.name)
    @failing_well
    @heard
    async def comment(self, given: Comment) -> Done:
        """Write, or rewrite, one comment of the run."""
        platform = await self._platforms.get(given.repo.platform_id)
        await write_comment(
            platform, given.repo, given.target, given.body, task_id=given.task_id, key=given.key
        )
        return Done()

    async def _base(self, given: AcceptIssue, repository: Repository) -> Branch:
        """The branch to start from; an empty repository has none, and there is nothing to be tested in it."""
        platform = await self._platforms.get(given.repo.platform_id)
        try:
            return await platform.get_branch(given.repo, given.base or repository.default_branch)
        except NotFound as error:
            if given.base:
                raise
            raise NotFound(
                f"{given.repo.full_name} has no branch {repository.default_branch!r}, its default branch: "
                "the repository is empty, or the branch was deleted",
                hint="push a first commit, or say which branch to start from with --base",
                platform=given.repo.platform_id,
            ) from error

    async def _issue(self, given: AcceptIssue) -> Issue:
        if given.issue_text is not None:
            return issue_from_markdown(given.issue_text, given.issue)
        platform = await self._platforms.get(given.repo.platform_id)
        return await platform.get_issue(given.repo, given.issue)


async def _template(platform: Platform, given: OpenPullRequest, wanted: Conventions) -> str:
    """The team's text for descriptions. One that is not in the repository is no reason to open none."""
    if wanted.template_path is None:
        return wanted.pull_request_template or ""
    try:
        content = await platform.get_file(given.repo, wanted.template_path, given.base)
    except NotFound:
        structlog.get_logger().warning(
            "pull_request.no_template", repository=given.repo.full_name, path=wanted.template_path
        )
        return ""
    return content[:_LONGEST_TEMPLATE].decode("utf-8", "replace")


async def _labels(platform: Platform, wanted: Conventions) -> tuple[str, ...]:
    """The team's labels. A platform without any gets none."""
    if wanted.pull_request_labels and LABELS not in await platform.capabilities():
        structlog.get_logger().warning("pull_request.no_labels", labels=wanted.pull_request_labels)
        return ()
    return wanted.pull_request_labels


def _pause(poll: float) -> float:
    return pause_after(activity.info().attempt, poll)
