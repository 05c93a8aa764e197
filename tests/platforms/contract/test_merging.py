"""Merging: once, pinned to the head that was read, and told apart from what only began."""

from __future__ import annotations

import pytest

from tamma.errors import Conflict, StaleHead
from tamma.model.repository import CheckState, MergeCategory, MergeMethod, MergeOutcome, PullRequestSpec
from tamma.platforms.interface import AUTO_MERGE, CHECKS, DRAFTS, LOCAL_MERGE, PULL_REQUESTS
from tests.platforms.harness import Harness
from tests.platforms.registry import CONFLICTS, FOLLOWS, MERGES_LATER, PROTECTED
from tests.platforms.steps import BRANCH, NOWHERE, base_sha, branch_of_others, needs, open_pr


async def category(harness: Harness, number: str) -> MergeCategory:
    state = await harness.platform.merge_readiness(harness.repo, number)
    assert state.reason
    return state.category


@needs(PULL_REQUESTS)
@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
async def test_a_merge_happens_once(harness: Harness, method: MergeMethod) -> None:
    pull = await open_pr(harness)
    harness.merges_by(method)
    assert await category(harness, pull.number) is MergeCategory.READY
    arguments: tuple[str, MergeMethod, str, str] = (pull.number, method, pull.head_sha, "Fix\n\nIn whole.")
    first = await harness.platform.merge_pr(harness.repo, *arguments)
    again = await harness.platform.merge_pr(harness.repo, *arguments)
    assert first.outcome is MergeOutcome.MERGED
    assert first == again
    assert first.sha == await base_sha(harness)
    assert await harness.platform.get_file(harness.repo, "fix.txt", "main") == b"fixed\n"
    merged = await harness.platform.get_pr(harness.repo, pull.number)
    assert (merged.state, merged.merge_sha) == ("merged", first.sha)
    assert await category(harness, pull.number) is MergeCategory.TERMINAL


@needs(PULL_REQUESTS, FOLLOWS)
async def test_a_merge_is_pinned_to_its_head(harness: Harness) -> None:
    pull = await open_pr(harness)
    moved = await harness.push(BRANCH, "other.txt", b"x")
    with pytest.raises(StaleHead):
        await harness.platform.merge_pr(harness.repo, pull.number, "merge", pull.head_sha)
    assert (await harness.platform.get_pr(harness.repo, pull.number)).state == "open"
    merged = await harness.platform.merge_pr(harness.repo, pull.number, "merge", moved)
    assert merged.outcome is MergeOutcome.MERGED
    with pytest.raises(Conflict):
        await harness.platform.merge_pr(harness.repo, pull.number, "merge", pull.head_sha)


@needs(PULL_REQUESTS, CONFLICTS)
async def test_a_conflicting_merge_is_refused(harness: Harness) -> None:
    head = await branch_of_others(harness, path="README.md", content=b"mine\n")
    await harness.push("main", "README.md", b"theirs\n")
    spec = PullRequestSpec(BRANCH, "main", "Fix", "Because")
    pull = (await harness.platform.ensure_pr(harness.repo, spec, "op")).pull_request
    assert await category(harness, pull.number) is MergeCategory.RECOVERABLE
    refused = await harness.platform.merge_pr(harness.repo, pull.number, "merge", head)
    assert refused.outcome is MergeOutcome.REFUSED
    assert refused.reason
    assert await harness.platform.get_file(harness.repo, "README.md", "main") == b"theirs\n"


@needs(PULL_REQUESTS)
async def test_a_closed_pull_request_is_not_merged(harness: Harness) -> None:
    pull = await open_pr(harness)
    await harness.close_pr(pull.number)
    assert await category(harness, pull.number) is MergeCategory.TERMINAL
    refused = await harness.platform.merge_pr(harness.repo, pull.number, "merge", pull.head_sha)
    assert (refused.outcome, refused.sha) == (MergeOutcome.REFUSED, None)
    assert refused.reason


@needs(PULL_REQUESTS)
async def test_a_merge_by_somebody_else_counts_at_the_same_head(harness: Harness) -> None:
    pull = await open_pr(harness)
    merged = await harness.merge_pr(pull.number)
    before = harness.changes()
    result = await harness.platform.merge_pr(harness.repo, pull.number, "merge", pull.head_sha)
    assert (result.outcome, result.sha) == (MergeOutcome.MERGED, merged)
    with pytest.raises(Conflict):
        await harness.platform.merge_pr(harness.repo, pull.number, "merge", NOWHERE)
    assert harness.changes() == before


@needs(PULL_REQUESTS)
async def test_what_is_being_computed_is_waited_for(harness: Harness) -> None:
    pull = await open_pr(harness)
    harness.compute(1)
    assert await category(harness, pull.number) is MergeCategory.IN_PROGRESS
    harness.compute(0)
    assert await category(harness, pull.number) is MergeCategory.READY


@needs(PULL_REQUESTS, MERGES_LATER)
async def test_a_merge_that_completes_later_is_not_called_done(harness: Harness) -> None:
    pull = await open_pr(harness)
    base = await base_sha(harness)
    harness.merge_later(4)
    result = await harness.platform.merge_pr(harness.repo, pull.number, "merge", pull.head_sha)
    before = harness.changes()
    for _ in range(8):
        if result.outcome is MergeOutcome.MERGED:
            break
        assert result.outcome is MergeOutcome.PENDING
        result = await harness.platform.merge_pr(harness.repo, pull.number, "merge", pull.head_sha)
    assert result.outcome is MergeOutcome.MERGED
    assert result.sha == await base_sha(harness) != base
    assert harness.changes() == before


@needs(PULL_REQUESTS, DRAFTS)
async def test_a_draft_is_not_merged(harness: Harness) -> None:
    await branch_of_others(harness)
    spec = PullRequestSpec(BRANCH, "main", "Fix", "b", draft=True)
    pull = (await harness.platform.ensure_pr(harness.repo, spec, "op")).pull_request
    assert await category(harness, pull.number) is MergeCategory.RECOVERABLE
    refused = await harness.platform.merge_pr(harness.repo, pull.number, "merge", pull.head_sha)
    assert refused.outcome is MergeOutcome.REFUSED
    assert (await harness.platform.get_pr(harness.repo, pull.number)).state == "open"


@needs(PULL_REQUESTS, CHECKS, PROTECTED)
async def test_what_the_base_requires_holds_a_merge_up(harness: Harness) -> None:
    harness.protect("main", checks=("ci / build",))
    pull = await open_pr(harness)
    for state, expected in (
        (CheckState.PENDING, MergeCategory.IN_PROGRESS),
        (CheckState.FAILURE, MergeCategory.RECOVERABLE),
    ):
        await harness.report(pull.head_sha, "ci / build", state)
        assert await category(harness, pull.number) is expected
        refused = await harness.platform.merge_pr(harness.repo, pull.number, "merge", pull.head_sha)
        assert refused.outcome is MergeOutcome.REFUSED
        assert refused.reason
    await harness.report(pull.head_sha, "ci / build", CheckState.SUCCESS)
    assert await category(harness, pull.number) is MergeCategory.READY
    done = await harness.platform.merge_pr(harness.repo, pull.number, "merge", pull.head_sha)
    assert done.outcome is MergeOutcome.MERGED


@needs(PULL_REQUESTS, AUTO_MERGE, CHECKS)
async def test_a_merge_is_left_to_the_platform(harness: Harness) -> None:
    harness.protect("main", checks=("ci / build",))
    pull = await open_pr(harness)
    await harness.report(pull.head_sha, "ci / build", CheckState.PENDING)
    for _ in range(2):
        scheduled = await harness.platform.merge_pr(
            harness.repo, pull.number, "squash", pull.head_sha, "Fix", when_ready=True
        )
        assert scheduled.outcome is MergeOutcome.SCHEDULED
    assert (await harness.platform.get_pr(harness.repo, pull.number)).state == "open"
    await harness.report(pull.head_sha, "ci / build", CheckState.SUCCESS)
    done = await harness.platform.merge_pr(
        harness.repo, pull.number, "squash", pull.head_sha, "Fix", when_ready=True
    )
    assert (done.outcome, done.sha) == (MergeOutcome.MERGED, await base_sha(harness))


@needs(PULL_REQUESTS, AUTO_MERGE)
async def test_what_is_ready_is_merged_at_once(harness: Harness) -> None:
    pull = await open_pr(harness)
    done = await harness.platform.merge_pr(harness.repo, pull.number, "merge", pull.head_sha, when_ready=True)
    assert done.outcome in (MergeOutcome.MERGED, MergeOutcome.SCHEDULED)
    done = await harness.platform.merge_pr(harness.repo, pull.number, "merge", pull.head_sha, when_ready=True)
    assert (done.outcome, done.sha) == (MergeOutcome.MERGED, await base_sha(harness))


@needs(LOCAL_MERGE)
async def test_a_branch_is_merged_without_a_pull_request(harness: Harness) -> None:
    head = await branch_of_others(harness)
    with pytest.raises(StaleHead):
        await harness.platform.merge_branch(harness.repo, BRANCH, "main", NOWHERE, "Merge")
    first = await harness.platform.merge_branch(harness.repo, BRANCH, "main", head, "Merge")
    again = await harness.platform.merge_branch(harness.repo, BRANCH, "main", head, "Merge")
    assert first.outcome is MergeOutcome.MERGED
    assert first == again
    assert first.sha == await base_sha(harness)
