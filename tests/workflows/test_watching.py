"""Looking for an answer outlasts the time that one activity may look: on the real server, in seconds."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.failures import not_yet
from activities.interface import Activity
from workflows.calls import watch
from workflows.options import POLLING, Options

LOOK: Activity[str, str] = Activity("look", str)
SHORT = Options(start_to_close=60, retries=POLLING, schedule_to_close=1)


@activity.defn(name=LOOK.name)
async def look(what: str) -> str:
    """Nothing is there as long as the first activity looks."""
    if what == "gone":
        raise ApplicationError("it is gone", non_retryable=True)
    if (number := activity.info().activity_id) == "1":
        raise not_yet("nothing is there", 0.3)
    return f"activity {number} found {what}"


@workflow.defn
class Watcher:
    @workflow.run
    async def run(self, what: str) -> str:
        return await watch(LOOK, what, SHORT, summary="look")


@asynccontextmanager
async def watching(client: Client, what: str) -> AsyncGenerator[WorkflowHandle[Watcher, str]]:
    queue = f"watch-{uuid4().hex}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[Watcher],
        activities=[look],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield await client.start_workflow(Watcher.run, what, id=queue, task_queue=queue)


async def test_when_the_time_of_one_activity_is_up_the_next_one_looks(client: Client) -> None:
    async with watching(client, "an answer") as handle:
        _, number, *found = (await handle.result()).split()
        assert int(number) > 1, "on a busy machine the time of the second one may be up, too"
        assert found == ["found", "an", "answer"]


async def test_what_will_never_have_an_answer_is_raised(client: Client) -> None:
    async with watching(client, "gone") as handle:
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
        assert isinstance(failed.value.cause, ActivityError)
