"""The selection of issues, seen from a client: a schedule a repository, and passes by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from temporalio.client import (
    RPCError,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleDescription,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowExecutionStatus,
    WorkflowFailureError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCStatusCode

from tamma.model.ids import uuid7
from tamma.model.selection import (
    SELECTION_WORKFLOW,
    TICK_WORKFLOW,
    SelectionRequest,
    SelectionView,
    selection_id,
)
from tamma.model.task import TASK_QUEUE
from tamma.temporal.run_errors import RunRefused, WorkerSilent, refusal, server_errors

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowHandle

    from tamma.model.references import RepoRef

QUERY_TIMEOUT = timedelta(seconds=5)
_PREFIX = "select/"


@dataclass(frozen=True, slots=True)
class LastPass:
    """The pass that is under way, else the last one that the server remembers."""

    began_at: datetime
    ended_at: datetime | None
    view: SelectionView | None
    """None where it failed, or where no worker answers for it."""
    problem: str = ""
    """Why it failed, or cannot be asked."""


@dataclass(frozen=True, slots=True)
class Selecting:
    """How the selection of a repository's issues stands."""

    repo: RepoRef
    every: timedelta | None = None
    """None: nothing is scheduled."""
    request: SelectionRequest | None = None
    next: datetime | None = None
    paused: bool = False
    last: LastPass | None = None


async def start_schedule(client: Client, request: SelectionRequest, every: timedelta) -> None:
    """Take issues by these rules from now on, and begin with a pass. The same again replaces the rules."""
    identity = selection_id(request.repo)
    wanted = Schedule(
        action=ScheduleActionStartWorkflow(
            TICK_WORKFLOW,
            request,
            id=f"{identity}/tick",
            task_queue=TASK_QUEUE,
            static_summary=f"select issues of {request.repo.full_name}",
        ),
        spec=ScheduleSpec(
            intervals=[ScheduleIntervalSpec(every)], jitter=min(every / 10, timedelta(minutes=1))
        ),
        # A machine that was off looks once when it is on again, not once a missed time.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=1)),
    )
    with server_errors(identity):
        try:
            await client.create_schedule(identity, wanted, trigger_immediately=True)
        except ScheduleAlreadyRunningError:

            def replaced(_: ScheduleUpdateInput) -> ScheduleUpdate:
                return ScheduleUpdate(wanted)

            handle = client.get_schedule_handle(identity)
            await handle.update(replaced)
            await handle.trigger()


async def stop_schedule(client: Client, repo: RepoRef) -> bool:
    """Take nothing more, from this moment on; runs go on. False where nothing was scheduled or under way."""
    identity = selection_id(repo)
    with server_errors(identity):
        schedule = client.get_schedule_handle(identity)
        deleted = await _there(schedule.pause)
        if deleted:
            # A tick that no worker has taken up yet would begin a pass long after.
            for tick in (await schedule.describe()).info.running_actions:
                assert isinstance(tick, ScheduleActionExecutionStartWorkflow)
                waiting = client.get_workflow_handle(tick.workflow_id)
                await _there(partial(waiting.terminate, "the selection was stopped"))
            await _there(schedule.delete)
        stopped = await _there(partial(client.get_workflow_handle(identity).signal, "stop"))
    return deleted or stopped


async def _there(deed: Callable[[], Awaitable[object]]) -> bool:
    """Do it; False where there is nothing to do it to."""
    try:
        await deed()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


async def run_once(
    client: Client, request: SelectionRequest
) -> tuple[WorkflowHandle[Any, SelectionView], bool]:
    """Begin a pass now, or join the one that is under way: False then. A dry run disturbs nobody."""
    identity = selection_id(request.repo)
    if request.dry_run:
        identity = f"{identity}/dry-run/{uuid7()}"
    with server_errors(identity):
        before = await _running(client, identity)
        handle: WorkflowHandle[Any, SelectionView] = await client.start_workflow(
            SELECTION_WORKFLOW,
            request,
            id=identity,
            task_queue=TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            result_type=SelectionView,
            static_summary=f"select issues of {request.repo.full_name}",
        )
    return handle, handle.first_execution_run_id != before


async def _running(client: Client, identity: str) -> str | None:
    """The run id of what is under way."""
    try:
        found = await client.get_workflow_handle(identity).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return found.run_id if found.status is WorkflowExecutionStatus.RUNNING else None


async def outcome(handle: WorkflowHandle[Any, SelectionView]) -> SelectionView:
    """How a pass ended. Raises RunRefused where it failed."""
    with server_errors(handle.id):
        try:
            return await handle.result()
        except WorkflowFailureError as error:
            raise refusal(error.cause) from error


async def show(client: Client, repo: RepoRef) -> Selecting:
    """How it stands for one repository."""
    identity = selection_id(repo)
    last = await _last_pass(client, identity)
    with server_errors(identity):
        try:
            found = await client.get_schedule_handle(identity).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return Selecting(repo, last=last)
            raise
    return replace(await _selecting(client, found), last=last)


async def list_all(client: Client) -> tuple[Selecting, ...]:
    """All repositories whose issues are taken by schedule, by name, without their passes."""
    found: list[Selecting] = []
    with server_errors():
        async for each in await client.list_schedules():
            if not each.id.startswith(_PREFIX):
                continue
            try:
                described = await client.get_schedule_handle(each.id).describe()
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    continue  # stopped since
                raise
            found.append(await _selecting(client, described))
    return tuple(sorted(found, key=lambda each: each.repo.full_name))


async def _selecting(client: Client, found: ScheduleDescription) -> Selecting:
    action = found.schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    (request,) = await client.data_converter.decode(list(action.args), [SelectionRequest])
    intervals, times = found.schedule.spec.intervals, found.info.next_action_times
    return Selecting(
        request.repo,
        every=intervals[0].every if intervals else None,
        request=request,
        next=times[0] if times else None,
        paused=found.schedule.state.paused,
    )


async def _last_pass(client: Client, identity: str) -> LastPass | None:
    handle: WorkflowHandle[Any, SelectionView] = client.get_workflow_handle(
        identity, result_type=SelectionView
    )
    with server_errors(identity):
        try:
            found = await handle.describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
    view, problem = None, ""
    try:
        if found.status is WorkflowExecutionStatus.RUNNING:
            view = await _ask(handle)
        else:
            view = await outcome(handle)
    except (RunRefused, WorkerSilent) as error:
        problem = error.message
    return LastPass(found.start_time, found.close_time, view, problem)


async def _ask(handle: WorkflowHandle[Any, SelectionView]) -> SelectionView:
    try:
        return await handle.query("view", result_type=SelectionView, rpc_timeout=QUERY_TIMEOUT)
    except RPCError as error:
        raise WorkerSilent from error
