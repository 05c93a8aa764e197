"""From a verdict to an active version: approval, reminders, the canary, the rollback."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow

from activities.interface.experiments import (
    APPLY_CANDIDATE,
    ROLL_BACK,
    WATCH_CANARY,
    ApplyCandidate,
    RollBack,
    WatchCanary,
)
from tamma.model.verdict import ABTestState, Approver, Decision, StopReason
from workflows.ab.base import ABSteps

CANARY_POLL = 1800.0
"""Seconds between two looks at the runs of the new version where no signal `run_ended` came."""
ITSELF = "tamma"
"""Who approves where the plan allows it."""


class Winner(ABSteps):
    """What happens to a winner."""

    async def _judge(self) -> None:
        """Ask about a winner; everything else ends the test."""
        state = self._state
        verdict = state.verdict
        if state.stop_reason is StopReason.SIGNAL:
            await self._was_stopped()
        elif verdict is None:
            state.note = "nothing was measured"
            state.state = ABTestState.ENDED
        elif verdict.decision is not Decision.WINNER:
            state.state = ABTestState.ENDED
        else:
            state.asked_at = workflow.now()
            if self._start.plan.auto_approve and verdict.may_auto_apply:
                text = "the plan approves winners whose interval lies above the minimum effect"
                state.approver = Approver(ITSELF, "approve", workflow.now(), True, text)
            await self._enter(ABTestState.AWAITING_APPROVAL)
            await self._record("abtest.verdict", decision=verdict.decision.value, sentence=verdict.sentence)

    # --- approval --------------------------------------------------------------------------------

    async def _ask(self) -> None:
        """Wait for a person's answer and carry it out."""
        state = self._state
        if not self._waiting:
            self._wait_for(f"a winner waits for an answer: {self._ways_to_answer()}")
        while state.state is ABTestState.AWAITING_APPROVAL:
            seen = self._news
            if state.told_to_stop is not None:
                await self._was_stopped()
            elif state.approver is not None:
                await self._carry_out(state.approver)
            elif (left := self._left_to_answer()) <= 0:
                state.note = f"nobody answered within {self._start.plan.approval_days:g} days"
                state.state = ABTestState.EXPIRED
            else:
                await self._go_on_as_new()
                if not await self._news_after(seen, min(self._start.plan.reminder_hours * 3600, left)):
                    await self._remind()
        self._wait_for("")

    def _left_to_answer(self) -> float:
        assert self._state.asked_at is not None
        end = self._state.asked_at + timedelta(days=self._start.plan.approval_days)
        return (end - workflow.now()).total_seconds()

    async def _remind(self) -> None:
        left = self._left_to_answer()
        if left > 0:
            days = f"{left / 86400:.1f}"
            self._wait_for(
                f"a winner has waited for an answer, {days} days are left: {self._ways_to_answer()}"
            )
            await self._record("abtest.reminder", days_left=days)

    async def _carry_out(self, answer: Approver) -> None:
        state = self._state
        how = "authenticated" if answer.authenticated else "by signal, not authenticated"
        kind = "abtest.approved" if answer.decision == "approve" else "abtest.rejected"
        await self._record(kind, by=answer.name, how=how, reason=answer.text)
        if answer.decision == "reject":
            state.note = f"rejected by {answer.name}" + (f": {answer.text}" if answer.text else "")
            state.state = ABTestState.REJECTED
            return
        reason = (
            f"A/B test {self._start.plan.name} ({self._start.test_id}), approved by {answer.name} ({how})"
        )
        applied = await self._call(
            APPLY_CANDIDATE, ApplyCandidate(self._start.test_id, state.active, answer.name, reason)
        )
        if applied.version is None:
            await self._not_applied(applied.refused, applied.active)
            return
        state.replaced_version, state.applied_version = self._replaced(applied.version), applied.version
        state.applied_at = workflow.now()
        await self._record(
            "abtest.applied", version=str(applied.version), replaced=str(state.replaced_version or "")
        )
        await self._enter(ABTestState.CANARY)

    def _replaced(self, applied: int) -> int | None:
        """What a rollback leads to. Where the candidate was active already, when the test was frozen, that is
        the control."""
        active = self._state.active
        return self._start.plan.control.version if active == applied else active

    async def _not_applied(self, why: str, active: int | None) -> None:
        """The agent is not what it was at the freeze: people decide again, knowing it."""
        state = self._state
        state.active = active
        state.add_note(f"not applied: {why}")
        await self._record("abtest.not_applied", reason=why)
        self._wait_for(f"not applied: {why}. Approve again to replace it all the same, or reject")
        state.approver = None
        await self._save()

    def _ways_to_answer(self) -> str:
        name = self._start.plan.name
        return f"`tamma ab approve {name}`, or `tamma ab reject {name}`"

    async def _was_stopped(self) -> None:
        state = self._state
        told = state.told_to_stop
        who = (told.by if told else "") or "somebody"
        state.note = f"stopped by {who}" + (f": {told.text}" if told and told.text else "")
        state.state = ABTestState.STOPPED
        await self._record("abtest.stopped", by=who)

    # --- canary ----------------------------------------------------------------------------------

    async def _watch_canary(self) -> None:
        """Watch the new version's runs: roll it back on proved harm, or let it be."""
        state, canary = self._state, self._start.plan.canary
        version, since = state.applied_version, state.applied_at
        assert version is not None
        assert since is not None
        if canary.runs == 0:
            state.state = ABTestState.APPLIED
            return
        while True:
            seen = self._news
            watch = await self._call(
                WATCH_CANARY, WatchCanary(self._start.test_id, version, since, workflow.now())
            )
            state.canary = watch
            self._show()
            if watch.harmed:
                await self._roll_back(version, watch.sentence)
                return
            left = self._left_to_watch(since)
            if watch.runs >= canary.runs or left <= 0 or state.told_to_stop is not None:
                state.note = watch.sentence
                state.state = ABTestState.APPLIED
                return
            await self._go_on_as_new()
            await self._news_after(seen, min(CANARY_POLL, left))

    def _left_to_watch(self, since: datetime) -> float:
        end = since + timedelta(days=self._start.plan.canary.days)
        return (end - workflow.now()).total_seconds()

    async def _roll_back(self, version: int, why: str) -> None:
        state, plan = self._state, self._start.plan
        back_to = state.replaced_version or plan.control.version
        reason = f"A/B test {plan.name} ({self._start.test_id}): {why}"
        done = await self._call(ROLL_BACK, RollBack(self._start.test_id, version, back_to, reason))
        if done.refused:
            state.note = f"harm was proved, but it was not rolled back: {done.refused}"
            state.state = ABTestState.APPLIED
            state.add_note(state.note)
            return
        state.rolled_back_to = done.active
        state.note = f"rolled back to version {done.active}: {why}"
        state.state = ABTestState.ROLLED_BACK
        await self._record("abtest.rolled_back", version=str(version), back_to=str(done.active), reason=why)
