"""Where another run can be gone on from: at its end, and at one of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from activities.interface.continuing import Standing
from activities.standings import place_of, read_standing, spent_in_tries, standing_of, standings
from tamma.cli.inspecting.steps import Step, Trajectory
from tamma.cli.inspecting.telling import find
from tamma.errors import ConfigError
from tamma.model.ids import SessionId
from tamma.model.origin import Origin
from tamma.model.task import Spend
from tamma.temporal.run_errors import RunFinished

if TYPE_CHECKING:
    from tamma.model.ids import TaskId
    from tamma.store.interface import Event, Store


@dataclass(frozen=True, slots=True)
class Place:
    """The origin of a new run, and how the other one stood there."""

    origin: Origin
    standing: Standing
    spent: Spend = field(default_factory=Spend)
    """By that run alone, of its own limits; of a fork nothing, for its limits are its own."""


async def at_the_end(store: Store, task_id: TaskId) -> Place:
    """Where a run ended. Raises RunFinished where nothing was kept of it."""
    events = await standings(store, task_id)
    if not events:
        raise RunFinished(
            f"nothing was kept of how the run {task_id} stood: it ended before it had read its issue, or an "
            "older version did it",
            hint="`tamma submit --again` begins anew",
        )
    blob = standing_of(events[-1])
    standing = await read_standing(store, blob)
    session = standing.session_id or SessionId(f"{task_id}/agent")
    # Of a run that was ended by force, more was paid than it could say.
    more = place_of(await store.read_entries(session), standing, session).unaccounted
    more += await spent_in_tries(store, task_id, session)
    return Place(Origin(task_id, blob), standing, standing.spend + more)


async def at_step(store: Store, told: Trajectory, number: int) -> Place:
    """After step `number` of a run, as `tamma inspect` counts them.

    Raises ConfigError where there is no such step, or where it was another run's.
    """
    task_id, step = told.subject.task_id, find(told, number)
    if number <= told.inherited_steps:
        assert told.inherited is not None
        raise ConfigError(
            f"step {number} is none of this run's: it took its first {told.inherited_steps} steps over",
            hint=f"fork the run that made it: `tamma inspect {told.inherited.task_id}` shows its steps",
        )
    event = _standing_at(await standings(store, task_id), step)
    if event is None:
        raise RunFinished(
            f"nothing was kept of how the run {task_id} stood at step {number}",
            hint="it has only just been made, or an older version made it; take another step",
        )
    blob = standing_of(event)
    origin = Origin(task_id, blob, number, step.session_id, _entries(step))
    return Place(origin, await read_standing(store, blob))


def _standing_at(events: tuple[Event, ...], step: Step) -> Event | None:
    """How the run stood when the step began; of a planning step, when its plan was there.

    Both times are the store's.
    """
    moment = step.answer.recorded_at
    assert moment is not None
    if step.session == "plan":
        return next((event for event in events if event.recorded_at >= moment), None)
    return max((event for event in events if event.recorded_at <= moment), key=_time, default=None)


def _time(event: Event) -> tuple[datetime, int]:
    return event.recorded_at, event.position


def _entries(step: Step) -> int:
    """How many entries of its conversation are kept: up to its answer, with what its calls gave."""
    return (step.results or step.answer).seq + 1
