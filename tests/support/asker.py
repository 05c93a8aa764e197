"""A run that does nothing but ask people: what is around the work is real, and there is no work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.interface import AcceptedIssue
from activities.listening import ListeningActivities
from activities.monitoring import MonitoringActivities
from activities.platform import PlatformActivities
from activities.store import StoreActivities
from tamma.model.commands import Mark
from tamma.model.conventions import Conventions
from tamma.model.ids import BlobId, new_task_id
from tamma.model.repository import Comment, Target
from tamma.model.task import AgentChoice, DevRequest, Gate, Limits, PlatformEvent, TaskView, Waiting
from tamma.platforms.interface import CAPABILITIES
from tamma.platforms.memory.platform import MemoryPlatform
from tamma.pools import Platforms
from tamma.store.memory import MemoryStore
from tests.support.loop import QUICK, REPO, make_repository, platform_settings
from tests.support.temporal import end
from workflows.patience import Rejected
from workflows.steps.hearing import Hearing

ISSUE = Target("issue", "1")
QUESTIONS = (
    Waiting(Gate.PLAN, "the plan waits for approval", "say yes"),
    Waiting(Gate.CHANGE, "it takes something from the tests", "say yes"),
)


@workflow.defn(name="Asker")
class Asker(Hearing):
    """Asks two questions, one after the other."""

    @workflow.init
    def __init__(self, request: DevRequest) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: DevRequest) -> list[str]:
        """The run's notes, once both are answered, or one with a no."""
        able = tuple(sorted(CAPABILITIES))
        self._state.issue = AcceptedIssue(
            "1", "mean() is too small", "", BlobId(""), "", "main", "", "tamma/1", able, read=Mark()
        )
        self._state.plan_markdown = "Divide by one less.\n\n/tamma approve"
        self._begin_to_hear()
        try:
            for question in QUESTIONS:
                await self._patience.wait(question)
        except Rejected as answer:
            self._state.note(answer.reason)
        await self._hear_no_more()
        return self._state.notes


@dataclass
class Asking:
    """The run, and what people write on its issue."""

    handle: WorkflowHandle[Any, list[str]]
    platform: MemoryPlatform
    said: list[str] = field(default_factory=list[str])

    async def say(
        self,
        body: str,
        author: str = "ada",
        *,
        trusted: bool = True,
        at: datetime | None = None,
        wake: bool = True,
    ) -> None:
        """Somebody writes a comment."""
        self.said.append(body)
        comment = Comment(f"said-{len(self.said)}", author, body, at or datetime.now(UTC), trusted)
        await self.platform.add_comment(REPO, ISSUE.number, comment)
        if wake:
            await self.handle.signal("platform_event", PlatformEvent("issue_comment"))

    async def written(self) -> list[str]:
        """What we have written there, but for what a test has put into our mouth."""
        comments = await self.platform.list_comments(REPO, ISSUE)
        return [one.body for one in comments if one.author == "tamma" and not one.id.startswith("said-")]

    async def answered(self, words: str) -> str:
        """Our one comment with these words, as soon as it is there."""
        async with asyncio.timeout(120):
            while not (found := [body for body in await self.written() if words in body]):  # noqa: ASYNC110 - it has to be asked
                await asyncio.sleep(0.02)
        assert len(found) == 1, found
        return found[0]

    async def labels(self) -> tuple[str, ...]:
        return (await self.platform.get_issue(REPO, ISSUE.number)).labels

    async def view(self) -> TaskView:
        return await self.handle.query("view", result_type=TaskView)

    async def gate(self) -> Gate | None:
        """Where it waits."""
        waiting = (await self.view()).waiting_for
        return waiting.gate if waiting else None

    async def events(self) -> int:
        return (await self.handle.describe()).history_length


@asynccontextmanager
async def asking(
    client: Client,
    folder: Path,
    limits: Limits = QUICK,
    wanted: Conventions | None = None,
    **options: object,
) -> AsyncGenerator[Asking]:
    """A run that asks, and a worker for it. `options` are the memory platform's."""
    account = platform_settings(folder, make_repository(folder), **options)
    platforms, store = Platforms(lambda _: account), MemoryStore()

    def conventions(_: str) -> Conventions:
        return wanted or Conventions()

    task = new_task_id()
    worker = Worker(
        client,
        task_queue=f"ask-{task}",
        workflows=[Asker],
        activities=[
            ListeningActivities(platforms, conventions).await_commands,
            PlatformActivities(platforms, store).comment,
            MonitoringActivities(platforms, store, conventions).call_people,
            StoreActivities(store).record_event,
        ],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    request = DevRequest(task, REPO, ISSUE.number, AgentChoice("scripted"), limits=limits)
    async with worker:
        handle = await client.start_workflow(Asker.run, request, id=task, task_queue=f"ask-{task}")
        yield Asking(handle, cast("MemoryPlatform", await platforms.get("memory")))
        await end(handle)
    await platforms.close()
