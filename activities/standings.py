"""How a run stood, read from the store; and where the conversation of one that goes on from there begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from operator import add
from typing import TYPE_CHECKING

from activities.interface.continuing import Standing
from activities.turns import spend_of
from activities.workspace import finish_of
from tamma.errors import StoreError
from tamma.model.conversation import Role, ToolResult
from tamma.model.ids import BlobId, SessionId, TaskId
from tamma.model.origin import REPLAYED, STANDING
from tamma.model.session import Finished, Stage
from tamma.model.task import Phase, Spend, TaskStatus
from tamma.model.tries import MOST, SHARED, TRIES_JUDGED, try_session
from tamma.store.interface import BlobStore, Entry, Event, EventQuery, EventStore, TranscriptStore

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_KINDS = (
    *(f"phase.{phase.value}" for phase in Phase),
    *(f"task.{status.value}" for status in TaskStatus if status.final),
    REPLAYED,
    TRIES_JUDGED,
)


@cache
def _form() -> TypeAdapter[Standing]:
    from pydantic import TypeAdapter

    return TypeAdapter(Standing)


async def read_standing(blobs: BlobStore, blob: BlobId) -> Standing:
    """Raises BlobMissing; StoreError where it is not what this version understands."""
    content = await blobs.get_blob(blob)
    try:
        return _form().validate_json(content)
    except ValueError as error:
        raise StoreError(
            f"how the run stood cannot be read from {blob[:19]!r}: {error}",
            hint="it was kept by another version: `tamma submit --again` begins anew",
        ) from error


async def standings(events: EventStore, task_id: str) -> tuple[Event, ...]:
    """The events of a run that say how it stood, oldest first."""
    found: list[Event] = []
    query = EventQuery(_KINDS, (f"task:{task_id}",))
    while more := await events.read_events(query, after=found[-1].position if found else 0):
        found += more
    return tuple(event for event in found if event.data.get(STANDING))


def standing_of(event: Event) -> BlobId:
    """The address of what one of `standings` kept."""
    return BlobId(str(event.data[STANDING]))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a conversation goes on."""

    next_seq: int
    stage: Stage | None = None
    """What it was in the middle of."""
    opened: bool = False
    awaiting_tools: int | None = None
    finished: Finished | None = None
    unaccounted: Spend = field(default_factory=Spend)
    """What was paid in it that the standing does not know of yet."""


def place_of(entries: Sequence[Entry], standing: Standing, session: SessionId) -> Place:
    """Where a conversation of these entries goes on, of a run that once stood so. Pure."""
    known = standing.next_seq if standing.session_id == session else 0
    since = standing.since if standing.stage else known
    opened = len(entries) > since
    if not opened:
        return Place(len(entries), standing.stage)
    last = entries[-1]
    calls = last.message.tool_calls if last.message.role is Role.ASSISTANT else ()
    return Place(
        len(entries),
        standing.stage or _stage(standing),
        opened=True,
        awaiting_tools=last.seq if calls else None,
        finished=_finished(entries),
        unaccounted=spent(entries[known:]),
    )


def spent(entries: Sequence[Entry]) -> Spend:
    """What the answers among them cost."""
    answers = (entry for entry in entries if entry.message.role is Role.ASSISTANT)
    return reduce(add, map(spend_of, answers), Spend())


async def spent_in_tries(store: TranscriptStore, task_id: TaskId, session: SessionId) -> Spend:
    """What a run has paid in tries that its standing does not know of: it ended by force among them.

    `session` is the one that it stood in. Where that is not its first, it has taken one of the tries, and
    knows what all of them cost.
    """
    if session != f"{task_id}/agent":
        return Spend()
    total = Spend()
    for number in range(1, MOST + 1):  # of some nothing may have come yet, while others were at work
        entries = await store.read_entries(try_session(task_id, number))
        total += spent([entry for entry in entries if entry.cost_source != SHARED])
    return total


def _stage(standing: Standing) -> Stage:
    if standing.phase is Phase.RED_TEST:
        return Stage.RED_TEST
    return Stage.FIX if standing.solved else Stage.IMPLEMENT


def _finished(entries: Sequence[Entry]) -> Finished | None:
    """The end of the stage, where that is the last thing that was said and done."""
    if len(entries) < 2 or not any(isinstance(part, ToolResult) for part in entries[-1].message.parts):
        return None
    return finish_of(entries[-2].message.tool_calls)
