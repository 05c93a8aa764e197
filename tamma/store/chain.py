"""The event log's hash chain, checked from outside the database.

A chain shows that events were changed, reordered, inserted or removed, except for those cut off its end: who
wants to know that too keeps the `head` of an earlier check elsewhere and looks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tamma.errors import StoreError
from tamma.store.codec import GENESIS, canonical_event, event_hash
from tamma.store.interface import Event, NewEvent


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What a walk along the chain found."""

    events: int = 0
    """How many events are in order, from the first on."""
    head: str = GENESIS
    """The hash of the last event in order."""
    broken_at: int | None = None
    """The position of the first event that does not fit its hash, None where all do."""

    @property
    def intact(self) -> bool:
        return self.broken_at is None


def check_chain(events: Iterable[Event], so_far: ChainCheck | None = None) -> ChainCheck:
    """Go on from `so_far` along `events`, which must follow on it in order of position."""
    check = so_far or ChainCheck()
    count, head = check.events, check.head
    if check.broken_at is not None:
        return check
    for event in events:
        if event.hash != expected_hash(head, event):
            return ChainCheck(count, head, event.position)
        count, head = count + 1, event.hash
    return ChainCheck(count, head)


def expected_hash(previous: str, event: Event) -> str:
    """The hash that `event` must have after one with the hash `previous`; `""` where it has no valid form."""
    content = NewEvent(
        id=event.id,
        type=event.type,
        tags=event.tags,
        actor=event.actor,
        data=event.data,
        correlation_id=event.correlation_id,
        metadata=event.metadata,
    )
    try:
        return event_hash(previous, event.recorded_at, canonical_event(content))
    except StoreError:
        return ""
