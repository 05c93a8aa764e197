"""What Temporal starts once a day by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tamma.model.kept import KEPT_CHECK, KEPT_SCHEDULE
from tamma.model.task import TASK_QUEUE

if TYPE_CHECKING:
    from temporalio.client import Client

RPC_TIMEOUT = timedelta(seconds=10)


async def ensure_kept_check(client: Client, schedule_id: str = KEPT_SCHEDULE) -> bool:
    """Have merged changes looked after every day; True where that is new.

    One that is there stays as it is, paused or not. Raises temporalio's RPCError.
    """
    from temporalio.client import (
        Schedule,
        ScheduleActionStartWorkflow,
        ScheduleAlreadyRunningError,
        ScheduleIntervalSpec,
        ScheduleSpec,
    )

    action = ScheduleActionStartWorkflow(KEPT_CHECK, {}, id=schedule_id, task_queue=TASK_QUEUE)
    # Spread over an hour: many installations ask the same platforms.
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(timedelta(days=1))], jitter=timedelta(hours=1))
    try:
        await client.create_schedule(schedule_id, Schedule(action, spec), rpc_timeout=RPC_TIMEOUT)
    except ScheduleAlreadyRunningError:
        return False
    return True
