"""Comments: written once for an operation, updated by the same, and never another's."""

from __future__ import annotations

import pytest

from tamma.errors import NotFound
from tamma.model.repository import Target
from tamma.platforms.interface import COMMENTS, ISSUES, PULL_REQUESTS
from tests.platforms.harness import Harness
from tests.platforms.registry import TRUST
from tests.platforms.steps import needs, open_pr

pytestmark = needs(COMMENTS)


@needs(ISSUES)
async def test_a_comment_is_written_once_and_then_updated(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    target = Target("issue", number)
    first = await harness.platform.ensure_comment(harness.repo, target, "working on it", "op-c")
    again = await harness.platform.ensure_comment(harness.repo, target, "working on it", "op-c")
    updated = await harness.platform.ensure_comment(harness.repo, target, "done 🎉", "op-c")
    await harness.platform.ensure_comment(harness.repo, target, "another", "op-d")
    assert first.id == again.id == updated.id
    assert (first.body, updated.body) == ("working on it", "done 🎉")
    listed = await harness.platform.list_comments(harness.repo, target)
    assert [comment.body for comment in listed] == ["done 🎉", "another"]
    assert all(comment.trusted for comment in listed)
    assert (await harness.platform.get_issue(harness.repo, number)).comments == listed


@needs(PULL_REQUESTS)
async def test_a_pull_request_has_a_conversation(harness: Harness) -> None:
    target = Target("pull_request", (await open_pr(harness)).number)
    assert await harness.platform.list_comments(harness.repo, target) == ()
    first = await harness.platform.ensure_comment(harness.repo, target, "**bold**\n\n- a", "op-c")
    again = await harness.platform.ensure_comment(harness.repo, target, "other", "op-c")
    assert first.id == again.id
    listed = await harness.platform.list_comments(harness.repo, target)
    assert [comment.body for comment in listed] == ["other"]


@needs(ISSUES)
async def test_a_comment_on_nothing_is_not_found(harness: Harness) -> None:
    with pytest.raises(NotFound):
        await harness.platform.ensure_comment(harness.repo, Target("issue", "99999"), "b", "op")
    with pytest.raises(NotFound):
        await harness.platform.list_comments(harness.repo, Target("issue", "99999"))


@needs(ISSUES, TRUST)
async def test_only_those_who_may_write_are_trusted(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    target = Target("issue", number)
    for author in ("octo", "reader", "stranger", "writer"):
        await harness.comment(target, f"I am {author}", author)
    listed = await harness.platform.list_comments(harness.repo, target)
    assert [comment.body for comment in listed] == [
        "I am octo", "I am reader", "I am stranger", "I am writer",
    ]  # fmt: skip
    assert [comment.trusted for comment in listed] == [True, False, False, True]
    assert listed[1].author == harness.login("reader")


@needs(ISSUES, TRUST)
async def test_a_copied_mark_is_not_ours(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    target = Target("issue", number)
    ours = await harness.platform.ensure_comment(harness.repo, target, "ours", "op-1")
    await harness.comment(target, "gotcha\n\n<!-- tamma:op=op-2 -->", "stranger")
    theirs = await harness.platform.ensure_comment(harness.repo, target, "ours too", "op-2")
    assert theirs.id != ours.id
    listed = await harness.platform.list_comments(harness.repo, target)
    assert [comment.body for comment in listed][::2] == ["ours", "ours too"]
    assert listed[1].body.startswith("gotcha")


@needs(ISSUES)
async def test_many_comments_are_all_listed_in_order(harness: Harness) -> None:
    [number] = await harness.add_issues(1)
    target = Target("issue", number)
    for index in range(120):
        await harness.comment(target, f"comment {index}")
    await harness.platform.ensure_comment(harness.repo, target, "ours", "op-1")
    await harness.platform.ensure_comment(harness.repo, target, "ours, later", "op-1")
    listed = await harness.platform.list_comments(harness.repo, target)
    assert [comment.body for comment in listed] == [f"comment {i}" for i in range(120)] + ["ours, later"]
