"""`BenchRun`: tasks x agents x repeats as trials, a bounded number at once, within a budget.

What ends is in the run metrics under its cell; the workflow carries a tally and numbers. It may die at any
moment and goes on where it was: trials that ran go on by themselves, those that ended are not begun again.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from activities.interface.trials import READ_TASKS, SAVE_BENCH, ReadTasks, SaveBench, TaskBrief
from tamma.model import bench as model
from tamma.model.bench import BENCH_WORKFLOW, BenchRequest, BenchState, BenchTally, BenchView, bench_cell
from tamma.model.metrics import Cell, RunKind
from tamma.model.trial import TrialResult
from workflows.calls import call
from workflows.cancelling import handled, heed
from workflows.options import STORE_CALL
from workflows.trials.child import first_cause, run_trial
from workflows.visibility import EXPERIMENT, OUTCOME, mark

PAGE = 50
"""Tasks that are read at once."""
MOST_REFUSED = 3
"""Trials in a row that a provider refused, after which none begins: the next ones would fare no better."""
_MOST_NOTES = 10


@workflow.defn(name=BENCH_WORKFLOW)
class BenchRun:
    """One benchmark."""

    @workflow.init
    def __init__(self, request: BenchRequest) -> None:
        self._request = request
        self._tally: BenchTally = request.tally
        self._paused = request.paused
        self._stop: BenchState | None = None
        self._reason = ""
        self._tasks: dict[int, TaskBrief] = {}
        self._running: dict[str, Decimal] = {}
        """Cells that run, with what each may still spend."""
        self._trials: set[asyncio.Task[None]] = set()
        self._news = 0

    @workflow.run
    async def run(self, request: BenchRequest) -> BenchView:
        mark(EXPERIMENT, request.bench_id)
        try:
            await self._work()
        except (asyncio.CancelledError, FailureError) as error:
            if not is_cancelled_exception(error):
                raise
            handled()
            self._end(BenchState.STOPPED, "somebody cancelled its workflow")
            await self._cancel_trials()
            await self._close()
            raise
        return await self._close()

    async def _work(self) -> None:
        while True:
            seen = self._news
            await self._begin_trials()
            if not self._running and (self._stop is not None or self._all_begun()):
                return
            if not self._running and self._is_long():
                self._continue_as_new()
            self._show()
            heed()
            await workflow.wait_condition(lambda before=seen: self._news != before)

    async def _close(self) -> BenchView:
        await workflow.wait_condition(workflow.all_handlers_finished)
        state = self._stop or BenchState.COMPLETED
        self._stop = state
        given = SaveBench(replace(self._request, tally=self._tally), state, self._reason)
        await call(SAVE_BENCH, given, STORE_CALL, summary="keep how it ended")
        mark(OUTCOME, state.value)
        self._show()
        return self.progress()

    # --- beginning -------------------------------------------------------------------------------

    async def _begin_trials(self) -> None:
        """Begin as many as may run at once and the budget bears, in their order."""
        while self._may_begin() and len(self._running) < self._request.concurrency:
            unit, arm, replicate = self._next()
            task = await self._task(unit)
            if not self._may_begin():
                return  # somebody said so while the page was read
            limits = self._request.limits
            bound = limits.budget_usd if limits and task.budget_usd else task.budget_usd
            if not self._affords(bound):
                if not self._running:
                    self._end(BenchState.BUDGET, self._too_dear(bound))
                return  # those that run may turn out cheaper than they might have been
            self._begin(task, arm, replicate, bound)

    def _may_begin(self) -> bool:
        # A long history is continued between trials: none begins until those that run have ended.
        return not (self._paused or self._stop or self._all_begun() or self._is_long())

    def _next(self) -> tuple[int, int, int]:
        return bench_cell(self._tally.begun, len(self._request.arms), self._request.repeats)

    def _begin(self, task: TaskBrief, arm: int, replicate: int, bound: Decimal) -> None:
        heed()
        chosen = self._request.arms[arm]
        cell = Cell(self._request.bench_id, chosen.label, task.id, replicate)
        self._tally = replace(self._tally, begun=self._tally.begun + 1)
        self._running[_name(cell)] = bound
        trial = asyncio.create_task(self._trial(cell, arm, bound))
        self._trials.add(trial)
        trial.add_done_callback(self._trials.discard)

    async def _task(self, unit: int) -> TaskBrief:
        if unit not in self._tasks:
            given = ReadTasks(self._request.suite.hash, unit, PAGE)
            page = await call(READ_TASKS, given, STORE_CALL, summary=f"tasks from {unit + 1} on")
            self._tasks = dict(enumerate(page.tasks, unit))
        return self._tasks[unit]

    def _affords(self, bound: Decimal) -> bool:
        """Whether one more trial cannot take the whole beyond the budget, whatever those that run spend."""
        budget = self._request.budget_usd
        if budget is None:
            return True
        committed = self._tally.spent_usd + sum(self._running.values(), Decimal(0))
        return committed + bound <= budget and committed < budget

    def _too_dear(self, bound: Decimal) -> str:
        spent = f"{self._tally.spent_usd:.2f} of {self._request.budget_usd:.2f} USD are spent"
        return f"{spent}, and the next trial may cost up to {bound:.2f} USD" if bound else spent

    # --- trials ----------------------------------------------------------------------------------

    async def _trial(self, cell: Cell, arm: int, bound: Decimal) -> None:
        try:
            result = await self._child(cell, arm)
        except FailureError as error:
            self._fold_lost(cell, error, bound)
        else:
            self._fold(result, bound)
        del self._running[_name(cell)]
        self._news += 1

    async def _child(self, cell: Cell, arm: int) -> TrialResult:
        chosen, request = self._request.arms[arm], self._request
        assert chosen.agent is not None
        return await run_trial(
            cell,
            RunKind.BENCH,
            request.suite,
            chosen.agent,
            limits=request.limits,
            seed=request.seed,
            instructions=chosen.instructions,
        )

    def _fold(self, result: TrialResult, bound: Decimal) -> None:
        tally = self._tally
        refused = tally.refused + 1 if result.error_type == "provider" else 0
        self._tally = replace(
            tally,
            ended=tally.ended + 1,
            solved=tally.solved + result.success,
            spent_usd=tally.spent_usd + result.charge(bound),
            refused=refused,
        )
        if refused >= MOST_REFUSED:
            self._end(BenchState.REFUSED, f"{refused} trials in a row were refused by their provider")

    def _fold_lost(self, cell: Cell, error: BaseException, bound: Decimal) -> None:
        """Its measurements are missing, and so is what it spent: it counts as all that it might have."""
        notes = (*self._tally.notes, f"{_name(cell)}: {first_cause(error)}")[-_MOST_NOTES:]
        self._tally = replace(
            self._tally,
            ended=self._tally.ended + 1,
            lost=self._tally.lost + 1,
            spent_usd=self._tally.spent_usd + bound,
            notes=notes,
        )

    # --- ends ------------------------------------------------------------------------------------

    def _all_begun(self) -> bool:
        return self._tally.begun >= self._request.cells

    def _end(self, state: BenchState, reason: str) -> None:
        """No trial begins any more; those that run may end."""
        if self._stop is None:
            self._stop, self._reason = state, reason
        self._news += 1

    def _is_long(self) -> bool:
        info = workflow.info()
        return info.is_continue_as_new_suggested() or info.get_current_history_length() > model.MOST_EVENTS

    def _continue_as_new(self) -> None:
        workflow.continue_as_new(replace(self._request, tally=self._tally, paused=self._paused))

    # --- what others say and ask -----------------------------------------------------------------

    @workflow.query
    def progress(self) -> BenchView:
        """How it stands."""
        state = self._stop or (BenchState.PAUSED if self._paused else BenchState.RUNNING)
        if self._running and self._stop is not None:
            state = BenchState.RUNNING
        request = replace(self._request, tally=self._tally, paused=self._paused)
        return BenchView(request, state, tuple(self._running), self._reason)

    @workflow.signal
    def pause(self) -> None:
        """Begin no trial until `resume`."""
        self._paused = True
        self._news += 1

    @workflow.signal
    def resume(self) -> None:
        """Begin trials again."""
        self._paused = False
        self._news += 1

    @workflow.signal
    def stop(self) -> None:
        """Begin no trial any more; those that run may end."""
        self._end(BenchState.STOPPED, "somebody stopped it")

    @workflow.signal
    def stop_now(self) -> None:
        """Begin no trial any more, and end those that run. What they spent is kept; they fill no cell."""
        self._end(BenchState.STOPPED, "somebody stopped it with the trials that ran")
        for trial in list(self._trials):
            trial.cancel()

    async def _cancel_trials(self) -> None:
        for trial in list(self._trials):
            trial.cancel()
        await workflow.wait_condition(lambda: not self._running)

    def _show(self) -> None:
        tally, request = self._tally, self._request
        lines = [
            f"### {request.suite.name}: {', '.join(arm.label for arm in request.arms)}",
            "",
            f"| trials | {tally.ended} of {request.cells} ended, {len(self._running)} run |",
            "|---|---|",
            f"| solved | {tally.solved} |",
            f"| spent | {tally.spent_usd:.4f} USD |",
        ]
        if self._reason:
            lines += ["", f"**{self._reason}**"]
        workflow.set_current_details("\n".join([*lines, "", *(f"- {note}" for note in tally.notes)]))


def _name(cell: Cell) -> str:
    return f"{cell.arm} {cell.unit}#{cell.replicate}"
