"""The one place where workflows call activities."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from activities.interface import Activity
from workflows.cancelling import heed
from workflows.options import Options
from workflows.recovery import ran_out

LOOKS_ON = "looks-on"
"""The change that runs look on when one activity has looked for as long as it may: those from before it leave
off then."""

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741


def start(
    activity: Activity[I, O],
    given: I,
    options: Options,
    *,
    queue: str | None = None,
    summary: str = "",
    fairness_key: str = "",
) -> workflow.ActivityHandle[O]:
    """Schedule an activity. `queue` is the workflow's own if None; `summary` is what the Web UI shows.

    Raises the cancellation that an earlier activity's result has hidden.
    """
    heed()
    return workflow.start_activity(
        activity.name,
        given,
        result_type=activity.output,
        task_queue=queue,
        start_to_close_timeout=timedelta(seconds=options.start_to_close),
        heartbeat_timeout=_seconds(options.heartbeat),
        schedule_to_close_timeout=_seconds(options.schedule_to_close),
        schedule_to_start_timeout=_seconds(options.schedule_to_start),
        retry_policy=options.retries,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
        if options.heartbeat
        else workflow.ActivityCancellationType.TRY_CANCEL,
        summary=summary or None,
        priority=Priority(fairness_key=fairness_key[:64]) if fairness_key else Priority.default,
    )


async def call(
    activity: Activity[I, O],
    given: I,
    options: Options,
    *,
    queue: str | None = None,
    summary: str = "",
    fairness_key: str = "",
) -> O:
    """Run an activity and wait for its result. Raises temporalio's ActivityError."""
    return await start(activity, given, options, queue=queue, summary=summary, fairness_key=fairness_key)


async def answer_of(looking: workflow.ActivityHandle[O]) -> O | None:
    """What came of an activity that looks until there is an answer. None where it has looked for as long as
    one activity may: it is time for the next one. Raises temporalio's ActivityError."""
    try:
        return await looking
    except ActivityError as error:
        if ran_out(error) and workflow.patched(LOOKS_ON):
            return None
        raise


async def watch(activity: Activity[I, O], given: I, options: Options, *, summary: str) -> O:
    """The answer of an activity that looks until there is one, however long that takes. Raises temporalio's
    ActivityError."""
    while (answer := await answer_of(start(activity, given, options, summary=summary))) is None:
        pass
    return answer


def _seconds(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)
