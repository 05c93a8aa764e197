"""Whether a pull request can be merged. Pure."""

from __future__ import annotations

from tamma.model.repository import CheckState, MergeCategory, MergeState, Obstacle
from tamma.platforms.github.models import PullAnswer


def merge_state(pull: PullAnswer, checks: CheckState | None = None) -> MergeState:
    """What GitHub's `mergeable` and `mergeable_state` come to; `checks` tells why it is blocked."""
    native = pull.mergeable_state
    if pull.is_merged:
        return MergeState(MergeCategory.TERMINAL, "already merged", "merged")
    if pull.state == "closed":
        return MergeState(MergeCategory.TERMINAL, "closed without a merge", "closed")
    if pull.draft:
        return MergeState(MergeCategory.RECOVERABLE, "it is a draft", "draft")
    if pull.mergeable is None or native == "unknown":
        return MergeState(MergeCategory.IN_PROGRESS, "GitHub is still computing", native)
    if not pull.mergeable or native == "dirty":
        reason = "it conflicts with the base branch"
        return MergeState(MergeCategory.RECOVERABLE, reason, native, Obstacle.CONFLICT)
    if native == "behind":
        reason = "the branch is behind its base"
        return MergeState(MergeCategory.RECOVERABLE, reason, native, Obstacle.BEHIND)
    if native in ("blocked", "unstable"):
        if checks is CheckState.PENDING:
            return MergeState(MergeCategory.IN_PROGRESS, "checks are running", native)
        if checks is CheckState.FAILURE:
            return MergeState(MergeCategory.RECOVERABLE, "a check failed", native)
    if native == "blocked":
        reason = "branch protection blocks it: a review or a required check is missing"
        return MergeState(MergeCategory.RECOVERABLE, reason, native)
    return MergeState(MergeCategory.READY, "it can be merged", native)
