"""Reviews of a pull request: read as one batch, waited for, answered."""

from __future__ import annotations

from temporalio import activity

from activities.failures import failing_well, not_yet
from activities.heartbeat import heard
from activities.interface import Done
from activities.interface.monitoring import (
    ANSWER_REVIEW,
    AWAIT_REVIEW,
    READ_REVIEWS,
    AnswerReview,
    AwaitReview,
    ReadReviews,
    Remark,
    ReviewBatch,
    ReviewNews,
)
from activities.looking import pause_after
from activities.ourselves import our_names
from activities.pools import PlatformPool
from activities.review_words import answers_of, batch_markdown, open_threads, reply_to, unheard
from tamma.errors import Forbidden, NotFound, Unsupported
from tamma.model.repository import ReviewThread
from tamma.platforms.interface import RESOLVE_THREADS, REVIEWS, Platform
from tamma.store.interface import BlobStore


class ReviewActivities:
    """Holds the platform accounts and the blob store."""

    def __init__(self, platforms: PlatformPool, blobs: BlobStore) -> None:
        self._platforms = platforms
        self._blobs = blobs

    @activity.defn(name=READ_REVIEWS.name)
    @failing_well
    @heard
    async def read_reviews(self, given: ReadReviews) -> ReviewBatch:
        """What is new and comes from people who may write to the repository."""
        return await self._batch(await self._platforms.get(given.repo.platform_id), given)

    @activity.defn(name=AWAIT_REVIEW.name)
    @failing_well
    @heard
    async def await_review(self, given: AwaitReview) -> ReviewNews:
        """One look at the pull request; `not_yet` until something has happened."""
        reading = given.reading
        platform = await self._platforms.get(reading.repo.platform_id)
        if given.reviews and (await self._batch(platform, reading)).text is not None:
            return ReviewNews(reviewed=True)
        state = await platform.merge_readiness(reading.repo, reading.number)
        if state.category in given.ends:
            return ReviewNews(reviewed=False)
        if state.obstacle in given.obstacles:
            return ReviewNews(reviewed=False, obstacle=state.obstacle)
        raise not_yet("nobody has said anything new", pause_after(activity.info().attempt, given.poll))

    @activity.defn(name=ANSWER_REVIEW.name)
    @failing_well
    @heard
    async def answer_review(self, given: AnswerReview) -> Done:
        """Reply in every thread, once; what the agent left out is not resolved."""
        platform = await self._platforms.get(given.repo.platform_id)
        answers = answers_of(given.answers)
        resolves = RESOLVE_THREADS in await platform.capabilities()
        notes: list[str] = []
        for remark in given.remarks:
            answer = answers.get(remark.number, "")
            op_id = f"{given.task_id}/{given.key}-{remark.number}"
            try:
                await platform.reply(
                    given.repo, given.number, remark.thread, reply_to(answer, given.summary, given.sha), op_id
                )
                if answer and resolves:
                    await platform.resolve_thread(given.repo, given.number, remark.thread)
            except (Forbidden, NotFound) as error:  # deleted, or locked
                notes.append(f"a remark was not answered: {error.message}")
        return Done(tuple(notes))

    async def _batch(self, platform: Platform, given: ReadReviews) -> ReviewBatch:
        if REVIEWS not in await platform.capabilities():
            return ReviewBatch()
        us = await our_names(platform)
        reviews = await platform.list_reviews(given.repo, given.number)
        threads: tuple[ReviewThread, ...] = ()
        unread = ""
        try:
            threads = await platform.list_threads(given.repo, given.number)
        except (Forbidden, NotFound, Unsupported) as error:  # the run must not stand still for that
            unread = error.message
        new, mine = unheard(reviews, given.heard, us), open_threads(threads, us)
        authors = {each.author for each in reviews if not each.trusted} | {
            each.comments[-1].author for each in threads if each.comments and not each.comments[-1].trusted
        }
        ignored = tuple(sorted(author for author in authors if author.lower() not in us))
        if not new and not mine:
            return ReviewBatch(ignored=ignored, unread=unread)
        text = batch_markdown(new, mine)
        return ReviewBatch(
            tuple(review.id for review in new),
            tuple(Remark(number, thread.id) for number, thread in enumerate(mine, 1)),
            await self._blobs.put_blob(text.encode(), "text/markdown"),
            ignored,
            unread,
        )
