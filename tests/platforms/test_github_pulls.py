"""What is GitHub's own about pull requests and merges: limits, plans, races, and repositories that moved."""

from __future__ import annotations

import pytest

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError, Transient, Unsupported
from tamma.model.repository import (
    ChangeKind,
    CheckState,
    FileChange,
    IssueFilter,
    MergeCategory,
    MergeOutcome,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
    Target,
)
from tamma.platforms.interface import DRAFTS
from tests.platforms.forge_harness import ForgeHarness
from tests.platforms.steps import BRANCH, base_sha, open_pr

SPEC = PullRequestSpec(BRANCH, "main", "Fix", "Because")


async def test_drafts_are_not_in_every_plan(hub: ForgeHarness) -> None:
    await hub.push(BRANCH, "fix.txt", b"x")
    hub.hello.forbidden.add("drafts")
    draft = PullRequestSpec(BRANCH, "main", "Fix", "b", draft=True)
    with pytest.raises(Unsupported) as caught:
        await hub.platform.ensure_pr(hub.repo, draft, "op")
    assert caught.value.capability == DRAFTS
    assert "ready for review" in (caught.value.hint or "")
    pull = (await hub.platform.ensure_pr(hub.repo, SPEC, "op")).pull_request
    with pytest.raises(Unsupported):
        await hub.platform.set_draft(hub.repo, pull.number, True)


async def test_a_long_title_is_shortened_once(hub: ForgeHarness) -> None:
    await hub.push(BRANCH, "fix.txt", b"x")
    spec = PullRequestSpec(BRANCH, "main", "grüße " * 100, "b")
    pull = (await hub.platform.ensure_pr(hub.repo, spec, "op")).pull_request
    assert (len(pull.title), pull.title[-1]) == (256, "…")
    before = hub.changes()
    assert await hub.platform.update_pr(hub.repo, pull.number, title=spec.title) == pull
    body = "x" * 100_000
    for _ in range(2):
        await hub.platform.update_pr(hub.repo, pull.number, body=body)
    assert hub.changes() == before + 1
    patches = [request for request in hub.server.requests if request.startswith("PATCH")]
    assert len(patches) == 1


async def test_a_diff_that_github_does_not_give(hub: ForgeHarness) -> None:
    pull = await open_pr(hub)
    await hub.push(BRANCH, "large.txt", b"line\n" * 20_001)
    with pytest.raises(PlatformError, match="maximum number of lines") as caught:
        await hub.platform.get_diff(hub.repo, pull.number)
    assert "git diff" in (caught.value.hint or "")
    assert not caught.value.may_retry


async def test_a_base_that_moved_during_a_merge_is_tried_again(hub: ForgeHarness) -> None:
    pull = await open_pr(hub)
    hub.hello.pull(int(pull.number)).extra["base_modified"] = True
    with pytest.raises(Transient, match="Base branch was modified"):
        await hub.platform.merge_pr(hub.repo, pull.number, "merge", pull.head_sha)
    done = await hub.platform.merge_pr(hub.repo, pull.number, "merge", pull.head_sha)
    assert done.outcome is MergeOutcome.MERGED


@pytest.mark.parametrize("computing", [0, 1])
async def test_what_is_ready_is_not_waited_for(hub: ForgeHarness, computing: int) -> None:
    """GitHub refuses to wait where there is nothing to wait for, and that may not be known yet."""
    pull = await open_pr(hub)
    hub.compute(computing)
    done = await hub.platform.merge_pr(hub.repo, pull.number, "squash", pull.head_sha, "Fix", when_ready=True)
    assert (done.outcome, done.sha) == (MergeOutcome.MERGED, await base_sha(hub))


async def test_an_auto_merge_is_asked_for_once(hub: ForgeHarness) -> None:
    hub.protect("main", ("ci",))
    pull = await open_pr(hub)
    for method in ("squash", "squash", "merge"):
        done = await hub.platform.merge_pr(
            hub.repo, pull.number, method, pull.head_sha, "Fix\n\nIn whole.", when_ready=True
        )
        assert done.outcome is MergeOutcome.SCHEDULED
    assert hub.server.requests.count("POST /graphql") == 2, "another method is another wish"
    waiting = hub.hello.pull(int(pull.number)).auto_merge
    assert waiting is not None
    assert (waiting.method, waiting.message, waiting.by) == ("merge", "Fix\n\nIn whole.", "tamma-bot")


async def test_a_repository_without_auto_merge_says_so(hub: ForgeHarness) -> None:
    hub.protect("main", ("ci",))
    hub.hello.forbidden.add("auto_merge")
    pull = await open_pr(hub)
    done = await hub.platform.merge_pr(hub.repo, pull.number, "merge", pull.head_sha, when_ready=True)
    assert (done.outcome, done.sha) == (MergeOutcome.REFUSED, None)
    assert "Auto merge is not allowed" in done.reason


async def test_a_missing_review_blocks_and_says_so(hub: ForgeHarness) -> None:
    hub.protect("main", approvals=1)
    pull = await open_pr(hub)
    state = await hub.platform.merge_readiness(hub.repo, pull.number)
    assert state.category is MergeCategory.RECOVERABLE
    refused = await hub.platform.merge_pr(hub.repo, pull.number, "merge", pull.head_sha)
    assert refused.outcome is MergeOutcome.REFUSED
    assert "approving review" in refused.reason


async def test_the_author_is_not_asked_for_a_review(hub: ForgeHarness) -> None:
    pull = await open_pr(hub)
    for login in ("tamma-bot", "stranger"):
        with pytest.raises(NotFound, match=login) as caught:
            await hub.platform.request_reviewers(hub.repo, pull.number, ("octo", login))
        assert caught.value.hint
    assert (await hub.platform.get_pr(hub.repo, pull.number)).reviewers == ()


async def test_a_protected_branch_is_explained(hub: ForgeHarness) -> None:
    sha = await base_sha(hub)
    await hub.platform.ensure_branch(hub.repo, BRANCH, sha)
    hub.protect(BRANCH)
    change = (FileChange("x", ChangeKind.WRITE, b"x"),)
    with pytest.raises(Forbidden, match="Protected branch update failed") as caught:
        await hub.platform.commit_files(hub.repo, BRANCH, change, "m", sha, "op")
    assert "by a pull request" in (caught.value.hint or "")
    with pytest.raises(Forbidden, match="Cannot delete"):
        await hub.platform.delete_branch(hub.repo, BRANCH, sha)


async def test_an_archived_repository_is_explained(hub: ForgeHarness) -> None:
    [number] = await hub.add_issues(1)
    hub.archive()
    with pytest.raises(Forbidden, match="archived") as caught:
        await hub.platform.ensure_comment(hub.repo, Target("issue", number), "b", "op")
    assert "nothing can be written" in (caught.value.hint or "")


async def test_a_locked_conversation_is_explained(hub: ForgeHarness) -> None:
    [number] = await hub.add_issues(1)
    hub.hello.issues[int(number)].extra["locked"] = True
    hub.hello.members["tamma-bot"] = "read"
    with pytest.raises(Forbidden, match="locked") as caught:
        await hub.platform.ensure_comment(hub.repo, Target("issue", number), "b", "op")
    assert "conversation is locked" in (caught.value.hint or "")


@pytest.mark.parametrize("path", ["../../../user", "src/../README.md", "/README.md", "src//app.py", ".", ""])
async def test_a_path_stays_within_the_repository(hub: ForgeHarness, path: str) -> None:
    with pytest.raises(NotFound):
        await hub.platform.get_file(hub.repo, path, "main")
    assert hub.server.requests == []


async def test_a_pull_request_has_labels_where_issues_are_switched_off(hub: ForgeHarness) -> None:
    pull = await open_pr(hub)
    hub.hello.issues_enabled = False
    target = Target("pull_request", pull.number)
    await hub.platform.set_labels(hub.repo, target, ("bug",))
    await hub.platform.ensure_comment(hub.repo, target, "b", "op")
    assert (await hub.platform.get_pr(hub.repo, pull.number)).labels == ("bug",)


# --- moved repositories, and answers that are asked for again -----------------------------------------------


async def test_a_moved_repository_keeps_its_pull_requests(hub: ForgeHarness) -> None:
    """Reads and writes follow; GitHub looks heads up by the owner, who is another one now."""
    pull = await open_pr(hub)
    hub.world.add_account("acme")
    hub.world.rename(hub.hello, "moved", "acme")
    platform = hub.again()
    assert (await platform.get_repository(hub.repo)).ref == RepoRef("github", "acme", "moved")
    done = await platform.ensure_pr(hub.repo, SPEC, "op-pr")
    assert (done.created, done.pull_request.number) == (False, pull.number)
    found = await platform.list_prs(hub.repo, PullRequestFilter(head=BRANCH))
    assert [each.number for each in found.items] == [pull.number]
    assert await platform.list_threads(hub.repo, pull.number) == ()
    await platform.ensure_comment(hub.repo, Target("pull_request", pull.number), "b", "op")
    assert hub.world.effects["comment"] == 1
    assert f"POST /repositories/{hub.hello.id}/issues/{pull.number}/comments" in hub.server.requests


async def test_pages_of_a_moved_repository(hub: ForgeHarness) -> None:
    numbers = await hub.add_issues(150)
    hub.rename("moved")
    first = await hub.platform.list_issues(hub.repo, IssueFilter())
    second = await hub.platform.list_issues(hub.repo, IssueFilter(), first.next_cursor)
    assert [issue.number for issue in (*first.items, *second.items)] == numbers


async def test_what_did_not_change_is_not_sent_again(hub: ForgeHarness) -> None:
    await hub.add_issues(3)
    first = await hub.platform.list_issues(hub.repo, IssueFilter())
    again = await hub.platform.list_issues(hub.repo, IssueFilter())
    assert again == first
    assert [each.status for each in hub.server.log] == [200, 304]
    await hub.add_issues(1)
    assert len((await hub.platform.list_issues(hub.repo, IssueFilter())).items) == 4


async def test_a_closed_pull_request_with_a_copied_mark_of_somebody_elses_branch(hub: ForgeHarness) -> None:
    """Marks count on pull requests from our branch alone."""
    await hub.push("theirs", "theirs.txt", b"x")
    await hub.push(BRANCH, "fix.txt", b"x")
    hub.hello.open_pull("theirs", "main", "t", "b\n\n<!-- tamma:op=op -->", "writer")
    done = await hub.platform.ensure_pr(hub.repo, SPEC, "op")
    assert (done.created, done.pull_request.head) == (True, BRANCH)


async def test_what_a_merge_is_done_with_while_the_checks_run(hub: ForgeHarness) -> None:
    hub.protect("main", ("ci",))
    pull = await open_pr(hub)
    await hub.report(pull.head_sha, "ci", CheckState.FAILURE)
    refused = await hub.platform.merge_pr(hub.repo, pull.number, "merge", pull.head_sha)
    assert "status check is failing" in refused.reason
    await hub.merge_pr(pull.number)
    with pytest.raises(Conflict):
        await hub.platform.merge_pr(hub.repo, pull.number, "merge", "1" * 40)
