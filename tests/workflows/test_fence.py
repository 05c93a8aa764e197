"""An attempt that another one has replaced notices it before it acts."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

from activities.failures import failing_well
from activities.fence import still_ours
from tamma.errors import Superseded


@workflow.defn(name="FencedRun")
class FencedRun:
    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity(
            "act_late",
            result_type=int,
            start_to_close_timeout=timedelta(seconds=2),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
        )


async def test_a_late_attempt_does_not_act(client: Client) -> None:
    replaced, noticed, acted = asyncio.Event(), asyncio.Event(), list[int]()

    @activity.defn(name="act_late")
    @failing_well
    async def act_late() -> int:
        attempt = activity.info().attempt
        if attempt == 1:
            await replaced.wait()
        else:
            replaced.set()
            await noticed.wait()
        try:
            await still_ours()
        except Superseded:
            noticed.set()
            raise
        acted.append(attempt)
        return attempt

    queue = f"fence-{id(replaced)}"
    async with Worker(client, task_queue=queue, workflows=[FencedRun], activities=[act_late]):
        result = await client.execute_workflow("FencedRun", id=queue, task_queue=queue, result_type=int)
    assert noticed.is_set()
    assert acted == [result]
