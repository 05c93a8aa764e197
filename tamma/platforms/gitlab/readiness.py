"""Whether a merge request can be merged, and whether the way that was asked for. Pure."""

from __future__ import annotations

from tamma.model.repository import MergeCategory, MergeMethod, MergeState, Obstacle
from tamma.platforms.gitlab.models import MergeRequestAnswer, ProjectAnswer

_READY, _BUSY, _FIX = MergeCategory.READY, MergeCategory.IN_PROGRESS, MergeCategory.RECOVERABLE
COMPUTING = ("preparing", "checking", "unchecked", "approvals_syncing")
"""GitLab does not know yet."""
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
_OBSTACLES = {
    "conflict": Obstacle.CONFLICT,
    "broken_status": Obstacle.CONFLICT,
    "need_rebase": Obstacle.BEHIND,
}
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
    if request.is_draft and native not in COMPUTING:
        native = "draft_status"
    category, reason = STATES.get(native, (_FIX, f"GitLab says {native!r}"))
    return MergeState(category, reason, native, _OBSTACLES.get(native))


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
