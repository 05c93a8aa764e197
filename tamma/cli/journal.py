"""What a run did, in the order of time: its events and its agent's steps, from the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from tamma.cli import story, trajectory
from tamma.cli.shapes import Json, number
from tamma.cli.story import LABELS
from tamma.model.changed import CHANGE_COLLECTED, STEP_CHANGED, read_diff
from tamma.model.conversation import Role
from tamma.model.ids import SessionId, TaskId
from tamma.model.task import Phase
from tamma.store.interface import Entry, Event, EventQuery, Store

_FINAL = frozenset({"task.completed", "task.failed", "task.cancelled"})
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the journal."""

    at: datetime
    text: str
    json: Json
    final: bool = False


@dataclass(slots=True)
class Reader:
    """Reads what is new since it last looked."""

    store: Store
    task_id: TaskId
    _position: int = 0
    _seen: dict[SessionId, int] = field(default_factory=dict[SessionId, int])

    async def new(self) -> list[Item]:
        """New items, oldest first."""
        items: list[Item] = []
        query = EventQuery(tags=(f"task:{self.task_id}",))
        while events := await self.store.read_events(query, after=self._position):
            self._position = events[-1].position
            items += [of_event(event) for event in events]
        for session in await trajectory.read(self.store, self.task_id):
            after = self._seen.get(session.id, -1)
            items += of_answers(session, after)
            self._seen[session.id] = session.entries[-1].seq
        return sorted(items, key=lambda item: item.at)


def of_event(event: Event) -> Item:
    """An event as a line and as JSON."""
    shape: Json = {
        "kind": "event",
        "at": event.recorded_at.isoformat(),
        "position": event.position,
        "type": event.type,
        "actor": event.actor,
        "data": dict(event.data),
    }
    return Item(event.recorded_at, _words(event), shape, final=event.type in _FINAL)


def _words(event: Event) -> str:
    kind, _, what = event.type.partition(".")
    if kind == "phase":
        phase = next((phase for phase in Phase if phase.value == what), None)
        return LABELS.get(phase, what) if phase else what
    if event.type in (STEP_CHANGED, CHANGE_COLLECTED):
        whole = "" if event.type == STEP_CHANGED else "in all "
        return f"  changed {whole}{story.changed(read_diff(event.data))}"
    data = " ".join(story.first_line(str(value)) for value in event.data.values() if value)
    return f"{event.type.replace('.', ' ')}{': ' if data else ''}{data}"


def of_answers(session: trajectory.Session, after: int) -> list[Item]:
    """The model's answers behind the entry `after`."""
    return [
        _of_answer(session, entry)
        for entry in session.entries
        if entry.seq > after and entry.message.role is Role.ASSISTANT
    ]


def _of_answer(session: trajectory.Session, entry: Entry) -> Item:
    cost = "" if entry.cost_usd is None else f", {story.usd(entry.cost_usd)}"
    figures = f"{story.count(entry.input_tokens)} in, {story.count(entry.output_tokens)} out{cost}"
    at = entry.recorded_at or _EPOCH
    words = trajectory.brief(entry)
    shape: Json = {
        "kind": "step",
        "at": at.isoformat(),
        "session": session.name,
        "seq": entry.seq,
        "does": words,
        "tokens": {"input": entry.input_tokens, "output": entry.output_tokens},
        "costUsd": None if entry.cost_usd is None else number(entry.cost_usd),
        "durationMs": entry.duration_ms,
    }
    return Item(at, f"  {session.name}: {words}  ({figures})", shape)
