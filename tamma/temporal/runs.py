"""Runs, seen from a client: start, ask, tell. Whoever shows runs to people uses this and `run_index`.

Everything returns the model's dataclasses; what goes wrong is one of `run_errors`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from temporalio.client import (
    RPCError,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCStatusCode

from tamma.model.ids import WorkflowId
from tamma.model.planning import Answers
from tamma.model.task import (
    DEV_WORKFLOW,
    TASK_QUEUE,
    Accepted,
    Approval,
    BudgetChange,
    Control,
    DevRequest,
    DevResult,
    Phase,
    Reply,
    Steer,
    TaskStatus,
    TaskView,
)
from tamma.temporal import run_index as index
from tamma.temporal.run_errors import RunFinished, RunNotFound, WorkerSilent, refusal, server_errors

if TYPE_CHECKING:
    from temporalio.client import Client

    from tamma.model.session import SessionProgress

QUERY_TIMEOUT: Final = 5.0
"""Seconds for a query: a worker answers in milliseconds, after a replay in a second."""
UPDATE_TIMEOUT: Final = 20.0
"""Seconds for an update; without a worker it would wait for ever."""
_NO_ANSWER: Final = (
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.FAILED_PRECONDITION,  # "no poller seen for task queue recently"
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StartedRun:
    """What `start_run` made or found."""

    accepted: Accepted
    workflow_id: WorkflowId
    run_id: str
    new: bool
    """False where the issue already had a live run, which is then the one described here."""


async def start_run(
    client: Client, request: DevRequest, workflow: WorkflowId, *, again: bool = False
) -> StartedRun:
    """Start a run, or find the live one of the same issue, and wait until its issue has been found.

    One round trip starts the workflow and asks its `accepted` update. A finished run of the same issue
    raises RunFinished unless `again` is set, or unless that run ended before it had found its issue (it left
    nothing behind that a new one could trip over). Raises RunRefused with the worker's reason and hint.
    """
    try:
        return await _start(client, request, workflow, allow_duplicate=again)
    except WorkflowAlreadyStartedError:
        last = await index.describe(client, workflow)
        if not last.live and not _left_nothing(last):
            raise RunFinished(
                f"this issue already had a run, which {_ended(last.status)}{_at(last.closed_at)} "
                f"(task {last.task_id})",
                hint=_what_next(last),
            ) from None
        return await _start(client, request, workflow, allow_duplicate=True)


async def _start(
    client: Client, request: DevRequest, workflow: WorkflowId, *, allow_duplicate: bool
) -> StartedRun:
    operation = WithStartWorkflowOperation[Any, Any](
        DEV_WORKFLOW,
        request,
        id=workflow,
        task_queue=TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=(
            WorkflowIDReusePolicy.ALLOW_DUPLICATE
            if allow_duplicate
            else WorkflowIDReusePolicy.REJECT_DUPLICATE
        ),
        memo={"taskId": request.task_id, "agent": request.agent.label},
        search_attributes=_first_attributes(request),
        static_summary=f"{request.repo.full_name}#{request.issue}",
    )
    with server_errors(workflow):
        try:
            accepted = await client.execute_update_with_start_workflow(  # pyright: ignore[reportUnknownMemberType] - untyped overload
                "accepted", start_workflow_operation=operation, result_type=Accepted
            )
        except WorkflowUpdateFailedError as error:
            raise refusal(error.cause) from error
        except (WorkflowAlreadyStartedError, RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
            # The operation holds what went wrong, and would complain that nobody looked at it.
            with suppress(WorkflowAlreadyStartedError, RPCError, asyncio.CancelledError):
                await operation.workflow_handle()
            raise
        handle = await operation.workflow_handle()
    run_id = handle.result_run_id or handle.run_id or ""
    return StartedRun(accepted, workflow, run_id, new=accepted.task_id == request.task_id)


def _first_attributes(request: DevRequest) -> TypedSearchAttributes:
    """What the index knows before a worker has seen the run."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(index.TASK, request.task_id),
            SearchAttributePair(index.REPO, request.repo.full_name),
            SearchAttributePair(index.ISSUE, request.issue),
            SearchAttributePair(index.PHASE, Phase.ACCEPT.value),
            SearchAttributePair(index.AGENT, request.agent.label),
        ]
    )


def _what_next(last: index.RunRecord) -> str:
    again = "--again starts another one on a branch of its own"
    if last.status is TaskStatus.COMPLETED:
        return f"{again}; `tamma status {last.task_id}` shows the last"
    return f"`tamma retry {last.task_id}` goes on from where it stood; {again}"


def _left_nothing(last: index.RunRecord) -> bool:
    return last.phase is Phase.ACCEPT and last.status in (TaskStatus.FAILED, TaskStatus.CANCELLED)


def _ended(status: TaskStatus) -> str:
    return "was cancelled" if status is TaskStatus.CANCELLED else status.value


def _at(moment: datetime | None) -> str:
    return f" on {moment:%Y-%m-%d at %H:%M} UTC" if moment else ""


# --- ask -----------------------------------------------------------------------------------------


async def view(
    client: Client, workflow: str, run_id: str | None = None, *, timeout: float = QUERY_TIMEOUT
) -> TaskView:
    """Everything a run says of itself. Raises WorkerSilent, ServerSilent, RunNotFound."""
    return await _query(client, workflow, run_id, "view", TaskView, timeout)


async def progress(client: Client, workflow: str, *, timeout: float = QUERY_TIMEOUT) -> SessionProgress:
    """What an agent session is doing right now. Raises WorkerSilent, ServerSilent, RunNotFound."""
    from tamma.model.session import SessionProgress  # a submission does without it

    return await _query(client, workflow, None, "progress", SessionProgress, timeout)


async def look(client: Client, run: index.RunRecord) -> tuple[TaskView, SessionProgress | None]:
    """A run's view, and what its session does where one is going on. Raises what `view` raises."""
    seen = run.settle(await view(client, run.workflow_id, run.run_id))
    if not seen.session_workflow:
        return seen, None
    try:
        return seen, await progress(client, seen.session_workflow)
    except (WorkerSilent, RunNotFound):
        return seen, None  # it has ended since, or is just beginning


async def ended(client: Client, run: index.RunRecord) -> TaskView:
    """A finished run from its record and its result alone, for when no worker answers for it."""
    sketch = run.sketch()
    handle = client.get_workflow_handle(run.workflow_id, run_id=run.run_id, result_type=DevResult)
    with server_errors(run.workflow_id):
        try:
            result = await handle.result(follow_runs=False)
        except WorkflowFailureError as error:
            cause = error.cause
            return replace(sketch, summary=getattr(cause, "message", None) or str(cause))
    return replace(
        sketch,
        status=result.status,
        summary=result.summary,
        branch=result.branch,
        pull_request_url=result.pull_request_url,
        merge_sha=result.merge_sha,
        spend=result.spend,
        workflow_type=run.workflow_type,
        suggested=result.suggested,
    )


async def _query(
    client: Client, workflow: str, run_id: str | None, name: str, output: type[T], timeout: float
) -> T:
    handle = client.get_workflow_handle(workflow, run_id=run_id)
    with server_errors(workflow):
        try:
            return await handle.query(name, result_type=output, rpc_timeout=timedelta(seconds=timeout))
        except WorkflowQueryFailedError as error:
            # A worker of another version, or one that stops right now.
            raise WorkerSilent(error.message) from error
        except RPCError as error:
            if error.status in _NO_ANSWER:
                raise WorkerSilent from error
            raise


# --- tell ----------------------------------------------------------------------------------------


async def approve(client: Client, run: index.RunRecord, approval: Approval) -> Reply:
    """Answer the gate at which the run waits. Raises RunRefused where it does not wait there."""
    return await _update(client, run, "approve", approval)


async def answer(client: Client, run: index.RunRecord, answers: Answers) -> Reply:
    """Answer the questions that wait. Raises RunRefused where there are none, or one is not known."""
    return await _update(client, run, "answer", answers)


async def steer(client: Client, run: index.RunRecord, message: Steer) -> Reply:
    """Say something to the agent; it reads it before its next turn."""
    return await _update(client, run, "steer", message)


async def add_budget(client: Client, run: index.RunRecord, change: BudgetChange) -> Reply:
    return await _update(client, run, "add_budget", change)


async def pause(client: Client, run: index.RunRecord, control: Control) -> Reply:
    return await _update(client, run, "pause", control)


async def resume(client: Client, run: index.RunRecord, control: Control) -> Reply:
    return await _update(client, run, "resume", control)


async def finish(client: Client, run: index.RunRecord, control: Control) -> Reply:
    """Have the agent end its stage with what there is. Raises RunRefused where none is at work."""
    return await _update(client, run, "finish", control)


async def cancel(client: Client, run: index.RunRecord, control: Control) -> Reply:
    """End the run at its next step; branch, diff and summary stay."""
    return await _update(client, run, "cancel", control)


async def force_cancel(client: Client, run: index.RunRecord) -> None:
    """Temporal's own cancellation: what runs is interrupted. Needs no worker to be accepted.

    Raises RunFinished: the server itself takes the cancellation of a run that is over for a success.
    """
    if not run.live:
        raise _finished(run)
    with server_errors(run.workflow_id):
        await client.get_workflow_handle(run.workflow_id, run_id=run.run_id).cancel()


async def _update(client: Client, run: index.RunRecord, name: str, argument: object) -> Reply:
    """Raises RunFinished, also where the run ended since it was looked up: the server finds none then."""
    if not run.live:
        raise _finished(run)
    handle = client.get_workflow_handle(run.workflow_id, run_id=run.run_id)
    try:
        with server_errors(run.workflow_id):
            return await handle.execute_update(  # pyright: ignore[reportUnknownMemberType] - untyped overload
                name, argument, result_type=Reply, rpc_timeout=timedelta(seconds=UPDATE_TIMEOUT)
            )
    except RunNotFound:
        now = await index.describe(client, run.workflow_id, run.run_id)
        if now.live:
            raise
        raise _finished(now) from None
    except WorkflowUpdateFailedError as error:
        raise refusal(error.cause) from error
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        raise WorkerSilent from error


def _finished(run: index.RunRecord) -> RunFinished:
    return RunFinished(
        f"the run of {run.repo}#{run.issue} {_ended(run.status)}{_at(run.closed_at)}",
        hint=f"`tamma status {run.task_id}` shows how it ended",
    )
