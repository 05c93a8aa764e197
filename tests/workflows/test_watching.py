"""Looking for an answer outlasts the time that one activity may look: on the real server, in seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.failures import not_yet
from activities.interface import Activity
from activities.interface.listening import AWAIT_COMMANDS, AwaitCommands, CommandsHeard, Place
from tamma.model.ids import new_task_id
from tamma.model.repository import Target
from tamma.model.task import AgentChoice, DevRequest
from tests.support.loop import QUICK, REPO
from workflows.calls import watch
from workflows.options import COMMENT_WATCH, POLLING, Options
from workflows.steps import hearing

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


@activity.defn(name=AWAIT_COMMANDS.name)
async def nobody_speaks(given: AwaitCommands) -> CommandsHeard:
    """One look that lasts."""
    await asyncio.Event().wait()
    return CommandsHeard(given.places)


@workflow.defn
class Watcher:
    @workflow.run
    async def run(self, what: str) -> str:
        return await watch(LOOK, what, SHORT, summary="look")


@workflow.defn
class Listener(hearing.Hearing):
    """Listens once."""

    @workflow.init
    def __init__(self, request: DevRequest) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: DevRequest) -> list[str]:
        assert await self._next_words((Place(Target("issue", request.issue), None),), ()) is None
        return self._state.notes


@asynccontextmanager
async def worker(client: Client) -> AsyncGenerator[str]:
    queue = f"watch-{uuid4().hex}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[Watcher, Listener],
        activities=[look, nobody_speaks],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield queue


@asynccontextmanager
async def watching(client: Client, what: str) -> AsyncGenerator[WorkflowHandle[Watcher, str]]:
    async with worker(client) as queue:
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


async def test_a_run_from_before_it_looked_on_listens_again_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def from_before(_: str) -> bool:
        return False

    monkeypatch.setattr(workflow, "patched", from_before)
    monkeypatch.setattr(hearing, "COMMENT_WATCH", replace(COMMENT_WATCH, schedule_to_close=0.2))
    monkeypatch.setattr(hearing, "DEAF_FOR", timedelta(seconds=0.2))
    request = DevRequest(new_task_id(), REPO, "1", AgentChoice("scripted"), limits=QUICK)
    async with worker(client) as queue:
        handle = await client.start_workflow(Listener.run, request, id=queue, task_queue=queue)
        assert await handle.result() == []
        names = [event.WhichOneof("attributes") async for event in handle.fetch_history_events()]
        assert "activity_task_timed_out_event_attributes" in names
        assert "timer_started_event_attributes" not in names
