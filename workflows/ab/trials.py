"""Paired tests: trials of both arms on the tasks of a suite, a bounded number at once."""

from __future__ import annotations

import asyncio
from collections import deque
from decimal import Decimal

from temporalio import workflow
from temporalio.exceptions import FailureError

from activities.interface.experiments import READ_UNITS, ReadUnits, UnitOrder
from tamma.experiments.stopping import Purse, Standing, look_in_order, reason_of_look, reason_to_stop
from tamma.model.ab_run import ABTestStart
from tamma.model.experiment import Arm
from tamma.model.metrics import Cell, RunKind
from tamma.model.trial import TrialResult
from tamma.model.verdict import StopReason
from workflows.ab.base import ABSteps
from workflows.cancelling import heed
from workflows.trials.child import first_cause, run_trial

_PAGE = 50
"""Units that are read at once."""


class PairedTrials(ABSteps):
    """The paired part of a test."""

    def __init__(self, start: ABTestStart) -> None:
        super().__init__(start)
        self._units: deque[UnitOrder] = deque()
        """Read, but not begun or not begun wholly; the first one is at position `next_unit`."""
        self._trials: set[asyncio.Task[None]] = set()
        """The test itself is cancelled; a trial that somebody else cancels is just lost."""

    async def _run_trials(self) -> None:
        """Run trials and take looks until something ends the test; `stop_reason` says what."""
        state = self._state
        while True:
            seen = self._news
            if (reason := await self._take_looks()) is not None:
                break
            if (reason := self._reason_to_stop()) is not None:
                await self._let_trials_end()
                reason = await self._take_looks(ended=True) or reason
                break
            if workflow.info().is_continue_as_new_suggested():
                await self._let_trials_end()
                await self._go_on_as_new()
            if not state.paused:
                await self._begin_trials()
            self._show()
            await self._news_after(seen, self._seconds_left())
        state.stop_reason = reason
        await self._let_trials_end()

    async def _take_looks(self, *, ended: bool = False) -> StopReason | None:
        """Take all looks that are due; why the last one ends the test, if it does."""
        state = self._state
        while (due := look_in_order(state.looks_planned, state.looks, state.prefix, ended=ended)) is not None:
            verdict = await self._look(due)
            if due.last:
                return None if ended else StopReason.COMPLETED  # what ended it is known already
            if (reason := reason_of_look(verdict)) is not None:
                return reason
        return None

    def _reason_to_stop(self) -> StopReason | None:
        state = self._state
        assert state.ends_at is not None
        return reason_to_stop(
            Standing(
                workflow.now(),
                state.ends_at,
                self._purse(),
                all_begun=state.next_unit >= state.units_planned,
                told_to_stop=state.told_to_stop is not None,
            )
        )

    def _purse(self) -> Purse:
        plan = self._start.plan
        return Purse(plan.budget_usd, self._state.spent_usd, plan.limits.budget_usd, self._running)

    async def _begin_trials(self) -> None:
        """Begin as many as may run at once and the budget bears, in the drawn order."""
        state, plan = self._state, self._start.plan
        while self._running < plan.concurrency and self._purse().affords_another():
            if not self._units and state.next_unit < state.units_planned:
                given = ReadUnits(self._start.test_id, state.next_unit, _PAGE)
                self._units.extend((await self._call(READ_UNITS, given)).units)
            if not self._units or state.paused or state.told_to_stop is not None:
                return
            self._begin_next(self._units[0])

    def _begin_next(self, unit: UnitOrder) -> None:
        heed()
        state = self._state
        position, arm = state.next_unit, unit.arms[state.next_cell]
        cell = Cell(self._start.test_id, arm.value, unit.unit, unit.arms[: state.next_cell].count(arm))
        state.open_units.setdefault(position, len(unit.arms))
        state.next_cell += 1
        if state.next_cell == len(unit.arms):
            state.next_unit, state.next_cell = position + 1, 0
            self._units.popleft()
        self._running += 1
        trial = asyncio.create_task(self._trial(position, arm, cell))
        self._trials.add(trial)
        trial.add_done_callback(self._trials.discard)

    async def _trial(self, position: int, arm: Arm, cell: Cell) -> None:
        state = self._state
        try:
            result = await self._child(arm, cell)
            # The judge's part is no cost of the agent's, but it is money of the test's.
            cost = result.charge(self._start.plan.limits.budget_usd)
            if result.unpriced_calls:
                state.add_note("calls of unknown price: their trials count as all that a trial may spend")
        except FailureError as error:
            # However it ended: failed, timed out, cancelled or terminated by somebody, never begun. Its
            # measurements are missing, and count as such. What it spent is unknown: at most its budget.
            cost = self._start.plan.limits.budget_usd
            state.failed_trials += 1
            state.add_note(f"a trial of {cell.unit} ({arm}) left no measurements: {first_cause(error)}")
        finally:
            self._running -= 1
        state.spent_usd += Decimal(cost)
        state.trials_ended += 1
        state.open_units[position] -= 1
        if state.open_units[position] == 0:
            del state.open_units[position]
        self._news += 1

    async def _child(self, arm: Arm, cell: Cell) -> TrialResult:
        plan = self._start.plan
        assert plan.suite is not None
        agent = plan.control if arm is Arm.CONTROL else plan.candidate
        return await run_trial(cell, RunKind.REPLAY, plan.suite, agent, limits=plan.limits, seed=plan.seed)

    async def _let_trials_end(self) -> None:
        heed()
        await workflow.wait_condition(lambda: self._running == 0)

    async def _cancel_trials(self) -> None:
        for trial in list(self._trials):
            trial.cancel()
        await self._let_trials_end()
