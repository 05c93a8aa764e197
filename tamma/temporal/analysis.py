"""The performance analysis, seen from a client: run it now, or at fixed times by a Temporal Schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from temporalio.client import (
    RPCError,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowFailureError,
)
from temporalio.service import RPCStatusCode

from tamma.model.analysis import ANALYSIS_WORKFLOW
from tamma.model.analysis_run import AnalysisOutcome, AnalysisRequest, Rhythm
from tamma.model.ids import uuid7
from tamma.model.task import TASK_QUEUE
from tamma.temporal.run_errors import refusal, server_errors

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowHandle

SCHEDULE = "performance-analysis"
HOUR = 4
"""Of the day, UTC, at which it runs."""
_RHYTHM: dict[Rhythm, ScheduleCalendarSpec] = {
    "daily": ScheduleCalendarSpec(hour=(ScheduleRange(HOUR),)),
    "weekly": ScheduleCalendarSpec(hour=(ScheduleRange(HOUR),), day_of_week=(ScheduleRange(1),)),
}


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The schedule as it stands."""

    rhythm: str
    """`daily`, `weekly`; `off` where there is none."""
    next: datetime | None = None
    last: datetime | None = None
    paused: bool = False


async def set_schedule(client: Client, rhythm: Rhythm) -> Scheduled:
    """Analyse in this rhythm from now on. The same again changes nothing; another one replaces it."""
    wanted = _schedule(rhythm)
    with server_errors(SCHEDULE):
        try:
            await client.create_schedule(SCHEDULE, wanted)
        except ScheduleAlreadyRunningError:

            def replaced(_: ScheduleUpdateInput) -> ScheduleUpdate:
                return ScheduleUpdate(wanted)

            await client.get_schedule_handle(SCHEDULE).update(replaced)
    return await show_schedule(client)


async def show_schedule(client: Client) -> Scheduled:
    """What is scheduled."""
    with server_errors(SCHEDULE):
        try:
            found = await client.get_schedule_handle(SCHEDULE).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return Scheduled("off")
            raise
    action = found.schedule.action
    weekly = isinstance(action, ScheduleActionStartWorkflow) and action.id == _workflow("weekly")
    ran = found.info.recent_actions
    return Scheduled(
        "weekly" if weekly else "daily",
        next=found.info.next_action_times[0] if found.info.next_action_times else None,
        last=ran[-1].started_at if ran else None,
        paused=found.schedule.state.paused,
    )


async def remove_schedule(client: Client) -> Scheduled:
    """Analyse only when somebody asks. Done already is done."""
    with server_errors(SCHEDULE):
        try:
            await client.get_schedule_handle(SCHEDULE).delete()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
    return Scheduled("off")


async def analyse_now(client: Client, request: AnalysisRequest) -> WorkflowHandle[Any, AnalysisOutcome]:
    """Start an analysis."""
    key = f"analysis/{request.by}/{uuid7()}"
    with server_errors(key):
        handle: WorkflowHandle[Any, AnalysisOutcome] = await client.start_workflow(
            ANALYSIS_WORKFLOW,
            request,
            id=key,
            task_queue=TASK_QUEUE,
            result_type=AnalysisOutcome,
            static_summary="performance analysis",
        )
    return handle


def _schedule(rhythm: Rhythm) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            ANALYSIS_WORKFLOW,
            AnalysisRequest(by=rhythm),
            id=_workflow(rhythm),
            task_queue=TASK_QUEUE,
            static_summary=f"performance analysis, {rhythm}",
        ),
        spec=ScheduleSpec(calendars=[_RHYTHM[rhythm]]),
        # A machine that was off over night analyses once when it is on again, not once a missed day.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(hours=26)),
    )


def _workflow(rhythm: Rhythm) -> str:
    """The beginning of the ids of its analyses; the server adds the time."""
    return f"analysis/{rhythm}"


async def outcome(handle: WorkflowHandle[Any, AnalysisOutcome]) -> AnalysisOutcome:
    """What an analysis found, once it has ended. Raises RunRefused where it failed."""
    with server_errors(handle.id):
        try:
            return await handle.result()
        except WorkflowFailureError as error:
            raise refusal(error.cause) from error
