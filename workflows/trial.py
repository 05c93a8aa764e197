"""`Trial`: one agent works on one task of a suite and is graded. Nothing is delivered.

A rehearsal is one activity. Everything else walks the steps of a run (`workflows.steps`), so that what is
measured is what runs do: the same prompts, gates and limits, the same survival of crashes. What differs: the
task comes from a suite, nobody is ever waited for, and in place of a delivery there is a grading.
"""

from __future__ import annotations

from temporalio import workflow

from activities.interface.trials import OPEN_TRIAL
from tamma.model.ids import TaskId
from tamma.model.references import RepoRef
from tamma.model.task import AI_QUEUE, AgentChoice, DevRequest
from tamma.model.trial import TRIAL_WORKFLOW, TrialRequest, TrialResult
from workflows.calls import call
from workflows.options import STORE_CALL
from workflows.trials.grading import Grading
from workflows.visibility import EXPERIMENT, mark

OUTAGE_SECONDS = 1800.0
"""How long a trial waits, in all, for services that do not answer."""


@workflow.defn(name=TRIAL_WORKFLOW)
class Trial(Grading):
    """One cell of a benchmark or an A/B test."""

    @workflow.init
    def __init__(self, request: TrialRequest) -> None:
        super().__init__(_as_run(request))
        self._trial = request

    @workflow.run
    async def run(self, request: TrialRequest) -> TrialResult:
        mark(EXPERIMENT, request.cell.test)
        opened = await call(OPEN_TRIAL, request, STORE_CALL, queue=AI_QUEUE, summary=request.cell.unit)
        if opened.rehearsed is not None:
            return opened.rehearsed
        assert opened.brief is not None
        result = await self._try(opened.brief)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result


def _as_run(request: TrialRequest) -> DevRequest:
    """The run that a trial is. What is not known yet comes with the brief."""
    return DevRequest(
        task_id=TaskId(request.task_id),
        repo=RepoRef("", "", request.suite.name),
        issue=request.cell.unit,
        agent=AgentChoice("", name=request.agent.name),
        merge="never",
        unattended=OUTAGE_SECONDS,
    )
