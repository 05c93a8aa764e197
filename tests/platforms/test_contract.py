"""What every platform keeps, whichever it is: the same suite over all adapters and fakes."""

from __future__ import annotations

import pytest

from tamma.errors import Conflict, NotFound, StaleHead, Transient, Unsupported
from tamma.model.repository import (
    ChangeKind,
    CheckState,
    FileChange,
    IssueFilter,
    MergeCategory,
    MergeMethod,
    MergeOutcome,
    PullRequest,
    PullRequestSpec,
    RepoRef,
    Target,
)
from tamma.platforms import interface
from tests.platforms.harness import Harness
from tests.platforms.registry import ANSWERS_LOST, CONFLICTS, FOLLOWS, Entry

BRANCH = "tamma/12-häßlich/ünïcode"
needs = pytest.mark.needs


async def base_sha(made: Harness) -> str:
    return (await made.platform.get_branch(made.repo, "main")).sha


async def commit(
    made: Harness, branch: str = BRANCH, path: str = "fix.txt", content: bytes = b"fixed\n"
) -> str:
    base = await base_sha(made)
    await made.platform.ensure_branch(made.repo, branch, base)
    change = (FileChange(path, ChangeKind.WRITE, content),)
    return (await made.platform.commit_files(made.repo, branch, change, "Fix it", base, f"op-{branch}")).sha


async def open_pr(made: Harness, branch: str = BRANCH) -> PullRequest:
    await commit(made, branch)
    spec = PullRequestSpec(branch, "main", "Fix the bug", "Because.\n\nFixes it.")
    return (await made.platform.ensure_pr(made.repo, spec, "op-pr")).pull_request


async def lose_answer(made: Harness, op: str, *arguments: object) -> None:
    """Do `op` so that it acts and its answer is lost."""
    made.arm("lose_answer", 0, op)
    with pytest.raises(Transient):
        await getattr(made.platform, op)(made.repo, *arguments)


# --- repositories and branches ------------------------------------------------------------------------


async def test_a_repository_has_a_default_branch_and_an_address(harness: Harness) -> None:
    found = await harness.platform.get_repository(harness.repo)
    assert found.default_branch == "main"
    assert found.clone_url


async def test_an_unknown_repository_is_not_found(harness: Harness) -> None:
    with pytest.raises(NotFound) as caught:
        await harness.platform.get_repository(RepoRef(harness.repo.platform_id, "nobody", "/no/such"))
    assert caught.value.hint


async def test_files_are_read_at_a_ref(harness: Harness) -> None:
    assert (await harness.platform.get_file(harness.repo, "README.md", "main")).lower().count(b"hello") == 1
    with pytest.raises(NotFound):
        await harness.platform.get_file(harness.repo, "no/such.file", "main")


async def test_a_branch_is_created_once(harness: Harness) -> None:
    sha = await base_sha(harness)
    first = await harness.platform.ensure_branch(harness.repo, BRANCH, sha)
    assert first == await harness.platform.ensure_branch(harness.repo, BRANCH, sha)
    assert first == await harness.platform.get_branch(harness.repo, BRANCH)


async def test_a_branch_elsewhere_is_a_conflict(harness: Harness) -> None:
    sha = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, BRANCH, sha)
    moved = await harness.push(BRANCH, "other.txt", b"x")
    with pytest.raises(Conflict):
        await harness.platform.ensure_branch(harness.repo, BRANCH, sha)
    assert (await harness.platform.get_branch(harness.repo, BRANCH)).sha == moved


async def test_a_missing_branch_is_not_found(harness: Harness) -> None:
    with pytest.raises(NotFound):
        await harness.platform.get_branch(harness.repo, "no/such")


async def test_a_branch_is_deleted_only_where_it_is_expected(harness: Harness) -> None:
    sha = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, BRANCH, sha)
    moved = await harness.push(BRANCH, "other.txt", b"x")
    with pytest.raises(StaleHead):
        await harness.platform.delete_branch(harness.repo, BRANCH, sha)
    await harness.platform.delete_branch(harness.repo, BRANCH, moved)
    await harness.platform.delete_branch(harness.repo, BRANCH, moved)
    with pytest.raises(NotFound):
        await harness.platform.get_branch(harness.repo, BRANCH)


async def test_what_a_platform_lacks_is_unsupported(harness: Harness, entry: Entry) -> None:
    platform, repo = harness.platform, harness.repo
    spec = PullRequestSpec("a", "main", "t", "b")
    target = Target("issue", "1")
    calls = {
        interface.ISSUES: lambda: platform.close_issue(repo, "1"),
        interface.COMMENTS: lambda: platform.ensure_comment(repo, target, "b", "op"),
        interface.LABELS: lambda: platform.set_labels(repo, target, ("x",)),
        interface.ASSIGNEES: lambda: platform.set_assignees(repo, "1", ("x",)),
        interface.PULL_REQUESTS: lambda: platform.ensure_pr(repo, spec, "op"),
        interface.CHECKS: lambda: platform.get_checks(repo, "0" * 40),
        interface.API_COMMITS: lambda: platform.commit_files(repo, "b", (), "m", "0" * 40, "op"),
        interface.LOCAL_MERGE: lambda: platform.merge_branch(repo, "a", "main", "0" * 40, "m"),
    }
    for capability in set(calls) & set(entry.lacks):
        with pytest.raises(Unsupported) as caught:
            await calls[capability]()
        assert caught.value.capability == capability
        assert entry.lacks[capability] in (caught.value.hint or "no hint")


# --- commits --------------------------------------------------------------------------------------------


@needs(interface.API_COMMITS)
async def test_a_commit_writes_and_deletes_files(harness: Harness) -> None:
    base = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, BRANCH, base)
    changes = (
        FileChange("täst/数据.txt", ChangeKind.WRITE, "grüße\n".encode()),
        FileChange("binary.bin", ChangeKind.WRITE, b"\0\xff\xfe"),
        FileChange("run.sh", ChangeKind.WRITE, b"#!/bin/sh\r\n", mode="100755"),
        FileChange("README.md", ChangeKind.DELETE),
    )
    done = await harness.platform.commit_files(harness.repo, BRANCH, changes, "Fix", base, "op-1")
    assert done.created
    for change in changes[:3]:
        assert await harness.platform.get_file(harness.repo, change.path, BRANCH) == change.content
    with pytest.raises(NotFound):
        await harness.platform.get_file(harness.repo, "README.md", BRANCH)


@needs(interface.API_COMMITS)
async def test_a_commit_is_made_once(harness: Harness) -> None:
    sha = await commit(harness)
    base = await base_sha(harness)
    change = (FileChange("fix.txt", ChangeKind.WRITE, b"fixed\n"),)
    again = await harness.platform.commit_files(harness.repo, BRANCH, change, "Fix it", base, f"op-{BRANCH}")
    assert (again.sha, again.created) == (sha, False)


@needs(interface.API_COMMITS)
async def test_a_commit_on_a_moved_branch_is_stale(harness: Harness) -> None:
    base = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, BRANCH, base)
    moved = await harness.push(BRANCH, "other.txt", b"x")
    change = (FileChange("fix.txt", ChangeKind.WRITE, b"fixed\n"),)
    with pytest.raises(StaleHead):
        await harness.platform.commit_files(harness.repo, BRANCH, change, "Fix", base, "op-9")
    assert (await harness.platform.get_branch(harness.repo, BRANCH)).sha == moved


@needs(interface.API_COMMITS, ANSWERS_LOST)
async def test_a_commit_whose_answer_was_lost(harness: Harness) -> None:
    base = await base_sha(harness)
    await harness.platform.ensure_branch(harness.repo, BRANCH, base)
    change = (FileChange("fix.txt", ChangeKind.WRITE, b"fixed\n"),)
    arguments = (BRANCH, change, "Fix", base, "op-2")
    await lose_answer(harness, "commit_files", *arguments)
    done = await harness.platform.commit_files(harness.repo, *arguments)
    assert not done.created
    assert done.sha == (await harness.platform.get_branch(harness.repo, BRANCH)).sha
    assert harness.changes() == 2


@needs(interface.API_COMMITS, ANSWERS_LOST)
async def test_a_branch_whose_answer_was_lost(harness: Harness) -> None:
    sha = await base_sha(harness)
    await lose_answer(harness, "ensure_branch", BRANCH, sha)
    assert (await harness.platform.ensure_branch(harness.repo, BRANCH, sha)).sha == sha
    await lose_answer(harness, "delete_branch", BRANCH, sha)
    await harness.platform.delete_branch(harness.repo, BRANCH, sha)
    assert harness.changes() == 2


# --- issues ---------------------------------------------------------------------------------------------


@needs(interface.ISSUES)
async def test_all_issues_of_many_pages_are_listed_once(harness: Harness) -> None:
    numbers = await harness.add_issues(250)
    found: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        page = await harness.platform.list_issues(harness.repo, IssueFilter(), cursor)
        found += [issue.number for issue in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == numbers


@needs(interface.ISSUES, interface.PULL_REQUESTS)
async def test_pull_requests_are_not_issues(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    pull = await open_pr(harness)
    page = await harness.platform.list_issues(harness.repo, IssueFilter())
    assert [issue.number for issue in page.items] == [number]
    with pytest.raises(NotFound):
        await harness.platform.get_issue(harness.repo, pull.number)


@needs(interface.ISSUES)
async def test_an_issue_is_read_as_it_was_written(harness: Harness) -> None:
    [number] = await harness.add_issues(1, "Ünïcode „quotes“ 🐛", "line\n\n```py\nx = '<b>'\n```")
    issue = await harness.platform.get_issue(harness.repo, number)
    assert (issue.title, issue.body) == ("Ünïcode „quotes“ 🐛", "line\n\n```py\nx = '<b>'\n```")
    with pytest.raises(NotFound):
        await harness.platform.get_issue(harness.repo, "99999")


@needs(interface.ISSUES)
async def test_a_comment_is_written_once_and_then_updated(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    target = Target("issue", number)
    first = await harness.platform.ensure_comment(harness.repo, target, "working on it", "op-c")
    again = await harness.platform.ensure_comment(harness.repo, target, "working on it", "op-c")
    updated = await harness.platform.ensure_comment(harness.repo, target, "done 🎉", "op-c")
    await harness.platform.ensure_comment(harness.repo, target, "another", "op-d")
    assert first.id == again.id == updated.id
    listed = await harness.platform.list_comments(harness.repo, target)
    assert [comment.body for comment in listed] == ["done 🎉", "another"]
    assert all(comment.trusted for comment in listed)
    assert (await harness.platform.get_issue(harness.repo, number)).comments == listed


@needs(interface.ISSUES, ANSWERS_LOST)
async def test_a_comment_whose_answer_was_lost(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    arguments = (Target("issue", number), "hello", "op-c")
    await lose_answer(harness, "ensure_comment", *arguments)
    comment = await harness.platform.ensure_comment(harness.repo, *arguments)
    listed = await harness.platform.list_comments(harness.repo, arguments[0])
    assert [found.id for found in listed] == [comment.id]
    assert harness.changes() == 1


@needs(interface.ISSUES)
async def test_labels_are_set_by_their_difference(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    await harness.platform.set_labels(harness.repo, Target("issue", number), ("bug", "in progress"))
    await harness.platform.set_labels(
        harness.repo, Target("issue", number), ("bug",), ("in progress", "never there")
    )
    await harness.platform.set_labels(harness.repo, Target("issue", number), ("bug",), ("in progress",))
    assert (await harness.platform.get_issue(harness.repo, number)).labels == ("bug",)
    found = await harness.platform.list_issues(harness.repo, IssueFilter(labels=("bug",)))
    assert [issue.number for issue in found.items] == [number]


@needs(interface.ISSUES)
async def test_assignees_are_set_by_their_difference(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    login = (await harness.platform.check_credentials()).login
    await harness.platform.set_assignees(harness.repo, number, (login,))
    await harness.platform.set_assignees(harness.repo, number, (login,))
    assert (await harness.platform.get_issue(harness.repo, number)).assignees == (login,)
    await harness.platform.set_assignees(harness.repo, number, (), (login,))
    assert (await harness.platform.get_issue(harness.repo, number)).assignees == ()


@needs(interface.ISSUES)
async def test_an_issue_is_closed_once_and_reopened(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    await harness.platform.close_issue(harness.repo, number)
    await harness.platform.close_issue(harness.repo, number)
    assert (await harness.platform.get_issue(harness.repo, number)).state == "closed"
    assert not (await harness.platform.list_issues(harness.repo, IssueFilter())).items
    await harness.platform.reopen_issue(harness.repo, number)
    assert (await harness.platform.get_issue(harness.repo, number)).state == "open"


@needs(interface.ISSUES, ANSWERS_LOST)
async def test_a_closing_whose_answer_was_lost(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    await lose_answer(harness, "close_issue", number)
    await harness.platform.close_issue(harness.repo, number)
    assert harness.changes() == 1


@needs(interface.ISSUES, ANSWERS_LOST)
async def test_labels_whose_answer_was_lost(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    await lose_answer(harness, "set_labels", Target("issue", number), ("bug",))
    await harness.platform.set_labels(harness.repo, Target("issue", number), ("bug",))
    login = (await harness.platform.check_credentials()).login
    await lose_answer(harness, "set_assignees", number, (login,))
    await harness.platform.set_assignees(harness.repo, number, (login,))
    assert harness.changes() == 2


# --- pull requests ----------------------------------------------------------------------------------------


@needs(interface.PULL_REQUESTS)
async def test_a_pull_request_is_opened_once(harness: Harness) -> None:
    head = await commit(harness)
    spec = PullRequestSpec(BRANCH, "main", "Fix „it“", "Because.\n\nFixes #1", labels=("tamma",))
    first = await harness.platform.ensure_pr(harness.repo, spec, "op-pr")
    again = await harness.platform.ensure_pr(harness.repo, spec, "op-pr")
    assert (first.created, again.created) == (True, False)
    assert first.pull_request == again.pull_request
    pull = first.pull_request
    assert (pull.state, pull.head, pull.base, pull.head_sha) == ("open", BRANCH, "main", head)
    assert (pull.title, pull.body) == (spec.title, spec.body)
    assert await harness.platform.find_pr(harness.repo, BRANCH, "main") == pull
    assert await harness.platform.find_pr(harness.repo, "no/such", "main") is None
    assert await harness.platform.get_pr(harness.repo, pull.number) == pull


@needs(interface.PULL_REQUESTS, ANSWERS_LOST)
async def test_a_pull_request_whose_answer_was_lost(harness: Harness) -> None:
    await commit(harness)
    arguments = (PullRequestSpec(BRANCH, "main", "Fix", "Because"), "op-pr")
    await lose_answer(harness, "ensure_pr", *arguments)
    done = await harness.platform.ensure_pr(harness.repo, *arguments)
    assert not done.created
    assert harness.changes() == 3


@needs(interface.PULL_REQUESTS)
async def test_an_update_keeps_whose_pull_request_it_is(harness: Harness) -> None:
    pull = await open_pr(harness)
    updated = await harness.platform.update_pr(harness.repo, pull.number, title="New", body="New body")
    assert (updated.title, updated.body) == ("New", "New body")
    assert await harness.platform.update_pr(harness.repo, pull.number, title="New") == updated
    await harness.close_pr(pull.number)
    spec = PullRequestSpec(BRANCH, "main", "Fix the bug", "Because")
    again = await harness.platform.ensure_pr(harness.repo, spec, "op-pr")
    assert (again.pull_request.number, again.created) == (pull.number, False)


@needs(interface.PULL_REQUESTS)
async def test_a_pull_request_that_somebody_closed(harness: Harness) -> None:
    pull = await open_pr(harness)
    await harness.close_pr(pull.number)
    spec = PullRequestSpec(BRANCH, "main", "Fix the bug", "Because")
    same = await harness.platform.ensure_pr(harness.repo, spec, "op-pr")
    assert (same.created, same.pull_request.number, same.pull_request.state) == (False, pull.number, "closed")
    assert (await harness.platform.merge_readiness(harness.repo, pull.number)).category is (
        MergeCategory.TERMINAL
    )
    refused = await harness.platform.merge_pr(harness.repo, pull.number, "merge", pull.head_sha)
    assert refused.outcome is MergeOutcome.REFUSED
    later = await harness.platform.ensure_pr(harness.repo, spec, "op-of-a-later-run")
    assert later.created
    assert later.pull_request.number != pull.number


@needs(interface.PULL_REQUESTS)
@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
async def test_a_merge_happens_once(harness: Harness, method: MergeMethod) -> None:
    pull = await open_pr(harness)
    assert (await harness.platform.merge_readiness(harness.repo, pull.number)).category is MergeCategory.READY
    arguments: tuple[str, MergeMethod, str, str] = (pull.number, method, pull.head_sha, "Fix\n\nIn whole.")
    first = await harness.platform.merge_pr(harness.repo, *arguments)
    again = await harness.platform.merge_pr(harness.repo, *arguments)
    assert first.outcome is MergeOutcome.MERGED
    assert first == again
    assert first.sha == await base_sha(harness)
    assert await harness.platform.get_file(harness.repo, "fix.txt", "main") == b"fixed\n"
    merged = await harness.platform.get_pr(harness.repo, pull.number)
    assert (merged.state, merged.merge_sha) == ("merged", first.sha)


@needs(interface.PULL_REQUESTS, ANSWERS_LOST)
async def test_a_merge_whose_answer_was_lost(harness: Harness) -> None:
    """The lost answer is looked up at once on GitHub (a read), and by the next attempt elsewhere."""
    pull = await open_pr(harness)
    harness.arm("lose_answer", 0, "merge_pr")
    try:
        first = await harness.platform.merge_pr(harness.repo, pull.number, "squash", pull.head_sha)
    except Transient:
        first = None
    again = await harness.platform.merge_pr(harness.repo, pull.number, "squash", pull.head_sha)
    assert again.outcome is MergeOutcome.MERGED
    assert first in (None, again)
    assert harness.changes() == 4


@needs(interface.PULL_REQUESTS, FOLLOWS)
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


@needs(interface.PULL_REQUESTS, CONFLICTS)
async def test_a_conflicting_merge_is_refused(harness: Harness) -> None:
    base = await base_sha(harness)
    head = await commit(harness, path="README.md", content=b"mine\n")
    await harness.push("main", "README.md", b"theirs\n")
    spec = PullRequestSpec(BRANCH, "main", "Fix", "Because")
    pull = (await harness.platform.ensure_pr(harness.repo, spec, "op")).pull_request
    assert (await harness.platform.merge_readiness(harness.repo, pull.number)).category is (
        MergeCategory.RECOVERABLE
    )
    refused = await harness.platform.merge_pr(harness.repo, pull.number, "merge", head)
    assert refused.outcome is MergeOutcome.REFUSED
    assert refused.reason
    assert await base_sha(harness) != base
    assert await harness.platform.get_file(harness.repo, "README.md", "main") == b"theirs\n"


# --- checks -----------------------------------------------------------------------------------------------


@needs(interface.CHECKS)
async def test_checks_are_united(harness: Harness) -> None:
    sha = await commit(harness)
    assert (await harness.platform.get_checks(harness.repo, sha)).state is CheckState.NONE
    for state in (CheckState.PENDING, CheckState.FAILURE, CheckState.SUCCESS):
        await harness.report(sha, "ci / build", state)
        summary = await harness.platform.get_checks(harness.repo, sha)
        assert (summary.state, summary.sha) == (state, sha)
        assert [check.name for check in summary.checks] == ["ci / build"]
