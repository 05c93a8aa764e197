"""People who have not come: reminded once, then called by name. The run goes on waiting."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.interface import COMMENT, Comment, Done
from activities.interface.monitoring import CALL_PEOPLE, CallPeople
from tamma.model.repository import Target
from tamma.model.task import Gate, Waiting
from workflows.calls import call
from workflows.comment_words import escalation, reminder
from workflows.options import REACH_PEOPLE
from workflows.recovery import diagnose
from workflows.steps.ending import Ending


class Reminding(Ending):
    """Watches how long the run waits for a person."""

    _over = False
    """Nobody needs to be reminded or heard any more."""

    async def _remind(self) -> None:
        """Beside the work, to its end: a reminder and a call for each wait that is long enough."""
        limits = self._request.limits
        while not self._over:
            await workflow.wait_condition(lambda: self._over or self._person_asked() is not None)
            waiting, asks = self._person_asked(), self._asks
            if waiting is None:
                continue
            waited = 0.0
            for seconds, say in sorted(
                ((limits.remind_after, self._say_it_waits), (limits.escalate_after, self._call_by_name)),
                key=lambda step: step[0],
            ):
                if seconds > 0 and await self._still_asks(asks, seconds - waited):
                    waited = seconds
                    await say(waiting, asks, seconds)
            await workflow.wait_condition(lambda asks=asks: self._over or self._asks != asks)

    def _person_asked(self) -> Waiting | None:
        """What the run asks people. A run that somebody has paused asks nothing."""
        waiting = self._state.waits_for
        return waiting if waiting and waiting.person and waiting.gate is not Gate.PAUSED else None

    async def _still_asks(self, asks: int, seconds: float) -> bool:
        """Wait for that long. False where the question was answered, or another one is asked."""
        if self._over or self._asks != asks:
            return False
        try:
            await workflow.wait_condition(
                lambda: self._over or self._asks != asks, timeout=timedelta(seconds=max(seconds, 0.001))
            )
        except TimeoutError:
            return True
        return False

    async def _say_it_waits(self, waiting: Waiting, asks: int, seconds: float) -> None:
        body = reminder(waiting, seconds / 3600, self._state.plan_markdown)
        if (place := self._place()) is not None:
            given = Comment(
                self._request.task_id, self._request.repo, place, key=f"waiting-{asks}", body=body
            )
            await self._try("reminded", given)

    async def _call_by_name(self, waiting: Waiting, asks: int, seconds: float) -> None:
        body = escalation(waiting, seconds / 3600, self._state.plan_markdown)
        if (place := self._place()) is not None:
            given = CallPeople(
                self._request.task_id,
                self._request.repo,
                place,
                key=f"nobody-came-{asks}",
                body=body,
                by_name=True,
            )
            await self._try("escalated", given)

    async def _try(self, what: str, given: Comment | CallPeople) -> None:
        """A platform that does not answer now is no reason to do anything else than to wait on."""
        try:
            if isinstance(given, Comment):
                done: Done = await call(COMMENT, given, REACH_PEOPLE, summary="remind people")
            else:
                done = await call(CALL_PEOPLE, given, REACH_PEOPLE, summary="call people by name")
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._state.note(f"people could not be {what}: {diagnose(error).reason}")
            return
        for note in done.notes:
            self._state.note(note)
        await self._record(f"task.{what}", place=f"{given.target.kind} {given.target.number}")

    def _place(self) -> Target | None:
        """Where people look: the pull request once there is one. None where there is no issue either."""
        if self._state.pull_request:
            return Target("pull_request", self._state.pull_request)
        return Target("issue", self._request.issue) if "issues" in self._issue.capabilities else None
