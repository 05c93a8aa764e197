"""Agent sessions without a run around them: a prepared workspace, a request, a history to read off."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.interface import PREPARE_WORKSPACE
from bench.model_server import SIZE
from bench.surroundings import MODEL, PLAYED, Stack
from tamma.demo.repository import make
from tamma.model.ids import SessionId, new_task_id
from tamma.model.repository import RepoRef
from tamma.model.session import (
    Opening,
    SessionRequest,
    SessionResult,
    SessionState,
    Stage,
    WorkspaceOrder,
    WorkspaceRef,
)
from tamma.model.task import SESSION_WORKFLOW, TASK_QUEUE, WORKSPACE_QUEUE, AgentChoice, Limits
from workflows.calls import call
from workflows.options import PREPARE

_QUEUE = "bench-prepare"
Handle = WorkflowHandle[Any, SessionResult]


@dataclass(frozen=True, slots=True)
class Place:
    """A prepared workspace, and the order that made it."""

    order: WorkspaceOrder
    ref: WorkspaceRef


@workflow.defn
class Prepare:
    """Has the product's own worker make a workspace."""

    @workflow.run
    async def run(self, order: WorkspaceOrder) -> WorkspaceRef:
        return await call(PREPARE_WORKSPACE, order, PREPARE, queue=WORKSPACE_QUEUE)


async def prepare(stack: Stack) -> Place:
    """A workspace of its own, made by the product's worker."""
    task = new_task_id()
    repository = make(stack.home / "repositories" / task)
    path = str(repository.path.resolve())
    order = WorkspaceOrder(
        task_id=task,
        repo=RepoRef("plain-git", "", path),
        clone_url=path,
        base_branch="main",
        base_sha=repository.base,
        branch=f"tamma/{task}",
    )
    async with Worker(
        stack.client,
        task_queue=_QUEUE,
        workflows=[Prepare],
        workflow_runner=UnsandboxedWorkflowRunner(),  # it would import this whole package again
    ):
        ref = await stack.client.execute_workflow(Prepare.run, order, id=f"p-{task}", task_queue=_QUEUE)
    return Place(order, ref)


async def start_session(stack: Stack, place: Place, provider: str, steps: int, size: int = SIZE) -> Handle:
    """Start a session of `steps` steps, each a model call and a `bash` that prints `size` characters."""
    task = place.order.task_id
    words: dict[str, str] = dict.fromkeys(("issue", "plan", "context", "why_untested"), "Look around.")
    request = SessionRequest(
        task_id=task,
        session_id=SessionId(f"{task}/agent"),
        stage=Stage.IMPLEMENT,
        opening=Opening("implement_untested", words=words),
        agent=_agent(provider, steps, size),
        workspace=place.ref,
        limits=Limits(),
        budget_left=Decimal(10_000),
        turns_left=steps + 1,
        state=SessionState(0),
        rebuild=place.order,
        label="bench#1",
    )
    return await stack.client.start_workflow(
        SESSION_WORKFLOW, request, id=f"session-{task}", task_queue=TASK_QUEUE, result_type=SessionResult
    )


def _agent(provider: str, steps: int, size: int) -> AgentChoice:
    """`claude` over HTTP, or `played` in the worker."""
    if provider == "played":
        return AgentChoice(PLAYED.format(steps=steps))
    name = MODEL.format(steps=steps)
    return AgentChoice("claude", name if size == SIZE else f"{name}-of-{size}")


# --- histories -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """One activity or workflow task: milliseconds since the first event of its history."""

    name: str
    scheduled: float
    started: float
    ended: float


def tasks_of(history: WorkflowHistory) -> list[Task]:
    """The finished activities (by their type) and workflow tasks (named `workflow`) in order of schedule."""
    first = _moment(history.events[0])
    scheduled: dict[int, tuple[str, float]] = {}
    started: dict[int, float] = {}
    found: list[Task] = []
    for event in history.events:
        at = (_moment(event) - first).total_seconds() * 1000
        match event.event_type:
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                name = event.activity_task_scheduled_event_attributes.activity_type.name
                scheduled[event.event_id] = name, at
            case EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
                scheduled[event.event_id] = "workflow", at
            case EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                started[event.activity_task_started_event_attributes.scheduled_event_id] = at
            case EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
                started[event.workflow_task_started_event_attributes.scheduled_event_id] = at
            case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                source = event.activity_task_completed_event_attributes.scheduled_event_id
                found.append(Task(*scheduled[source], started[source], at))
            case EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                source = event.workflow_task_completed_event_attributes.scheduled_event_id
                found.append(Task(*scheduled[source], started[source], at))
            case _:
                pass
    return sorted(found, key=lambda task: task.scheduled)


def moments_of(history: WorkflowHistory, name: str) -> list[datetime]:
    """When each activity of that type was scheduled."""
    return [
        _moment(event)
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        and event.activity_task_scheduled_event_attributes.activity_type.name == name
    ]


def step_times(history: WorkflowHistory, first_activity: str) -> list[float]:
    """Milliseconds from the start of one step to the start of the next."""
    starts = [task.scheduled for task in tasks_of(history) if task.name == first_activity]
    return [later - earlier for earlier, later in pairwise(starts)]


def anatomy(history: WorkflowHistory) -> dict[str, dict[str, float]]:
    """Median milliseconds that each kind of task waited for a worker, and ran."""
    tasks = tasks_of(history)
    return {
        name: {
            "n": len(mine),
            "waited": round(statistics.median(task.started - task.scheduled for task in mine), 2),
            "ran": round(statistics.median(task.ended - task.started for task in mine), 2),
        }
        for name in dict.fromkeys(task.name for task in tasks)
        if (mine := [task for task in tasks if task.name == name])
    }


def size_of(history: WorkflowHistory) -> int:
    """Bytes of its events as the server stores them."""
    return sum(event.ByteSize() for event in history.events)


def _moment(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime()
