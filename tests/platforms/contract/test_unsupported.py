"""What a platform lacks is refused by name, with what to use instead; nothing is silently left out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import pytest

from tamma.errors import Unsupported
from tamma.model.repository import (
    CheckState,
    CiTrigger,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
    ReviewEvent,
    ReviewSpec,
    Status,
    Target,
)
from tamma.platforms import interface as i
from tamma.platforms.interface import CAPABILITIES, Platform
from tests.platforms.harness import Harness
from tests.platforms.registry import PENDING, REFUSALS, Entry

Call = Callable[[Platform, RepoRef], Awaitable[object]]
_ISSUE = Target("issue", "1")
_SHA = "0" * 40
_REVIEW = ReviewSpec(ReviewEvent.COMMENT, "b", _SHA)

CALLS: Mapping[str, tuple[Call, ...]] = {
    i.ISSUES: (lambda p, r: p.close_issue(r, "1"), lambda p, r: p.reopen_issue(r, "1")),
    i.COMMENTS: (
        lambda p, r: p.ensure_comment(r, _ISSUE, "b", "op"),
        lambda p, r: p.list_comments(r, _ISSUE),
    ),
    i.LABELS: (lambda p, r: p.set_labels(r, _ISSUE, ("x",)),),
    i.ASSIGNEES: (lambda p, r: p.set_assignees(r, "1", ("x",)),),
    i.PULL_REQUESTS: (
        lambda p, r: p.find_pr(r, "a", "main"),
        lambda p, r: p.ensure_pr(r, PullRequestSpec("a", "main", "t", "b"), "op"),
        lambda p, r: p.get_pr(r, "1"),
        lambda p, r: p.list_prs(r, PullRequestFilter()),
        lambda p, r: p.update_pr(r, "1", title="t"),
        lambda p, r: p.close_pr(r, "1"),
        lambda p, r: p.get_diff(r, "1"),
        lambda p, r: p.merge_readiness(r, "1"),
        lambda p, r: p.merge_pr(r, "1", "merge", _SHA),
    ),
    i.DRAFTS: (lambda p, r: p.set_draft(r, "1", True),),
    i.REVIEWERS: (lambda p, r: p.request_reviewers(r, "1", ("x",)),),
    i.REVIEWS: (
        lambda p, r: p.submit_review(r, "1", _REVIEW, "op"),
        lambda p, r: p.list_reviews(r, "1"),
        lambda p, r: p.list_threads(r, "1"),
        lambda p, r: p.reply(r, "1", "1", "b", "op"),
    ),
    i.RESOLVE_THREADS: (lambda p, r: p.resolve_thread(r, "1", "1"),),
    i.CHECKS: (lambda p, r: p.get_checks(r, _SHA),),
    i.STATUSES: (lambda p, r: p.set_status(r, _SHA, Status("n", CheckState.SUCCESS)),),
    i.CI_TRIGGER: (lambda p, r: p.trigger_ci(r, CiTrigger("main"), "op"),),
    i.CI_RUNS: (
        lambda p, r: p.list_runs(r),
        lambda p, r: p.get_run(r, "1"),
        lambda p, r: p.list_jobs(r, "1"),
    ),
    i.CI_LOGS: (lambda p, r: p.get_job_log(r, "1"),),
    i.CI_RERUN: (lambda p, r: p.rerun(r, "1"),),
    i.CI_CANCEL: (lambda p, r: p.cancel_run(r, "1"),),
    i.WEBHOOKS: (),
    i.API_COMMITS: (lambda p, r: p.commit_files(r, "b", (), "m", _SHA, "op"),),
    i.LOCAL_MERGE: (lambda p, r: p.merge_branch(r, "a", "main", _SHA, "m"),),
    # Tested where they can be asked for: with a pull request, and by git.
    i.AUTO_MERGE: (),
    i.GIT_PUSH: (),
}


def test_every_capability_is_asked_for() -> None:
    assert set(CALLS) == CAPABILITIES


async def test_what_a_platform_lacks_is_unsupported(harness: Harness, entry: Entry) -> None:
    """Where the method is one of a larger capability that is missing too, that one may be named."""
    pending = PENDING.get(entry.name, frozenset())
    for capability in sorted(set(CALLS) & set(entry.lacks)):
        for call in CALLS[capability] if not {capability, REFUSALS} & pending else ():
            with pytest.raises(Unsupported) as caught:
                await call(harness.platform, harness.repo)
            assert caught.value.capability in entry.lacks
            assert entry.lacks[capability].lower() in (caught.value.hint or "").lower()
            assert caught.value.hint
