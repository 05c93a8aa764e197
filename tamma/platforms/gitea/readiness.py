"""Whether a pull request can be merged. Pure.

The services say `mergeable` or not, and not why not: the reason is put together from the pull request, the
files that both sides changed, and what the base branch's protection asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from tamma.model.repository import Check, CheckState, MergeCategory, MergeState, Obstacle
from tamma.platforms.gitea.models import BranchAnswer, PullAnswer, ReviewAnswer

SETTLING = timedelta(seconds=30)
"""So long after a change `mergeable: false` may mean that the server is still looking for conflicts."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What was read beside the pull request."""

    may_conflict: bool = True
    """Both sides changed the same file."""
    patient: bool = False
    """Nothing can conflict, and we have not been waiting for long yet."""
    base: BranchAnswer | None = None
    checks: Sequence[Check] = ()
    reviews: Sequence[ReviewAnswer] = field(default_factory=tuple[ReviewAnswer, ...])


def closed_state(pull: PullAnswer) -> MergeState | None:
    """What the pull request says by itself; None where more has to be read."""
    if pull.merged:
        return MergeState(MergeCategory.TERMINAL, "already merged", "merged")
    if pull.state == "closed":
        return MergeState(MergeCategory.TERMINAL, "closed without a merge", "closed")
    if pull.is_draft:
        return MergeState(MergeCategory.RECOVERABLE, "it is a draft", "draft")
    return None


def merge_state(pull: PullAnswer, found: Standing, now: datetime | None = None) -> MergeState:
    """READY as far as we know: protection may ask for more than it tells, then the merge is refused."""
    closed = closed_state(pull)
    if closed is not None:
        return closed
    if not pull.mergeable:
        return _not_mergeable(pull, found, now or datetime.now(UTC))
    base = found.base
    if base is None:
        return MergeState(MergeCategory.READY, "it can be merged", "mergeable")
    if not base.user_can_merge:
        reason = f"this account may not merge into {base.name}"
        return MergeState(MergeCategory.TERMINAL, reason, "user_can_merge=false")
    return (
        _checks_state(base, found.checks)
        or _approvals_state(base, found.reviews)
        or MergeState(MergeCategory.READY, "it can be merged", "mergeable")
    )


def _not_mergeable(pull: PullAnswer, found: Standing, now: datetime) -> MergeState:
    native = "mergeable=false"
    changed = pull.updated_at
    settling = changed is not None and now - changed.astimezone(UTC) < SETTLING
    if settling or (found.patient and not found.may_conflict):
        return MergeState(MergeCategory.IN_PROGRESS, "the server is still looking for conflicts", native)
    if found.may_conflict:
        reason = "it conflicts with the base branch"
        return MergeState(MergeCategory.RECOVERABLE, reason, native, Obstacle.CONFLICT)
    reason = "the server says that it cannot be merged, and not why"
    return MergeState(MergeCategory.RECOVERABLE, reason, native)


def _checks_state(base: BranchAnswer, checks: Sequence[Check]) -> MergeState | None:
    """Without patterns every check counts."""
    if not base.enable_status_check:
        return None
    patterns = base.status_check_contexts or ["*"]
    states = {check.state for check in checks if any(fnmatchcase(check.name, p) for p in patterns)}
    if CheckState.FAILURE in states:
        return MergeState(MergeCategory.RECOVERABLE, "a required check failed", "enable_status_check")
    silent = [p for p in patterns if not any(fnmatchcase(check.name, p) for check in checks)]
    if silent or CheckState.PENDING in states:
        return MergeState(MergeCategory.IN_PROGRESS, "required checks are running", "enable_status_check")
    return None


def _approvals_state(base: BranchAnswer, reviews: Sequence[ReviewAnswer]) -> MergeState | None:
    """Each reviewer's last verdict counts, where it is an official one."""
    last = {r.author: r.state for r in reviews if r.official and not r.dismissed and r.state in _VERDICTS}
    given = sum(state == "APPROVED" for state in last.values())
    if given >= base.required_approvals:
        return None
    reason = f"{base.required_approvals} approvals are required, it has {given}"
    return MergeState(MergeCategory.RECOVERABLE, reason, "required_approvals")


_VERDICTS = frozenset({"APPROVED", "REQUEST_CHANGES"})
