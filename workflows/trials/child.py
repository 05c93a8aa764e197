"""A trial as the child of what compares its results: of a benchmark, or of an A/B test."""

from __future__ import annotations

from temporalio import workflow

from tamma.model.agent import AgentPin
from tamma.model.ids import BlobId
from tamma.model.metrics import Cell, RunKind
from tamma.model.suite import SuiteRef, TaskLimits
from tamma.model.trial import TRIAL_WORKFLOW, TrialRequest, TrialResult, trial_id, trial_task


async def run_trial(
    cell: Cell,
    kind: RunKind,
    suite: SuiteRef,
    agent: AgentPin,
    *,
    limits: TaskLimits | None,
    seed: int,
    instructions: BlobId | None = None,
) -> TrialResult:
    """Have a cell filled. Raises FailureError where its trial leaves no measurements, however it ended."""
    request = TrialRequest(
        task_id=trial_task(trial_id(cell)),
        kind=kind,
        cell=cell,
        suite=suite,
        agent=agent,
        limits=limits,
        seed=seed,
        instructions=instructions,
    )
    return await workflow.execute_child_workflow(
        TRIAL_WORKFLOW,
        request,
        id=trial_id(cell),
        result_type=TrialResult,
        # Whoever ends the parent by force has its trials end well: what they spent is kept.
        parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
    )


def first_cause(error: BaseException) -> str:
    """What a trial failed of, in few words."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)[:200]
