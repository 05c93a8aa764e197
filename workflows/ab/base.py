"""What every step of a test needs: activities with patience, events, looks, and going on as a new run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow

from activities.interface import RECORD_EVENT, Activity, RecordEvent
from activities.interface.experiments import SAVE_RESULT, TAKE_LOOK, TakeLook
from tamma.experiments.verdict import decide
from tamma.model.ids import TaskId
from tamma.model.looks import DueLook
from tamma.model.verdict import ABTestState, Verdict
from workflows.ab import account
from workflows.ab.messages import ABMessages
from workflows.calls import call
from workflows.cancelling import heed
from workflows.options import ANALYSIS, STORE_CALL, Options
from workflows.visibility import PHASE, mark

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741


class ABSteps(ABMessages):
    """What every step of a test needs."""

    async def _call(
        self, activity: Activity[I, O], given: I, options: Options = STORE_CALL, summary: str = ""
    ) -> O:
        """An activity's result, however long the store is away."""
        return await self._patience.patiently(lambda: call(activity, given, options, summary=summary))

    async def _enter(self, state: ABTestState) -> None:
        """The test is in this state now: shown, searchable, stored."""
        self._state.state = state
        mark(PHASE, state.value)
        self._show()
        await self._save()

    async def _save(self) -> None:
        """Store how the test stands, so that it can be read without a worker."""
        await self._call(SAVE_RESULT, account.result(self._start, self._state, workflow.now()))

    async def _record(self, kind: str, **data: str) -> None:
        self._state.events += 1
        start, plan = self._start, self._start.plan
        tags = (f"abtest:{start.test_id}", f"agent:{plan.control.agent_id}")
        event = RecordEvent(
            TaskId(start.test_id), str(self._state.events), kind, tags, {"name": plan.name, **data}
        )
        await self._call(RECORD_EVENT, event, summary=kind)

    async def _look(self, due: DueLook) -> Verdict:
        """Take a look: the evidence is computed outside, the verdict here."""
        state = self._state
        by_hand = due.last and state.told_to_stop is not None
        given = TakeLook(
            self._start.test_id, due.number, due.units, due.last, state.spent_usd, workflow.now(), by_hand
        )
        taken = await self._call(TAKE_LOOK, given, ANALYSIS, f"look {due.number} at {due.units} tasks")
        verdict = decide(taken.evidence)
        state.looks.append(taken.look)
        state.verdict, state.effect = verdict, taken.evidence.primary
        state.significant = taken.evidence.significant
        self._show()
        await self._save()
        await self._record(
            "abtest.look",
            number=str(due.number),
            units=str(due.units),
            decision=verdict.decision.value,
            reasons=", ".join(reason.value for reason in verdict.reasons),
        )
        return verdict

    async def _news_after(self, seen: int, seconds: float) -> bool:
        """Whether something happened since `seen` was read from `_news`, within so many seconds."""
        heed()
        if seconds <= 0:
            return self._news != seen
        try:
            await workflow.wait_condition(lambda: self._news != seen, timeout=timedelta(seconds=seconds))
        except TimeoutError:
            return False
        return True

    def _seconds_left(self) -> float:
        """Until the test's last day is over."""
        assert self._state.ends_at is not None
        return (self._state.ends_at - workflow.now()).total_seconds()

    async def _go_on_as_new(self) -> None:
        """Continue as a new run where the history has grown long. Nothing may be under way."""
        if not workflow.info().is_continue_as_new_suggested():
            return
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(replace(self._start, progress=self._state))
