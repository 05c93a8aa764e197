"""A/B tests, seen from a client: start, ask, tell."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from temporalio.client import (
    RPCError,
    WithStartWorkflowOperation,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCStatusCode

from tamma.model.ab_run import ABAccepted, ABAnswer, ABTestStart, ABTestView
from tamma.model.experiment import AB_WORKFLOW, ABTestId, ab_id
from tamma.model.task import TASK_QUEUE, Reply
from tamma.temporal.run_errors import RunFinished, RunNotFound, WorkerSilent, refusal, server_errors

if TYPE_CHECKING:
    from temporalio.client import Client

EXPERIMENT = SearchAttributeKey.for_keyword("TammaExperiment")
PHASE = SearchAttributeKey.for_keyword("TammaPhase")
QUERY_TIMEOUT = timedelta(seconds=5)
UPDATE_TIMEOUT = timedelta(seconds=30)
Word = Literal["approve", "reject", "stop", "pause", "resume"]
_NO_ANSWER = (
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.FAILED_PRECONDITION,
)


async def start_test(client: Client, start: ABTestStart) -> ABAccepted:
    """Start a test and wait until its plan is frozen. Raises RunRefused with what is wrong with the plan."""
    workflow = ab_id(start.test_id)
    operation = WithStartWorkflowOperation[Any, Any](
        AB_WORKFLOW,
        start,
        id=workflow,
        task_queue=TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        search_attributes=TypedSearchAttributes(
            [SearchAttributePair(EXPERIMENT, start.test_id), SearchAttributePair(PHASE, "planned")]
        ),
        static_summary=f"A/B test {start.plan.name}",
    )
    with server_errors(workflow):
        try:
            return await client.execute_update_with_start_workflow(  # pyright: ignore[reportUnknownMemberType] - untyped overload
                "accepted", start_workflow_operation=operation, result_type=ABAccepted
            )
        except WorkflowUpdateFailedError as error:
            raise refusal(error.cause) from error
        except (WorkflowAlreadyStartedError, RPCError):
            # The operation holds the same error, and would complain that nobody looked at it.
            with suppress(WorkflowAlreadyStartedError, RPCError):
                await operation.workflow_handle()
            raise


async def view(client: Client, test_id: ABTestId) -> ABTestView:
    """How a test stands, from itself. Raises WorkerSilent, ServerSilent, RunNotFound."""
    handle = client.get_workflow_handle(ab_id(test_id))
    with server_errors(ab_id(test_id)):
        try:
            return await handle.query("view", result_type=ABTestView, rpc_timeout=QUERY_TIMEOUT)
        except WorkflowQueryFailedError as error:
            raise WorkerSilent(error.message) from error
        except RPCError as error:
            if error.status in _NO_ANSWER:
                raise WorkerSilent from error
            raise


async def tell(client: Client, test_id: ABTestId, word: Word, answer: ABAnswer) -> Reply:
    """Say something to a test. Raises RunRefused in its words, RunFinished where it is over, WorkerSilent."""
    handle = client.get_workflow_handle(ab_id(test_id))
    try:
        with server_errors(ab_id(test_id)):
            return await handle.execute_update(  # pyright: ignore[reportUnknownMemberType] - untyped overload
                word, answer, result_type=Reply, rpc_timeout=UPDATE_TIMEOUT
            )
    except WorkflowUpdateFailedError as error:
        raise refusal(error.cause) from error
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        raise WorkerSilent from error
    except RunNotFound as error:
        raise RunFinished(
            f"the test {test_id} is over, or its server is another one",
            hint=f"`tamma ab status {test_id}` shows how it ended",
        ) from error
