"""Live tests: production runs are given an arm as they are accepted; the test only watches and looks."""

from __future__ import annotations

from temporalio import workflow

from activities.interface.experiments import COUNT_RUNS, CountRuns, RunCount
from tamma.experiments.looks import due_look
from tamma.experiments.stopping import Purse, Standing, reason_of_look, reason_to_stop
from tamma.model.verdict import StopReason
from workflows.ab.base import ABSteps

POLL = 900.0
"""Seconds between two counts where no signal `run_ended` came."""


class LiveRuns(ABSteps):
    """The live part of a test."""

    async def _watch_runs(self) -> None:
        """Count runs and take looks until something ends the test; `stop_reason` says what."""
        state = self._state
        while True:
            seen = self._news
            count = await self._call(COUNT_RUNS, CountRuns(self._start.test_id))
            state.trials_ended, state.spent_usd = count.ended, count.spent_usd
            self._running = count.assigned - count.ended
            reason = self._reason_of(count)
            if (found := await self._look_at(count, ended=reason is not None)) is not None:
                reason = found
            if reason is not None:
                state.stop_reason = reason
                self._running = 0
                return
            await self._go_on_as_new()
            self._show()
            # What is stored says whether runs are given out, and that somebody watches them.
            await self._save()
            await self._news_after(seen, min(POLL, self._seconds_left()))

    def _reason_of(self, count: RunCount) -> StopReason | None:
        state, plan = self._state, self._start.plan
        assert state.ends_at is not None
        purse = Purse(plan.budget_usd, count.spent_usd, plan.limits.budget_usd, 0)
        ended = count.ended >= state.units_planned
        return reason_to_stop(
            Standing(workflow.now(), state.ends_at, purse, ended, state.told_to_stop is not None)
        )

    async def _look_at(self, count: RunCount, *, ended: bool) -> StopReason | None:
        state = self._state
        due = due_look(state.looks_planned, state.looks, count.ended, ended=ended)
        if due is None:
            return None
        verdict = await self._look(due)
        if due.last:
            return None if ended else StopReason.COMPLETED
        return reason_of_look(verdict)
