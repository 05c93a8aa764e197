"""What is GitHub's own about reviews and threads, which come by its GraphQL interface."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tamma.errors import Forbidden, NotFound, PlatformError, PlatformRateLimited, Transient
from tamma.model.repository import InlineComment, PullRequest, RateLimit, ReviewEvent, ReviewSpec
from tamma.platforms.github.graphql import GraphqlError, refusal
from tamma.platforms.github.platform import GitHub
from tests.platforms.forge_harness import ForgeHarness
from tests.platforms.steps import BRANCH, open_pr

TEN = b"".join(b"%d\n" % number for number in range(10))


async def their_pull(hub: ForgeHarness) -> PullRequest:
    hub.hello.push(BRANCH, "fix.txt", TEN)
    return await hub.platform.get_pr(hub.repo, await hub.open_pr(BRANCH, "main"))


@pytest.mark.parametrize("event", [ReviewEvent.APPROVE, ReviewEvent.REQUEST_CHANGES])
async def test_nobody_judges_their_own_pull_request(hub: ForgeHarness, event: ReviewEvent) -> None:
    pull = await open_pr(hub)
    with pytest.raises(Forbidden) as caught:
        await hub.platform.submit_review(hub.repo, pull.number, ReviewSpec(event, "b", pull.head_sha), "op")
    assert "COMMENT" in (caught.value.hint or "")
    comment = ReviewSpec(ReviewEvent.COMMENT, "b", pull.head_sha)
    assert (await hub.platform.submit_review(hub.repo, pull.number, comment, "op")).body == "b"


async def test_a_remark_on_a_line_that_the_change_does_not_show(hub: ForgeHarness) -> None:
    pull = await their_pull(hub)
    remarks = (InlineComment("fix.txt", 2, "shown"), InlineComment("fix.txt", 200, "not shown"))
    review = ReviewSpec(ReviewEvent.COMMENT, "b", pull.head_sha, remarks)
    with pytest.raises(PlatformError, match="could not be resolved") as caught:
        await hub.platform.submit_review(hub.repo, pull.number, review, "op")
    assert "lines that the change shows" in (caught.value.hint or "")
    assert not caught.value.may_retry
    assert hub.changes() == 0


async def test_a_remark_on_what_was_deleted(hub: ForgeHarness) -> None:
    hub.hello.push("main", "fix.txt", TEN)
    hub.hello.push(BRANCH, "fix.txt", TEN.replace(b"4\n", b""))
    number = await hub.open_pr(BRANCH, "main")
    pull = await hub.platform.get_pr(hub.repo, number)
    remarks = (InlineComment("fix.txt", 5, "why?", side="old"),)
    review = ReviewSpec(ReviewEvent.COMMENT, "b", pull.head_sha, remarks)
    await hub.platform.submit_review(hub.repo, number, review, "op")
    [thread] = hub.hello.pull(int(number)).threads
    assert (thread.side, thread.line, thread.start_line) == ("old", 5, None)


async def test_a_copied_mark_is_not_our_review_and_not_our_reply(hub: ForgeHarness) -> None:
    pull = await their_pull(hub)
    await hub.review(pull.number, ReviewEvent.APPROVE, "theirs\n\n<!-- tamma:op=op-1 -->", "reader")
    review = ReviewSpec(ReviewEvent.COMMENT, "ours", pull.head_sha)
    assert (await hub.platform.submit_review(hub.repo, pull.number, review, "op-1")).author == "tamma-bot"
    await hub.remark(pull.number, "fix.txt", 2, "theirs\n\n<!-- tamma:op=op-2 -->", "reader")
    [thread] = await hub.platform.list_threads(hub.repo, pull.number)
    assert (await hub.platform.reply(hub.repo, pull.number, thread.id, "ours", "op-2")).author == "tamma-bot"
    [thread] = await hub.platform.list_threads(hub.repo, pull.number)
    assert [comment.body for comment in thread.comments] == ["theirs", "ours"]
    assert [comment.trusted for comment in thread.comments] == [False, True]


async def test_threads_and_their_comments_come_in_pages(hub: ForgeHarness) -> None:
    pull = await their_pull(hub)
    item = hub.hello.pull(int(pull.number))
    for index in range(53):
        await hub.remark(pull.number, "fix.txt", index % 10 + 1, f"remark {index}")
    for index in range(230):
        hub.hello.reply(item, item.threads[51], f"answer {index}")
    threads = await hub.platform.list_threads(hub.repo, pull.number)
    assert [thread.comments[0].body for thread in threads] == [f"remark {index}" for index in range(53)]
    assert [comment.body for comment in threads[51].comments[1:]] == [f"answer {n}" for n in range(230)]
    last = threads[51].id
    first = await hub.platform.reply(hub.repo, pull.number, last, "ours", "op")
    again = await hub.platform.reply(hub.repo, pull.number, last, "ours", "op")
    assert first.id == again.id
    assert hub.world.effects["reply"] == 1


async def test_a_thread_on_lines_that_are_gone_is_outdated(hub: ForgeHarness) -> None:
    pull = await their_pull(hub)
    await hub.remark(pull.number, "fix.txt", 2, "Why?")
    await hub.push(BRANCH, "fix.txt", b"other\n")
    [thread] = await hub.platform.list_threads(hub.repo, pull.number)
    assert (thread.line, thread.outdated) == (None, True)


async def test_comments_of_bots_and_of_those_who_are_gone(hub: ForgeHarness) -> None:
    """REST calls a bot `name[bot]`; GraphQL leaves that out."""
    pull = await their_pull(hub)
    for author in ("renovate[bot]", "ghost"):
        hub.hello.members[author] = "write"
        await hub.remark(pull.number, "fix.txt", 1, f"I am {author}", author)
        await hub.review(pull.number, ReviewEvent.COMMENT, "b", author)
    threads = await hub.platform.list_threads(hub.repo, pull.number)
    reviews = await hub.platform.list_reviews(hub.repo, pull.number)
    assert [thread.comments[0].author for thread in threads] == ["renovate[bot]", "ghost"]
    assert [review.author for review in reviews] == ["renovate[bot]", "ghost"]
    assert not any(thread.comments[0].trusted for thread in threads)
    assert not any(review.trusted for review in reviews)


async def test_a_long_review_is_shortened_and_found_again(hub: ForgeHarness) -> None:
    pull = await their_pull(hub)
    remark = InlineComment("fix.txt", 1, "y" * 70_000)
    review = ReviewSpec(ReviewEvent.COMMENT, "x" * 70_000, pull.head_sha, (remark,), "https://x.test/whole")
    for _ in range(2):
        made = await hub.platform.submit_review(hub.repo, pull.number, review, "op")
        assert made.body.endswith("https://x.test/whole")
    [thread] = await hub.platform.list_threads(hub.repo, pull.number)
    for _ in range(2):
        await hub.platform.reply(hub.repo, pull.number, thread.id, "z" * 70_000, "op-2")
    assert (hub.world.effects["review"], hub.world.effects["reply"]) == (1, 1)


async def test_a_node_of_another_kind_is_no_thread(hub: ForgeHarness) -> None:
    pull = await their_pull(hub)
    other = f"PR_{hub.hello.pull(int(pull.number)).id}"
    for thread in (other, "PRRT_99999", "nonsense"):
        with pytest.raises(NotFound):
            await hub.platform.resolve_thread(hub.repo, pull.number, thread)
    with pytest.raises(NotFound):
        await hub.platform.list_threads(hub.repo, "99999")


async def test_a_thread_of_an_archived_repository_is_not_answered(hub: ForgeHarness) -> None:
    pull = await their_pull(hub)
    await hub.remark(pull.number, "fix.txt", 2, "Why?")
    [thread] = await hub.platform.list_threads(hub.repo, pull.number)
    hub.archive()
    with pytest.raises(Forbidden, match="archived"):
        await hub.platform.reply(hub.repo, pull.number, thread.id, "b", "op")


async def test_enterprise_servers_have_their_own_addresses(hub: ForgeHarness) -> None:
    pull = await their_pull(hub)
    await hub.remark(pull.number, "fix.txt", 2, "Why?")
    settings = replace(hub.platform.settings, base_url=f"{hub.server.url}/api/v3")
    platform = GitHub(settings)
    [thread] = await platform.list_threads(hub.repo, pull.number)
    await platform.resolve_thread(hub.repo, pull.number, thread.id)
    assert await platform.server_version() == "3.19.2"
    assert await platform.rate_limit() == RateLimit()
    assert await hub.platform.server_version() == ""
    await platform.close()
    assert "POST /api/graphql" in hub.server.requests
    assert hub.hello.pull(int(pull.number)).threads[0].resolved


@pytest.mark.parametrize(("named", "wait"), [(17, 17.0), (None, 60.0)])
async def test_a_limit_of_the_other_interface_pauses_both(
    hub: ForgeHarness, named: int | None, wait: float
) -> None:
    pull = await their_pull(hub)
    hub.server.fail("POST", "/graphql", "secondary_limit", retry_after=named)
    with pytest.raises(PlatformRateLimited) as caught:
        await hub.platform.list_threads(hub.repo, pull.number)
    assert caught.value.retry_after == wait
    with pytest.raises(PlatformRateLimited, match="was not sent"):
        await hub.platform.get_pr(hub.repo, pull.number)


async def test_numbers_of_comments_outgrow_an_int(hub: ForgeHarness) -> None:
    pull = await their_pull(hub)
    await hub.remark(pull.number, "fix.txt", 2, "Why?")
    hub.hello.pull(int(pull.number)).threads[0].comments[0].id = 5_000_000_000
    [thread] = await hub.platform.list_threads(hub.repo, pull.number)
    assert thread.comments[0].id == "5000000000"


# --- pure -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "message", "headers", "expected", "wait"),
    [
        ("NOT_FOUND", "Could not resolve to a node", {}, NotFound, None),
        ("FORBIDDEN", "Resource not accessible by integration", {}, Forbidden, None),
        ("INSUFFICIENT_SCOPES", "Your token has not been granted", {}, Forbidden, None),
        ("RATE_LIMITED", "API rate limit exceeded", {}, PlatformRateLimited, 60.0),
        ("RATE_LIMITED", "API rate limit exceeded", {"retry-after": "9"}, PlatformRateLimited, 9.0),
        (None, "You have exceeded a secondary rate limit", {}, PlatformRateLimited, 60.0),
        (None, "Something went wrong while executing your query.", {}, Transient, None),
        ("SERVICE_UNAVAILABLE", "later", {}, Transient, None),
        ("UNPROCESSABLE", "Pull request is in clean status", {}, PlatformError, None),
        (None, "Field 'x' doesn't exist on type 'Query'", {}, PlatformError, None),
    ],
)
def test_what_an_error_of_graphql_means(
    kind: str | None, message: str, headers: dict[str, str], expected: type[PlatformError], wait: float | None
) -> None:
    error = refusal("node", [GraphqlError(message=message, type=kind)], headers, "github")
    assert type(error) is expected
    assert error.retry_after == wait
    assert message in error.message
