"""A/B tests of rehearsal agents whose true rates are known, with a worker in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.testing import ActivityEnvironment

from activities.interface.experiments import AssignAgent, AssignedAgent
from activities.winners import WinnerActivities
from tamma.model.ab_run import ABAnswer, ABTestStart, ABTestView
from tamma.model.agent import AgentConfig, AgentId, AgentPin, TaskType
from tamma.model.experiment import AB_WORKFLOW, ABTestId, ABTestPlan
from tamma.model.ids import new_task_id, uuid7
from tamma.model.metrics import RunKind, RunMetrics
from tamma.model.suite import SuiteRef
from tamma.model.task import TASK_QUEUE, Reply
from tamma.model.verdict import ABTestResult
from tamma.providers.interface import ProviderSettings
from tamma.store.interface import Store
from tamma.store.memory import MemoryStore
from tamma.suites.content import ref_of
from tamma.suites.rehearsal import rehearsal_suite
from tests.support.loop import Loop, running_loop
from tests.support.temporal import end

Handle = WorkflowHandle[Any, ABTestResult]


def actor(name: str, success: float, **rates: object) -> ProviderSettings:
    """A provider entry that plays an agent of this true rate."""
    return ProviderSettings(name, "scripted", options={"rehearsal": {"success": success, **rates}})


async def add_agent(store: Store, name: str, provider: str, *, active: bool = True) -> AgentPin:
    """An agent with one version; its pin."""
    agent_id = AgentId(uuid7())
    made = await store.create_agent(agent_id, name, AgentConfig(provider), author="tester", reason="made")
    if active:
        agent = await store.find_agent(agent_id)
        assert agent is not None
        await store.activate(agent_id, made.number, author="tester", reason="go", revision=agent.revision)
    return AgentPin(agent_id, name, made.number, made.hash)


async def add_suite(store: Store, tasks: int, name: str = "drill") -> SuiteRef:
    """A suite of rehearsals."""
    suite = rehearsal_suite(name, tasks)
    await store.put_suite(suite)
    return ref_of(suite)


async def add_runs(store: Store, pin: AgentPin, successes: list[bool], *, at: datetime | None = None) -> None:
    """Production runs of a version, a minute apart, the last at `at` (now)."""
    end = at or datetime.now(UTC)
    for number, success in enumerate(successes):
        await store.record_run(production_run(pin, end - timedelta(minutes=len(successes) - number), success))


def production_run(pin: AgentPin, ended: datetime, success: bool, **changes: Any) -> RunMetrics:
    run = RunMetrics(
        run_id=uuid7(),
        task_id=new_task_id(),
        kind=RunKind.PRODUCTION,
        agent=pin,
        provider="x",
        model="m",
        served_models=("m",),
        repo="memory:acme/calc",
        issue="1",
        task_type=TaskType.CODE_GENERATION,
        started_at=ended - timedelta(seconds=30),
        ended_at=ended,
        duration_ms=30_000,
        waiting_ms=0,
        turns=1,
        input_tokens=0,
        output_tokens=0,
        cache_read_tokens=0,
        cost_usd=Decimal("0.1"),
        unpriced_calls=0,
        success=success,
        error_type="" if success else "tests",
        quality=70.0,
    )
    return replace(run, **changes)


@dataclass
class Lab:
    """Two agents, a suite, a worker, and the tests that run."""

    loop: Loop
    store: Store
    control: AgentPin
    candidate: AgentPin
    suite: SuiteRef
    handles: list[Handle] = field(default_factory=list[Handle])

    def plan(self, **changes: Any) -> ABTestPlan:
        plan = ABTestPlan(
            "drill",
            self.control,
            self.candidate,
            suite=self.suite,
            sample_size=self.suite.tasks,
            concurrency=20,
        )
        return replace(plan, **changes)

    async def start(self, plan: ABTestPlan | None = None, *, test_id: ABTestId | None = None) -> Handle:
        test_id = test_id or ABTestId(uuid7())
        handle: Handle = await self.loop.client.start_workflow(
            AB_WORKFLOW,
            ABTestStart(test_id, plan or self.plan(), by="tester"),
            id=f"ab/{test_id}",
            task_queue=TASK_QUEUE,
            result_type=ABTestResult,
        )
        self.handles.append(handle)
        return handle

    async def assign(self, run: RunMetrics) -> AssignedAgent:
        """The arm of a production run, as its acceptance asks for it."""
        assert run.agent is not None
        given = AssignAgent(run.task_id, run.agent, run.repo, run.issue, run.task_type)
        return await ActivityEnvironment().run(WinnerActivities(self.store).assign_agent, given)

    async def view(self, handle: Handle) -> ABTestView:
        return await handle.query("view", result_type=ABTestView)

    async def say(self, handle: Handle, word: str, answer: ABAnswer) -> str:
        """An update's answer, or its refusal."""
        try:
            reply: Reply = await handle.execute_update(word, answer, result_type=Reply)  # pyright: ignore[reportUnknownMemberType] - untyped overload
        except WorkflowUpdateFailedError as error:
            return f"refused: {error.cause}"
        return reply.message

    async def until(
        self, handle: Handle, condition: Callable[[ABTestView], object], seconds: float = 120
    ) -> ABTestView:
        """The first view that satisfies the condition. Fails with the last one."""
        seen: ABTestView | None = None
        try:
            async with asyncio.timeout(seconds):
                while True:
                    seen = await self._look(handle)
                    if seen is not None and condition(seen):
                        return seen
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s; last seen: {seen}") from None

    async def _look(self, handle: Handle) -> ABTestView | None:
        """None while the test is being prepared."""
        try:
            return await self.view(handle)
        except WorkflowQueryFailedError as error:
            if "prepared" not in error.message:
                raise
            return None

    async def events(self, kind: str) -> list[Mapping[str, object]]:
        found = [event for event in await self.store.read_events(limit=100_000) if event.type == kind]
        return [event.data for event in found]


@asynccontextmanager
async def lab(
    client: Client,
    folder: Path,
    *,
    tasks: int,
    control: float = 0.5,
    candidate: float = 0.5,
    store: Store | None = None,
    **rates: object,
) -> AsyncGenerator[Lab]:
    """A lab whose agents `plain` and `bold` have these true rates of success."""
    store = store or MemoryStore()
    accounts = (actor("plain", control), actor("bold", candidate, **rates))
    async with running_loop(client, folder, store=store, accounts=accounts) as loop:
        made = Lab(
            loop,
            store,
            await add_agent(store, "plain", "plain"),
            await add_agent(store, "bold", "bold", active=False),
            await add_suite(store, tasks),
        )
        try:
            yield made
        finally:
            for handle in made.handles:
                await end(handle)
