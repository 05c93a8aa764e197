"""A plan's questions: put to people, and the plan made anew with what they answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.interface.asking import POST_QUESTIONS, PostQuestions
from tamma.agents.answering import answers_from_text, decided
from tamma.agents.asking import Course, course, why_asking, why_deciding
from tamma.agents.plan_words import answered_comment, questions_comment
from tamma.model.planning import Decided
from tamma.model.task import DevRequest, Gate, Waiting
from workflows.calls import call
from workflows.options import FIRST_OUTAGE_WAIT, LONGEST_OUTAGE_WAIT, PLATFORM_CALL
from workflows.patience import Rejected
from workflows.recovery import Remedy, diagnose
from workflows.steps.base import RunSteps, end

HINT = '`tamma answer TASK` or `tamma answer TASK "1: ..."`; `tamma approve TASK` takes the defaults'


class Asking(RunSteps):
    """Puts a plan's questions to people, and has it made anew with what they answer."""

    def __init__(self, request: DevRequest) -> None:
        super().__init__(request)
        self._questions_put: list[str] = []
        self._rounds_asked = 0

    async def _settle_questions(self, plan_with: Callable[[tuple[Decided, ...]], Awaitable[None]]) -> str:
        """Ask until the plan is clear enough. Why a person must see it in any case; empty where none must.

        `plan_with` makes the plan anew with what people said.
        """
        state = self._state
        while True:
            match self._course():
                case Course.GO:
                    return ""
                case Course.DECIDE:
                    return why_deciding(state.open, self._rounds_asked)
                case Course.ASK:
                    taken = await self._put_questions()
            if not taken:
                return ""  # a person takes the plan as it is
            await plan_with(taken)

    def _course(self) -> Course:
        request = self._request
        return course(
            self._state.open,
            above=request.ask_above,
            rounds_left=request.limits.rounds - self._rounds_asked,
            asked=self._questions_put,
            alone=request.unattended is not None,
        )

    def _still_unclear(self) -> str:
        """Why a plan that is shown to a person needs him, beyond his approval."""
        return "" if self._course() is Course.GO else why_deciding(self._state.open, self._rounds_asked)

    async def _put_questions(self) -> tuple[Decided, ...]:
        """Put the plan's questions to people; what they answer. Nothing where they take the defaults."""
        points = self._state.open
        self._rounds_asked += 1
        self._questions_put += (question.text for question in points.questions)
        asked = {question.id: question.text for question in points.questions}
        await self._record("questions.asked", **asked)
        await self._put_back()
        # Beside the waiting, not before it: questions can be answered while the platform is away.
        posting = asyncio.create_task(self._post(questions_comment(self._request.task_id, points)))
        try:
            await self._patience.wait(Waiting(Gate.QUESTIONS, why_asking(points), HINT))
        except (Rejected, asyncio.CancelledError):
            await end(posting)
            raise
        await end(posting)
        taken = self._answered()
        await self._post(answered_comment(taken or self._defaults()), patient=False)
        return taken

    def _answered(self) -> tuple[Decided, ...]:
        """What people have answered since the plan was made, in whatever way. Taken once."""
        state = self._state
        said = [*state.answers, *(answers_from_text(word, state.open.questions) for word in state.words)]
        state.answers, state.words = [], []
        return decided(state.open, said) if said else ()

    def _defaults(self) -> tuple[Decided, ...]:
        return tuple(Decided(each.text, each.default or "-") for each in self._state.open.questions)

    async def _post(self, body: str, *, patient: bool = True) -> None:
        """One comment a round; what cannot be written is noted, as answers come on other ways, too."""
        issue, request = self._issue, self._request
        if not (issue.url and {"issues", "comments"} <= set(issue.capabilities)):
            return
        key = f"questions-{self._rounds_asked}"
        given = PostQuestions(request.task_id, request.repo, request.issue, key, body)
        pause = FIRST_OUTAGE_WAIT
        while True:
            try:
                done = await call(POST_QUESTIONS, given, PLATFORM_CALL, summary="questions on the issue")
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                trouble = diagnose(error)
                if not patient or trouble.remedy is not Remedy.WAIT:
                    self._state.note(f"the questions could not be written on the issue: {trouble.reason}")
                    return
                await asyncio.sleep(trouble.retry_after or pause)
                pause = min(pause * 2, LONGEST_OUTAGE_WAIT)
            else:
                for note in done.notes:
                    self._state.note(note)
                return
