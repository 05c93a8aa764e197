"""Whether and how a merge request is merged on GitLab."""

from __future__ import annotations

import re

from tamma.errors import Conflict, PlatformError, Transient
from tamma.model.repository import (
    MergeCategory,
    MergeMethod,
    MergeOutcome,
    MergeResult,
    MergeState,
    RepoRef,
)
from tamma.platforms.common.merging import settled
from tamma.platforms.gitlab.client import item, project, without_commands
from tamma.platforms.gitlab.models import MergeRequestAnswer, ProjectAnswer
from tamma.platforms.gitlab.pulls import GitLabPulls

_READY, _BUSY, _FIX = MergeCategory.READY, MergeCategory.IN_PROGRESS, MergeCategory.RECOVERABLE
_COMPUTING = ("preparing", "checking", "unchecked", "approvals_syncing")
STATES: dict[str, tuple[MergeCategory, str]] = {
    "mergeable": (_READY, "it can be merged"),
    "preparing": (_BUSY, "GitLab is still preparing it"),
    "checking": (_BUSY, "GitLab is still computing"),
    "unchecked": (_BUSY, "GitLab has not computed yet"),
    "approvals_syncing": (_BUSY, "GitLab is still counting approvals"),
    "ci_still_running": (_BUSY, "a pipeline is running"),
    "security_policy_pipeline_check": (_BUSY, "a pipeline that a security policy asks for is not over"),
    "merge_time": (_BUSY, "it may not be merged before a set time"),
    "ci_must_pass": (_FIX, "a pipeline has to succeed first"),
    "conflict": (_FIX, "it conflicts with the target branch"),
    "broken_status": (_FIX, "it conflicts with the target branch"),
    "need_rebase": (_FIX, "the branch is behind its target and has to be rebased"),
    "draft_status": (_FIX, "it is a draft"),
    "discussions_not_resolved": (_FIX, "threads are not resolved"),
    "not_approved": (_FIX, "an approval is missing"),
    "requested_changes": (_FIX, "a reviewer asks for changes"),
    "commits_status": (_FIX, "the source branch is missing or has no commits of its own"),
    "status_checks_must_pass": (_FIX, "an external status check has not passed"),
    "external_status_checks": (_FIX, "an external status check has not passed"),
    "merge_request_blocked": (_FIX, "another merge request has to be merged first"),
    "blocked_status": (_FIX, "another merge request has to be merged first"),
    "jira_association_missing": (_FIX, "the title or description has to name a Jira issue"),
    "title_regex": (_FIX, "the title is not of the form that the project asks for"),
    "locked_paths": (_FIX, "somebody locked a path of the change"),
    "locked_lfs_files": (_FIX, "somebody locked an LFS file of the change"),
    "security_policy_violations": (_FIX, "it violates a security policy"),
    "policies_denied": (_FIX, "a policy denies it"),
    "not_open": (MergeCategory.TERMINAL, "it is not open"),
}
"""`detailed_merge_status` (docs.gitlab.com/api/merge_requests, merge status; older names too)."""
_OLDER = {
    "can_be_merged": "mergeable",
    "cannot_be_merged": "conflict",
    "cannot_be_merged_recheck": "checking",
    "cannot_be_merged_rechecking": "checking",
}
"""`merge_status` of servers before 15.6."""


def merge_state(request: MergeRequestAnswer) -> MergeState:
    """What stands between it and a merge."""
    if request.state == "merged":
        return MergeState(MergeCategory.TERMINAL, "already merged", "merged")
    if request.state == "locked":
        return MergeState(MergeCategory.IN_PROGRESS, "it is being merged", "locked")
    if not request.is_open:
        return MergeState(MergeCategory.TERMINAL, "closed without a merge", "closed")
    native = request.detailed_merge_status or _OLDER.get(request.merge_status, request.merge_status)
    if request.is_draft and native not in _COMPUTING:
        native = "draft_status"
    category, reason = STATES.get(native, (_FIX, f"GitLab says {native!r}"))
    return MergeState(category, reason, native)


def misfit(settings: ProjectAnswer, method: MergeMethod) -> str | None:
    """Why the project's settings do not let it be merged that way; None where they do.

    How commits arrive is the project's setting on GitLab, a merge can only ask for a squash.
    """
    squashes, fast_forward = settings.squash_option, settings.merge_method == "ff"
    if method == "squash":
        if squashes == "never":
            return "the project never squashes (Settings > Merge requests): merge by another method"
        return None
    if squashes == "always":
        return "the project always squashes (Settings > Merge requests): use the method squash"
    if method == "rebase" and not fast_forward:
        return (
            f"the project's merge method is {settings.merge_method!r}, which makes a merge commit: set it to "
            "fast-forward (Settings > Merge requests), or use merge or squash"
        )
    if method == "merge" and fast_forward:
        return "the project merges by fast-forward alone: use the method rebase or squash"
    return None


def auto_merge_field(version: str) -> str:
    """The name that the server knows (docs.gitlab.com/api/merge_requests: renamed in 17.11)."""
    return "auto_merge" if at_least(version, 17, 11) else "merge_when_pipeline_succeeds"


def at_least(version: str, major: int, minor: int) -> bool:
    """Whether `17.11.2-ee` is that or newer; a version that is none is new."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is None or (int(found[1]), int(found[2])) >= (major, minor)


class GitLabMerging(GitLabPulls):
    """The merging part of the adapter."""

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState:
        return merge_state(await self._request(repo, number))

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
        request = await self._request(repo, number)
        if (done := self._settled(request, expected_head)) is not None:
            return done
        unfit = misfit(await self._api.get(ProjectAnswer, project(repo), cached=True), method)
        if unfit is not None:
            return MergeResult(MergeOutcome.REFUSED, None, unfit)
        waits = when_ready and merge_state(request).category is not MergeCategory.READY
        if waits and request.merge_when_pipeline_succeeds:
            return MergeResult(MergeOutcome.SCHEDULED)  # a push takes it back: it is of this head
        body: dict[str, object] = {"sha": expected_head, "squash": method == "squash"}
        if message:
            field = "squash_commit_message" if method == "squash" else "merge_commit_message"
            body[field] = without_commands(message)
        if waits:
            body[auto_merge_field(await self.server_version())] = True
        try:
            where = item(repo, "pull_request", number, "/merge")
            answer = await self._api.send(MergeRequestAnswer, "PUT", where, body)
        except PlatformError as error:
            return await self._after_failed_merge(repo, number, expected_head, error)
        return self._outcome(answer, expected_head)

    def _outcome(self, answer: MergeRequestAnswer, expected_head: str) -> MergeResult:
        done = self._settled(answer, expected_head)
        if done is not None:
            return done
        if answer.merge_when_pipeline_succeeds:
            return MergeResult(MergeOutcome.SCHEDULED)
        return MergeResult(MergeOutcome.PENDING, None, answer.merge_error or "GitLab took the merge on")

    async def _after_failed_merge(
        self, repo: RepoRef, number: str, expected_head: str, error: PlatformError
    ) -> MergeResult:
        """Read again: the merge may have happened (a lost answer), or the head may have moved.

        405: not mergeable. 406 and 422: conflicts, or a hook that refuses. 409: the head is another.
        """
        if not (isinstance(error, Transient | Conflict) or error.status in (400, 405, 406, 422)):
            raise error
        try:
            request = await self._request(repo, number)
        except Transient:
            raise error from None
        done = self._settled(request, expected_head)
        if done is not None:
            return done
        if isinstance(error, Transient):
            if request.merge_when_pipeline_succeeds:
                return MergeResult(MergeOutcome.SCHEDULED)
            raise error
        state = merge_state(request)
        if state.native in _COMPUTING or error.status == 409:
            raise Transient(
                f"{error.message} ({state.reason})", platform=self._settings.id, status=error.status
            ) from error
        reason = state.reason if state.category is not MergeCategory.READY else error.message
        return MergeResult(MergeOutcome.REFUSED, None, reason)

    def _settled(self, request: MergeRequestAnswer, expected_head: str) -> MergeResult | None:
        """The result where nothing is left to do; None where it can be merged at `expected_head`."""
        done = settled(request.pull_request(), expected_head, self._settings.id, "!")
        if done is not None:
            return done
        if request.state == "locked":
            return MergeResult(MergeOutcome.PENDING, None, "it is being merged")
        return None
