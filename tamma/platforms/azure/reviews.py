"""Reviews. Azure DevOps has votes and threads, and nothing that ties them together: a review is its inline
threads, then the vote, then one thread with its text. That one is written last: where it stands, all is done.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from tamma.model.repository import RepoRef, Review, ReviewEvent, ReviewSpec, ReviewThread
from tamma.platforms.azure.ci import AzureCi
from tamma.platforms.azure.client import PAGE, skipping
from tamma.platforms.azure.models import Answer
from tamma.platforms.azure.pullrequests import PullAnswer
from tamma.platforms.azure.threads import (
    COMMENT_LIMIT,
    ThreadAnswer,
    new_thread,
    of_review,
    on_lines,
)
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.marks import with_mark

VOTES = {ReviewEvent.APPROVE: 10, ReviewEvent.REQUEST_CHANGES: -5}
"""10 approved, 5 approved with suggestions, -5 waiting for the author, -10 rejected."""
_WORDS = {
    ReviewEvent.APPROVE: "Approved.",
    ReviewEvent.REQUEST_CHANGES: "Changes requested.",
    ReviewEvent.COMMENT: "Reviewed.",
}
"""The text of a review without one: a thread is never empty."""


class _Item(Answer):
    path: str = ""


class _Change(Answer):
    change_tracking_id: int = 0
    item: _Item = Field(default_factory=_Item)


class _Iteration(Answer):
    id: int


class AzureReviews(AzureCi):
    """The reviews' part of the adapter."""

    async def submit_review(self, repo: RepoRef, number: str, review: ReviewSpec, op_id: str) -> Review:
        threads = await self._threads(repo, number)
        for thread in threads:
            if thread.review_event is not None:
                there = await self._ours(repo, thread, op_id)
                if there is not None:
                    return thread.review(there, thread.review_event, trusted=True)
        pull = await self._pull(repo, number)
        if pull.head_sha != review.head_sha:
            raise self._stale(f"the head of #{number}", pull.head_sha, review.head_sha)
        await self._remark(repo, number, threads, review, op_id)
        await self._vote(repo, pull, review.event)
        text = review.body.strip() or _WORDS[review.event]
        content = fit(with_mark(text, op_id), COMMENT_LIMIT, link=review.link, unit="utf16")
        body = new_thread(content, of_review(review.event, review.head_sha))
        made = await self._send(ThreadAnswer, "POST", self._thread_path(repo, number), body)
        return made.review(made.comments[0], review.event, trusted=True)

    async def _remark(
        self, repo: RepoRef, number: str, threads: list[ThreadAnswer], review: ReviewSpec, op_id: str
    ) -> None:
        """Each inline comment once: it is marked with its place in the review."""
        tracked = await self._tracking(repo, number) if review.comments else {}
        for index, comment in enumerate(review.comments):
            mark = f"{op_id}#{index}"
            for thread in threads:
                if thread.on_lines and await self._ours(repo, thread, mark) is not None:
                    break
            else:
                content = fit(with_mark(comment.body, mark), COMMENT_LIMIT, unit="utf16")
                body = new_thread(content, on_lines(comment, tracked.get(f"/{comment.path}")))
                await self._send(ThreadAnswer, "POST", self._thread_path(repo, number), body)

    async def _tracking(self, repo: RepoRef, number: str) -> dict[str, dict[str, object]]:
        """Paths to what ties a remark to the newest iteration of the change, against its base."""
        newest = await self._newest_iteration(repo, number)
        if newest is None:
            return {}
        asked = self._query({"$compareTo": "0", "$top": str(PAGE), "$skip": "0"})
        where = self._pull_path(repo, number, f"/iterations/{newest}/changes")
        pager = skipping("changeEntries")
        found = await self._api.every(_Change, where, asked, pager, "changeEntries")
        context = {"firstComparingIteration": newest, "secondComparingIteration": newest}
        return {
            change.item.path: {"changeTrackingId": change.change_tracking_id, "iterationContext": context}
            for change in found
            if change.change_tracking_id
        }

    async def _newest_iteration(self, repo: RepoRef, number: str) -> int | None:
        iterations = await self._all(_Iteration, self._pull_path(repo, number, "/iterations"))
        return max((iteration.id for iteration in iterations), default=None)

    async def _vote(self, repo: RepoRef, pull: PullAnswer, event: ReviewEvent) -> None:
        vote = VOTES.get(event)
        me = (await self._me(repo)).authenticated_user.id
        now = next((reviewer.vote for reviewer in pull.reviewers if reviewer.id == me), 0)
        if vote is not None and event_of(now) is not event:
            path = self._pull_path(repo, str(pull.pull_request_id), f"/reviewers/{me}")
            await self._do("PUT", path, {"id": me, "vote": vote})

    async def list_reviews(self, repo: RepoRef, number: str) -> tuple[Review, ...]:
        """Reviews that were submitted here, and the votes of others, whose words are ordinary threads."""
        pull = await self._pull(repo, number)
        threads = await self._threads(repo, number)
        found: list[Review] = []
        said: dict[str, ReviewEvent] = {}
        for thread in threads:
            event = thread.review_event
            for comment in thread.spoken[:1] if event is not None else ():
                trusted = await self._trusted(repo, comment.author)
                found.append(thread.review(comment, event or ReviewEvent.COMMENT, trusted=trusted))
                if event is not None and event in VOTES:
                    said[comment.author.id] = event
        for reviewer in pull.reviewers:
            event = event_of(reviewer.vote)
            if event is not None and said.get(reviewer.id) is not event:
                when = _voted(threads, reviewer.id)
                trusted = await self._trusted(repo, reviewer)
                found.append(Review(f"vote/{reviewer.id}", reviewer.login, event, "", "", when, trusted))
        return tuple(sorted(found, key=lambda review: str(review.submitted_at or "9")))

    async def list_threads(self, repo: RepoRef, number: str) -> tuple[ReviewThread, ...]:
        found: list[ReviewThread] = []
        newest = await self._newest_iteration(repo, number)
        for thread in await self._threads(repo, number, newest):
            if thread.on_lines and thread.spoken:
                comments = [
                    comment.comment(thread.id, trusted=await self._trusted(repo, comment.author))
                    for comment in thread.spoken
                ]
                found.append(thread.thread(tuple(comments)))
        return tuple(sorted(found, key=lambda thread: int(thread.id)))

    async def resolve_thread(self, repo: RepoRef, number: str, thread_id: str, resolved: bool = True) -> None:
        thread = await self._thread(repo, number, thread_id)
        if thread.resolved != resolved:
            status = "fixed" if resolved else "active"
            await self._do("PATCH", self._thread_path(repo, number, f"/{thread.id}"), {"status": status})


def event_of(vote: int) -> ReviewEvent | None:
    """What a vote says; None for one who was asked and has not voted."""
    if vote == 0:
        return None
    return ReviewEvent.APPROVE if vote > 0 else ReviewEvent.REQUEST_CHANGES


def _voted(threads: list[ThreadAnswer], identity: str) -> datetime | None:
    """When somebody voted last: the service notes it in a thread of its own."""
    dates = [
        comment.published_date
        for thread in threads
        if "CodeReviewVoteResult" in thread.properties
        for comment in thread.comments
        if comment.author.id == identity and comment.published_date is not None
    ]
    return max(dates, default=None)
