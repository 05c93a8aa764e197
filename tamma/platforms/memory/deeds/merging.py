"""Merges, at once or later by the platform itself. Blocking.

A merge moves a branch and changes the state. What it will do is saved before the branch moves, so that one
that is killed between the two is completed, not repeated.
"""

from __future__ import annotations

from dataclasses import replace

from tamma.model.repository import (
    CheckState,
    MergeCategory,
    MergeMethod,
    MergeOutcome,
    MergeResult,
    MergeState,
    Obstacle,
    PullRequest,
)
from tamma.platforms.common.merging import settled
from tamma.platforms.git import objects as gitdb
from tamma.platforms.memory.deeds.ci import checks_of
from tamma.platforms.memory.deeds.pulls import change, require_pull
from tamma.platforms.memory.scene import Scene
from tamma.platforms.memory.state import PendingMerge, Scheduled, StoredPull


def readiness(scene: Scene, number: str) -> MergeState:
    """As the platform says it, which may have to be asked more than once."""
    stored = require_pull(scene, number)
    if stored.pull.state == "open":
        stored.looks += 1
        if stored.looks <= scene.options.computing:
            return MergeState(MergeCategory.IN_PROGRESS, "it is still being computed", "unknown")
        if stored.scheduled is not None and not stored.scheduled.when_ready:
            return MergeState(MergeCategory.IN_PROGRESS, "it is being merged", "merging")
    return _judged(scene, stored.pull)


def _judged(scene: Scene, pull: PullRequest) -> MergeState:
    if pull.state != "open":
        return MergeState(MergeCategory.TERMINAL, f"already {pull.state}", pull.state)
    if pull.draft:
        return MergeState(MergeCategory.RECOVERABLE, "it is a draft", "draft")
    git = scene.git
    merged = gitdb.merge(git, gitdb.require_branch(git, pull.base), pull.head_sha, "probe")
    if isinstance(merged, gitdb.Conflicting):
        return MergeState(MergeCategory.RECOVERABLE, str(merged), "dirty", Obstacle.CONFLICT)
    if scene.options.up_to_date and not gitdb.is_merged(
        git, pull.head_sha, gitdb.require_branch(git, pull.base)
    ):
        reason = "the branch is behind its base"
        return MergeState(MergeCategory.RECOVERABLE, reason, "behind", Obstacle.BEHIND)
    checks = checks_of(scene, pull.head_sha).state
    if checks is CheckState.PENDING:
        return MergeState(MergeCategory.IN_PROGRESS, "checks are running", "unstable")
    if checks is CheckState.FAILURE:
        return MergeState(MergeCategory.RECOVERABLE, "a check failed", "unstable")
    return MergeState(MergeCategory.READY, "it can be merged", "clean")


def merge_pr(
    scene: Scene, number: str, method: MergeMethod, expected_head: str, message: str, when_ready: bool
) -> tuple[MergeResult, bool]:
    stored = require_pull(scene, number)
    pull = stored.pull
    done = settled(pull, expected_head, scene.repo.platform_id)
    if done is not None:
        return done, False
    if stored.scheduled is not None:
        return _promised(stored.scheduled), False
    if _moved(scene, stored):
        return _merge(scene, stored, method, message)
    state = _judged(scene, pull)
    if state.native in ("draft", "dirty", "behind"):
        reason = f"#{number} cannot be merged: {state.reason}"
        return MergeResult(MergeOutcome.REFUSED, None, reason, state.obstacle), False
    waits = when_ready and state.category is not MergeCategory.READY
    if waits or scene.options.merges_later:
        looks = 0 if waits else scene.options.merges_later
        stored.scheduled = Scheduled(method, expected_head, message, waits, looks)
        return _promised(stored.scheduled), True
    return _merge(scene, stored, method, message)


def merge_now(scene: Scene, number: str, method: MergeMethod) -> MergeResult:
    """A person's merge: nobody waits for checks."""
    stored = require_pull(scene, number)
    if stored.pull.state != "open":
        return MergeResult(MergeOutcome.REFUSED, None, f"#{number} is {stored.pull.state}")
    return _merge(scene, stored, method, "")[0]


def settle(scene: Scene) -> None:
    """Make the scheduled merges whose time has come; every look at the repository is a moment that passes."""
    for number in list(scene.state.pulls):
        stored = scene.state.pulls[number]
        if stored.scheduled is None or stored.pull.state != "open":
            continue
        pull = require_pull(scene, number).pull
        scheduled = stored.scheduled
        scheduled.looks -= not scheduled.when_ready
        if pull.head_sha != scheduled.head:
            stored.scheduled = None
        elif scheduled.when_ready and _judged(scene, pull).category is not MergeCategory.READY:
            continue
        elif scheduled.looks <= 0:
            _merge(scene, stored, scheduled.method, scheduled.message)


def _moved(scene: Scene, stored: StoredPull) -> bool:
    """Whether an earlier attempt moved the base and was killed before it could say so."""
    if stored.merging is None:
        return False
    git = scene.git
    return gitdb.is_merged(git, gitdb.require_branch(git, stored.pull.base), stored.merging.new)


def _promised(scheduled: Scheduled) -> MergeResult:
    if scheduled.when_ready:
        return MergeResult(MergeOutcome.SCHEDULED, None, "it is merged when nothing stands in its way")
    return MergeResult(MergeOutcome.PENDING, None, "it is being merged")


def _merge(scene: Scene, stored: StoredPull, method: MergeMethod, message: str) -> tuple[MergeResult, bool]:
    pull, git = stored.pull, scene.git
    if stored.merging is None or not _moved(scene, stored):
        base = gitdb.require_branch(git, pull.base)
        text = message or f"Merge pull request #{pull.number} from {pull.head}"
        merged = gitdb.merge(git, base, pull.head_sha, text, method)
        if isinstance(merged, gitdb.Conflicting):
            stored.scheduled = None
            return MergeResult(MergeOutcome.REFUSED, None, str(merged), Obstacle.CONFLICT), False
        stored.merging = PendingMerge(base, merged)
        scene.save()
        gitdb.move_branch(git, pull.base, base, merged, f"tamma: merge #{pull.number}")
    stored.scheduled = None
    change(scene, replace(pull, state="merged", merge_sha=stored.merging.new))
    return MergeResult(MergeOutcome.MERGED, stored.merging.new), True
