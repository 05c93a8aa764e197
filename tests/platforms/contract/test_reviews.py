"""Reviews, remarks on lines, answers in threads."""

from __future__ import annotations

import pytest

from tamma.errors import NotFound, StaleHead
from tamma.model.repository import InlineComment, ReviewEvent, ReviewSpec
from tamma.platforms.interface import RESOLVE_THREADS, REVIEWS
from tests.platforms.harness import Harness
from tests.platforms.registry import TRUST
from tests.platforms.steps import BRANCH, branch_of_others, needs, open_pr

pytestmark = needs(REVIEWS)
CONTENT = b"one\ntwo\nthree\nfour\n"


async def theirs(harness: Harness) -> tuple[str, str]:
    """Somebody else's pull request, which we may review: its number and head."""
    head = await branch_of_others(harness, content=CONTENT)
    return await harness.open_pr(BRANCH, "main"), head


@pytest.mark.parametrize("event", [ReviewEvent.APPROVE, ReviewEvent.REQUEST_CHANGES, ReviewEvent.COMMENT])
async def test_a_review_is_submitted_once(harness: Harness, event: ReviewEvent) -> None:
    number, head = await theirs(harness)
    review = ReviewSpec(event, "Looks **odd** to me.", head)
    first = await harness.platform.submit_review(harness.repo, number, review, "op-r")
    again = await harness.platform.submit_review(harness.repo, number, review, "op-r")
    assert first.id == again.id
    [listed] = await harness.platform.list_reviews(harness.repo, number)
    assert (listed.event, listed.body) == (event, "Looks **odd** to me.")
    assert listed.trusted
    assert listed.author == (await harness.platform.check_credentials()).login


async def test_two_operations_are_two_reviews(harness: Harness) -> None:
    number, head = await theirs(harness)
    for op_id, event in (("op-1", ReviewEvent.COMMENT), ("op-2", ReviewEvent.APPROVE)):
        await harness.platform.submit_review(harness.repo, number, ReviewSpec(event, op_id, head), op_id)
    listed = await harness.platform.list_reviews(harness.repo, number)
    assert [review.body for review in listed] == ["op-1", "op-2"]


async def test_a_review_of_another_head_is_stale(harness: Harness) -> None:
    number, head = await theirs(harness)
    await harness.push(BRANCH, "other.txt", b"x")
    with pytest.raises(StaleHead):
        await harness.platform.submit_review(
            harness.repo, number, ReviewSpec(ReviewEvent.APPROVE, "fine", head), "op-r"
        )
    assert await harness.platform.list_reviews(harness.repo, number) == ()


async def test_remarks_on_lines_come_with_the_review(harness: Harness) -> None:
    number, head = await theirs(harness)
    comments = (
        InlineComment("fix.txt", 2, "second line"),
        InlineComment("fix.txt", 4, "two lines\r\n\r\n```suggestion\nx\n```", start_line=3),
    )
    review = ReviewSpec(ReviewEvent.COMMENT, "See below", head, comments)
    for _ in range(2):
        await harness.platform.submit_review(harness.repo, number, review, "op-r")
    threads = await harness.platform.list_threads(harness.repo, number)
    assert [(thread.path, thread.line) for thread in threads] == [("fix.txt", 2), ("fix.txt", 4)]
    assert [len(thread.comments) for thread in threads] == [1, 1]
    assert threads[0].comments[0].body == "second line"
    assert "tamma:op" not in threads[1].comments[0].body
    assert not any(thread.resolved or thread.outdated for thread in threads)


async def test_reviews_of_others_are_read(harness: Harness) -> None:
    number = (await open_pr(harness)).number
    assert await harness.platform.list_reviews(harness.repo, number) == ()
    await harness.review(number, ReviewEvent.REQUEST_CHANGES, "No.", "writer")
    await harness.review(number, ReviewEvent.APPROVE, "", "writer")
    found = await harness.platform.list_reviews(harness.repo, number)
    assert [review.event for review in found][-1] is ReviewEvent.APPROVE
    assert {review.author for review in found} == {harness.login("writer")}
    assert all(review.trusted for review in found)


@needs(TRUST)
async def test_nobody_is_trusted_for_a_verdict_alone(harness: Harness) -> None:
    number = (await open_pr(harness)).number
    await harness.review(number, ReviewEvent.COMMENT, "I know better", "reader")
    assert [review.trusted for review in await harness.platform.list_reviews(harness.repo, number)] == [False]


async def test_a_thread_is_answered_once_for_an_operation(harness: Harness) -> None:
    number = (await open_pr(harness, content=CONTENT)).number
    await harness.remark(number, "fix.txt", 2, "Why?", "writer")
    [thread] = await harness.platform.list_threads(harness.repo, number)
    first = await harness.platform.reply(harness.repo, number, thread.id, "Because.", "op-1")
    again = await harness.platform.reply(harness.repo, number, thread.id, "Because.", "op-1")
    edited = await harness.platform.reply(harness.repo, number, thread.id, "Because, so.", "op-1")
    await harness.platform.reply(harness.repo, number, thread.id, "And more.", "op-2")
    assert first.id == again.id == edited.id
    [thread] = await harness.platform.list_threads(harness.repo, number)
    assert [comment.body for comment in thread.comments] == ["Why?", "Because, so.", "And more."]
    assert thread.comments[0].author == harness.login("writer")


async def test_an_unknown_thread_is_not_found(harness: Harness) -> None:
    number = (await open_pr(harness)).number
    with pytest.raises(NotFound):
        await harness.platform.reply(harness.repo, number, "99999", "b", "op")


@needs(RESOLVE_THREADS)
async def test_a_thread_is_resolved_and_opened_again(harness: Harness) -> None:
    number = (await open_pr(harness, content=CONTENT)).number
    await harness.remark(number, "fix.txt", 2, "Why?", "writer")
    [thread] = await harness.platform.list_threads(harness.repo, number)
    for resolved in (True, True, False, False):
        await harness.platform.resolve_thread(harness.repo, number, thread.id, resolved)
        [found] = await harness.platform.list_threads(harness.repo, number)
        assert (found.id, found.resolved) == (thread.id, resolved)
