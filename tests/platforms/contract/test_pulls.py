"""Pull requests: one for an operation, whatever others do to it."""

from __future__ import annotations

import pytest

from tamma.errors import NotFound, PlatformError
from tamma.model.repository import PullRequest, PullRequestFilter, PullRequestSpec
from tamma.platforms.interface import DRAFTS, LABELS, PULL_REQUESTS, REVIEWERS
from tests.platforms.harness import Harness
from tests.platforms.registry import FOLLOWS
from tests.platforms.steps import BRANCH, base_sha, branch_of_others, needs, open_pr

pytestmark = needs(PULL_REQUESTS)
SPEC = PullRequestSpec(BRANCH, "main", "Fix the bug", "Because")


async def test_a_pull_request_is_opened_once(harness: Harness) -> None:
    head = await branch_of_others(harness)
    spec = PullRequestSpec(BRANCH, "main", "Fix „it“", "Because.\n\nFixes #1")
    first = await harness.platform.ensure_pr(harness.repo, spec, "op-pr")
    again = await harness.platform.ensure_pr(harness.repo, spec, "op-pr")
    assert (first.created, again.created) == (True, False)
    assert first.pull_request == again.pull_request
    pull = first.pull_request
    assert (pull.state, pull.head, pull.base, pull.head_sha) == ("open", BRANCH, "main", head)
    assert (pull.title, pull.body, pull.draft, pull.merge_sha) == (spec.title, spec.body, False, None)
    assert await harness.platform.find_pr(harness.repo, BRANCH, "main") == pull
    assert await harness.platform.find_pr(harness.repo, "no/such", "main") is None
    assert await harness.platform.get_pr(harness.repo, pull.number) == pull


@needs(LABELS)
async def test_missing_labels_are_added_in_each_case(harness: Harness) -> None:
    await branch_of_others(harness)
    spec = PullRequestSpec(BRANCH, "main", "Fix", "b", labels=("tamma",))
    first = await harness.platform.ensure_pr(harness.repo, spec, "op-pr")
    more = PullRequestSpec(BRANCH, "main", "Fix", "b", labels=("tamma", "bug"))
    await harness.platform.ensure_pr(harness.repo, more, "op-pr")
    pull = await harness.platform.get_pr(harness.repo, first.pull_request.number)
    assert sorted(pull.labels) == ["bug", "tamma"]


async def test_a_pull_request_that_somebody_opened_is_taken(harness: Harness) -> None:
    await branch_of_others(harness)
    number = await harness.open_pr(BRANCH, "main")
    done = await harness.platform.ensure_pr(harness.repo, SPEC, "op-pr")
    assert (done.created, done.pull_request.number) == (False, number)


async def test_what_cannot_be_opened_says_why(harness: Harness) -> None:
    await harness.platform.ensure_branch(harness.repo, BRANCH, await base_sha(harness))
    for head, base in ((BRANCH, "main"), ("no/such", "main"), (BRANCH, "no/such")):
        with pytest.raises(PlatformError) as caught:
            await harness.platform.ensure_pr(harness.repo, PullRequestSpec(head, base, "t", "b"), "op")
        assert not caught.value.may_retry, (head, base)


async def test_an_unknown_pull_request_is_not_found(harness: Harness) -> None:
    with pytest.raises(NotFound):
        await harness.platform.get_pr(harness.repo, "99999")
    with pytest.raises(NotFound):
        await harness.platform.update_pr(harness.repo, "99999", title="t")


@needs(FOLLOWS)
async def test_a_pull_request_follows_its_branch(harness: Harness) -> None:
    pull = await open_pr(harness)
    moved = await harness.push(BRANCH, "other.txt", b"x")
    assert (await harness.platform.get_pr(harness.repo, pull.number)).head_sha == moved


async def test_an_update_keeps_whose_pull_request_it_is(harness: Harness) -> None:
    pull = await open_pr(harness)
    updated = await harness.platform.update_pr(harness.repo, pull.number, title="New", body="New body")
    assert (updated.title, updated.body) == ("New", "New body")
    assert await harness.platform.update_pr(harness.repo, pull.number, title="New") == updated
    assert (await harness.platform.update_pr(harness.repo, pull.number, body="B")).title == "New"
    await harness.close_pr(pull.number)
    again = await harness.platform.ensure_pr(harness.repo, SPEC, "op-pr")
    assert (again.pull_request.number, again.created) == (pull.number, False)


async def test_a_pull_request_that_somebody_closed(harness: Harness) -> None:
    pull = await open_pr(harness)
    await harness.close_pr(pull.number)
    same = await harness.platform.ensure_pr(harness.repo, SPEC, "op-pr")
    assert (same.created, same.pull_request.number) == (False, pull.number)
    assert same.pull_request.state == "closed"
    later = await harness.platform.ensure_pr(harness.repo, SPEC, "op-of-a-later-run")
    assert later.created
    assert later.pull_request.number != pull.number
    found = await harness.platform.find_pr(harness.repo, BRANCH, "main")
    assert found is not None
    assert found.number == later.pull_request.number


async def test_a_pull_request_that_somebody_merged(harness: Harness) -> None:
    pull = await open_pr(harness)
    merged = await harness.merge_pr(pull.number)
    same = await harness.platform.ensure_pr(harness.repo, SPEC, "op-pr")
    assert (same.created, same.pull_request.number) == (False, pull.number)
    assert (same.pull_request.state, same.pull_request.merge_sha) == ("merged", merged)


@needs("close_pr")
async def test_a_pull_request_is_closed_once(harness: Harness) -> None:
    pull = await open_pr(harness)
    await harness.platform.close_pr(harness.repo, pull.number)
    await harness.platform.close_pr(harness.repo, pull.number)
    assert (await harness.platform.get_pr(harness.repo, pull.number)).state == "closed"
    assert (await harness.platform.get_branch(harness.repo, BRANCH)).sha == pull.head_sha


@needs("close_pr")
async def test_closing_what_is_merged_is_done(harness: Harness) -> None:
    pull = await open_pr(harness)
    await harness.merge_pr(pull.number)
    await harness.platform.close_pr(harness.repo, pull.number)
    assert (await harness.platform.get_pr(harness.repo, pull.number)).state == "merged"


@needs(DRAFTS)
async def test_a_draft_becomes_ready_and_back(harness: Harness) -> None:
    await branch_of_others(harness)
    spec = PullRequestSpec(BRANCH, "main", "Fix", "b", draft=True)
    pull = (await harness.platform.ensure_pr(harness.repo, spec, "op")).pull_request
    assert (pull.draft, pull.title) == (True, "Fix")
    for draft in (True, False, False, True):
        pull = await harness.platform.set_draft(harness.repo, pull.number, draft)
        assert (pull.draft, pull.title, pull.state) == (draft, "Fix", "open")
    assert (await harness.platform.get_pr(harness.repo, pull.number)).draft
    renamed = await harness.platform.update_pr(harness.repo, pull.number, title="Fix it")
    assert (renamed.title, renamed.draft) == ("Fix it", True)


@needs(REVIEWERS)
async def test_reviewers_are_asked_by_their_difference(harness: Harness) -> None:
    number = (await open_pr(harness)).number
    octo, writer = harness.login("octo"), harness.login("writer")
    await harness.platform.request_reviewers(harness.repo, number, (octo, writer))
    await harness.platform.request_reviewers(harness.repo, number, (octo,), (writer,))
    await harness.platform.request_reviewers(harness.repo, number, (), (writer,))
    assert (await harness.platform.get_pr(harness.repo, number)).reviewers == (octo,)
    with pytest.raises(NotFound):
        await harness.platform.request_reviewers(harness.repo, number, ("nobody-at-all",))


@needs("get_diff")
async def test_the_change_is_a_diff_that_git_applies(harness: Harness) -> None:
    pull = await open_pr(harness, path="täst file.txt", content=b"one\ntwo\n")
    await harness.push("main", "elsewhere.txt", b"not in the change\n")
    diff = await harness.platform.get_diff(harness.repo, pull.number)
    assert diff.startswith("diff --git ")
    assert "\n@@ -0,0 +1,2 @@\n+one\n+two\n" in diff
    assert "elsewhere" not in diff


@needs("list_prs")
async def test_pull_requests_are_listed_newest_first(harness: Harness) -> None:
    a, b, c, d = [(await _open(harness, name)).number for name in ("a", "b", "c", "d")]
    await harness.close_pr(b)
    await harness.merge_pr(c)
    assert await _numbers(harness, PullRequestFilter()) == [d, a]
    assert await _numbers(harness, PullRequestFilter("closed")) == [b]
    assert await _numbers(harness, PullRequestFilter("merged")) == [c]
    assert await _numbers(harness, PullRequestFilter("all")) == [d, c, b, a]
    assert await _numbers(harness, PullRequestFilter("all", head="b")) == [b]
    assert await _numbers(harness, PullRequestFilter(base="main", head="c")) == []
    assert await _numbers(harness, PullRequestFilter("all", base="no/such")) == []


async def _open(harness: Harness, name: str) -> PullRequest:
    await branch_of_others(harness, name, f"{name}.txt")
    spec = PullRequestSpec(name, "main", name, "b")
    return (await harness.platform.ensure_pr(harness.repo, spec, f"op-{name}")).pull_request


async def _numbers(harness: Harness, query: PullRequestFilter) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await harness.platform.list_prs(harness.repo, query, cursor)
        found += [pull.number for pull in page.items]
        if page.next_cursor is None:
            return found
        cursor = page.next_cursor
