"""Reviews of the pull request: heard as one batch, done, answered; and waited for where a merge waits."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.interface.monitoring import (
    ANSWER_REVIEW,
    AWAIT_REVIEW,
    READ_REVIEWS,
    AnswerReview,
    AwaitReview,
    ReadReviews,
    ReviewBatch,
    ReviewNews,
)
from tamma.model.repository import MergeCategory, Obstacle
from tamma.model.session import Opening, Stage
from tamma.model.task import Gate, Phase, Waiting
from workflows.calls import answer_of, call, start
from workflows.options import PLATFORM_CALL, PLATFORM_WATCH
from workflows.patience import Rejected
from workflows.recovery import diagnose
from workflows.steps.base import end
from workflows.steps.catching_up import CatchingUp

HEARS = "hear-reviews"
"""The change that runs take up what reviewers say: those from before it wait for a person at the run."""


class Reviewing(CatchingUp):
    """Takes up what people say on the pull request."""

    _batches = 0
    _heard: tuple[str, ...] = ()
    _unanswered: AnswerReview | None = None

    async def _hear_reviews(self) -> bool:
        """Whether the change is another one now, because somebody wanted something changed."""
        if not self._can_be_reviewed():
            return False
        batch = await self._patience.patiently(
            lambda: call(READ_REVIEWS, self._reading(), PLATFORM_CALL, summary="what reviewers say")
        )
        for author in batch.ignored:
            self._state.note(f"what {author} wrote was left out: no write access to the repository")
        if batch.unread:
            self._state.note(f"what reviewers say on lines could not be read: {batch.unread}")
        if batch.text is None:
            return False
        if self._batches and self._batches % self._request.limits.rounds == 0:
            hint = '`tamma resume TASK` has the agent answer it, too; `tamma steer TASK "..."` tells it more'
            reason = f"reviewers want more changes after {self._batches} rounds"
            await self._patience.wait(Waiting(Gate.CHANGE, reason, hint))
        self._batches += 1
        await self._do_as_reviewed(batch)
        return True

    async def _do_as_reviewed(self, batch: ReviewBatch) -> None:
        assert batch.text is not None
        await self._enter(Phase.REVIEW)
        finished = await self._session_stage(Stage.FIX, Opening("answer_review", {"review": batch.text}))
        self._heard += batch.reviews
        self._unanswered = AnswerReview(
            self._request.task_id,
            self._request.repo,
            self._state.pull_request,
            key=f"review-{self._batches}",
            remarks=batch.remarks,
            answers=finished.answers,
            summary=finished.summary,
            sha="",
        )
        await self._get_green()
        await self._get_publishable()

    async def _answer_reviews(self) -> None:
        """In the threads, once what they speak of is published."""
        given, published = self._unanswered, self._state.published
        if given is None or published is None:
            return
        told = replace(given, sha=published.sha)
        done = await self._patience.patiently(
            lambda: call(ANSWER_REVIEW, told, PLATFORM_CALL, summary="answer the reviewers")
        )
        self._unanswered = None
        for note in done.notes:
            self._state.note(note)

    async def _wait_at_merge(self, waiting: Waiting, *ends: MergeCategory, reviews: bool = True) -> bool:
        """Wait for a person's answer, or until the pull request is in one of these states.

        False where reviewers have said something instead, or the change has been put onto its base anew.
        """
        if not self._can_be_reviewed():
            return await self._patience.wait(waiting)
        obstacles = (Obstacle.CONFLICT,) if reviews and not self._hindrance else ()
        given = AwaitReview(self._reading(), self._request.limits.poll, ends, obstacles, reviews)
        # Beside the waiting, not in turns with it: an answer may come at any moment.
        watching = asyncio.create_task(self._watch_reviews(given))
        try:
            answered = await self._patience.wait(waiting, unless=watching.done)
        except (Rejected, asyncio.CancelledError):
            await end(watching)
            raise
        if not watching.done():
            await end(watching)
            return True
        try:
            news = await watching
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._state.note(f"the pull request could not be watched: {diagnose(error).reason}")
            return answered or await self._patience.wait(waiting)
        if answered or news.obstacle is None:
            return answered or not news.reviewed
        if await self._catch_up():
            return False
        await self._enter(Phase.APPROVE_MERGE)
        return await self._wait_at_merge(self._hindered(waiting), *ends)

    async def _watch_reviews(self, given: AwaitReview) -> ReviewNews:
        """Polling, one look an attempt; an event from the platform makes it look at once."""
        while True:
            self._woken = False
            looking = start(AWAIT_REVIEW, given, PLATFORM_WATCH, summary="wait for a review")
            try:
                await workflow.wait_condition(lambda h=looking: h.done() or self._woken)
            except asyncio.CancelledError:
                await end(looking)
                raise
            if not looking.done():
                await end(looking)
            elif (news := await answer_of(looking)) is not None:
                return news

    def _hindered(self, waiting: Waiting) -> Waiting:
        reason = f"{waiting.reason}, and it conflicts with {self._issue.base_branch!r}: {self._hindrance}"
        return replace(waiting, reason=reason)

    def _can_be_reviewed(self) -> bool:
        able = "reviews" in self._issue.capabilities and bool(self._state.pull_request)
        return able and workflow.patched(HEARS)

    def _reading(self) -> ReadReviews:
        return ReadReviews(self._request.repo, self._state.pull_request, self._heard)
