"""`Trial`: one agent works on one task of a suite and is graded. Nothing is delivered.

A rehearsal is one activity. Everything else walks the steps of a run.
"""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.interface.trials import OPEN_TRIAL
from tamma.model.task import AI_QUEUE
from tamma.model.trial import TRIAL_WORKFLOW, TrialRequest, TrialResult
from workflows.calls import call
from workflows.options import STORE_CALL
from workflows.visibility import EXPERIMENT, mark


@workflow.defn(name=TRIAL_WORKFLOW)
class Trial:
    """One cell of a benchmark or an A/B test."""

    @workflow.run
    async def run(self, request: TrialRequest) -> TrialResult:
        mark(EXPERIMENT, request.cell.test)
        opened = await call(OPEN_TRIAL, request, STORE_CALL, queue=AI_QUEUE, summary=request.cell.unit)
        if opened.rehearsed is not None:
            return opened.rehearsed
        raise ApplicationError("only rehearsals can be run yet", non_retryable=True)
