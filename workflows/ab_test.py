"""`ABTest`: two versions of an agent compared, from a plan to an active version or back.

`_work` is the whole way. It may be days long and goes on in new runs of the workflow where its history grows;
`ABProgress` is all that it remembers. What people may say stands in `workflows.ab.messages`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

from activities.interface.experiments import ARCHIVE_TEST, FREEZE_TEST, ArchiveTest, FreezeTest, FrozenTest
from tamma.model.ab_run import ABTestStart
from tamma.model.experiment import AB_WORKFLOW, Mode
from tamma.model.verdict import ABTestResult, ABTestState
from workflows.ab import account
from workflows.ab.live import LiveRuns
from workflows.ab.trials import PairedTrials
from workflows.ab.winner import Winner
from workflows.calls import call
from workflows.cancelling import handled
from workflows.options import ANALYSIS
from workflows.visibility import EXPERIMENT, OUTCOME, PHASE, mark


@workflow.defn(name=AB_WORKFLOW)
class ABTest(PairedTrials, LiveRuns, Winner):
    """One A/B test."""

    @workflow.init
    def __init__(self, start: ABTestStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: ABTestStart) -> ABTestResult:
        try:
            result = await self._work()
        except (asyncio.CancelledError, FailureError) as error:
            if is_cancelled_exception(error):
                handled()
                await self._was_cancelled()
            else:
                mark(OUTCOME, ABTestState.FAILED.value)
            await workflow.wait_condition(workflow.all_handlers_finished)
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result

    async def _work(self) -> ABTestResult:
        state = self._state
        if state.state is ABTestState.PLANNED:
            await self._freeze()
        if state.state is ABTestState.RUNNING:
            await (self._run_trials() if self._start.plan.mode is Mode.PAIRED else self._watch_runs())
            await self._judge()
        if state.state is ABTestState.AWAITING_APPROVAL:
            await self._ask()
        if state.state is ABTestState.CANARY:
            await self._watch_canary()
        return await self._close()

    async def _freeze(self) -> None:
        """From here on the configurations, the tasks and the assignment are what they are."""
        frozen = await self._frozen()
        state = self._state
        self._start = replace(self._start, plan=frozen.plan)
        state.started_at = workflow.now()
        state.ends_at = state.started_at + timedelta(days=frozen.plan.duration_days)
        state.looks_planned = frozen.looks
        state.units_planned = frozen.looks[-1].units
        state.active = frozen.active
        mark(EXPERIMENT, self._start.test_id)
        await self._enter(ABTestState.RUNNING)
        state.forecast = frozen.forecast
        plan = frozen.plan
        await self._record(
            "abtest.started",
            by=self._start.by,
            mode=plan.mode.value,
            control=f"{plan.control.name}@{plan.control.version} {plan.control.hash}",
            candidate=f"{plan.candidate.name}@{plan.candidate.version} {plan.candidate.hash}",
            suite=f"{plan.suite.name} {plan.suite.hash}" if plan.suite else "",
            seed=str(plan.seed),
            units=str(state.units_planned),
        )

    async def _frozen(self) -> FrozenTest:
        given = FreezeTest(self._start.test_id, self._start.plan)
        try:
            return await self._patience.or_refuse(
                lambda: call(FREEZE_TEST, given, ANALYSIS, summary="check, draw and keep the plan")
            )
        except ApplicationError as refusal:
            self._refusal = refusal
            raise

    async def _was_cancelled(self) -> None:
        """Leave nothing that looks alive: no trial that runs, no stored state that gives runs to an arm."""
        state = self._state
        if self._start.plan.mode is Mode.PAIRED:
            # The runs that a live test only counts are not its own: they go on, and it waits for none.
            await self._cancel_trials()
        if state.started_at is None or state.state.final:
            return
        applied = state.state is ABTestState.CANARY
        state.note = "somebody cancelled its workflow"
        state.ended_at = workflow.now()
        await self._enter(ABTestState.APPLIED if applied else ABTestState.STOPPED)
        await self._record("abtest.stopped", by="somebody who cancelled its workflow")
        mark(OUTCOME, state.state.value)

    async def _close(self) -> ABTestResult:
        """Archive what there is, and say that it is over."""
        state = self._state
        state.ended_at = state.ended_at or workflow.now()
        given = ArchiveTest(self._start.test_id, account.result(self._start, state, state.ended_at))
        state.archive = (await self._call(ARCHIVE_TEST, given, ANALYSIS, "archive")).blob
        result = account.result(self._start, state, state.ended_at)
        await self._enter(state.state)
        await self._record(
            "abtest.completed",
            state=state.state.value,
            winner=result.winner,
            decision=result.verdict.decision.value if result.verdict else "",
            archive=state.archive,
            spentUsd=str(result.spent_usd),
        )
        mark(OUTCOME, state.state.value)
        mark(PHASE, state.state.value)
        return result
