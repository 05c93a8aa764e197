"""The store in memory: for tests and trials. It keeps nothing beyond its own life.

Same answers as `PostgresStore`, one contract suite holds both to them. No call awaits anything, so each is
atomic among the tasks of its event loop; it is not for use from several threads.
"""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime

from tamma.errors import BlobMissing
from tamma.model.conversation import Message
from tamma.model.ids import BlobId, SessionId
from tamma.model.serial import parts_from_json
from tamma.store.chain import ChainCheck, check_chain
from tamma.store.codec import (
    GENESIS,
    blob_id,
    canonical_event,
    check_batch,
    check_blob_id,
    check_blob_size,
    check_key,
    check_query,
    check_seq,
    condition_failed,
    differs,
    encode_parts,
    event_hash,
    gap,
    lease_lost,
)
from tamma.store.interface import AppendCondition, Entry, Event, EventQuery, Lease, NewEvent
from tamma.store.memory_agents import MemoryAgents
from tamma.store.memory_budgets import MemoryBudgets
from tamma.store.memory_experiments import MemoryExperiments
from tamma.store.memory_reports import MemoryReports
from tamma.store.memory_suites import MemorySuites


class MemoryStore(MemoryAgents, MemoryReports, MemorySuites, MemoryExperiments, MemoryBudgets):
    """Implements `Store`. Usable without `open`; `close` forgets nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: defaultdict[SessionId, list[Entry]] = defaultdict(list)
        self._tokens: dict[tuple[SessionId, int], int] = {}
        self._blobs: dict[BlobId, bytes] = {}
        self._events: list[Event] = []
        self._positions: dict[str, int] = {}

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to give back."""

    async def health(self) -> str:
        return "in memory"

    # --- transcripts

    async def append_entries(
        self, session_id: SessionId, entries: tuple[Entry, ...], *, lease: Lease | None = None
    ) -> None:
        if entries:
            check_batch(session_id, entries, lease)
        if lease is not None:
            await self.check_lease(lease)
        if not entries:
            return
        held = self._entries.get(session_id, [])
        if entries[0].seq > len(held):
            raise gap(session_id, entries[0].seq, len(held))
        stored = [_stored(entry) for entry in entries]
        for entry in stored:
            if entry.seq < len(held) and held[entry.seq].message != entry.message:
                raise differs(session_id, entry.seq)
        self._entries[session_id].extend(entry for entry in stored if entry.seq >= len(held))

    async def read_entries(self, session_id: SessionId, *, after: int = -1) -> tuple[Entry, ...]:
        check_key("the session id", session_id)
        return tuple(entry for entry in self._entries.get(session_id, ()) if entry.seq > after)

    async def acquire_lease(self, session_id: SessionId, seq: int) -> Lease:
        check_seq(session_id, seq)
        token = self._tokens.get((session_id, seq), 0) + 1
        self._tokens[session_id, seq] = token
        return Lease(session_id, seq, token)

    async def check_lease(self, lease: Lease) -> None:
        current = self._tokens.get((lease.session_id, lease.seq), 0)
        if current != lease.token:
            raise lease_lost(lease, current)

    async def count_attempts(self, session_id: SessionId) -> int:
        check_key("the session id", session_id)
        return sum(token for (session, _), token in self._tokens.items() if session == session_id)

    # --- blobs

    async def put_blob(self, content: bytes, media_type: str = "application/octet-stream") -> BlobId:
        check_blob_size(content)
        check_key("the media type", media_type)
        address = blob_id(content)
        self._blobs[address] = bytes(content)
        return address

    async def get_blob(self, blob_id: BlobId) -> bytes:
        check_blob_id(blob_id)
        if blob_id not in self._blobs:
            raise BlobMissing(f"there is no blob {blob_id!r}")
        return self._blobs[blob_id]

    # --- events

    async def append_events(
        self, events: tuple[NewEvent, ...], condition: AppendCondition | None = None
    ) -> int:
        if condition is not None:
            check_query(condition.fail_if_events_match)
        documents = [canonical_event(event) for event in events]
        if not events:
            return len(self._events)
        if any(event.id not in self._positions for event in events):
            self._check_condition(condition)
            for document in documents:
                self._append_event(document)
        return max(self._positions[event.id] for event in events)

    async def read_events(
        self, query: EventQuery | None = None, *, after: int = 0, limit: int = 1000
    ) -> tuple[Event, ...]:
        """Events after a position, in order, at most `limit`."""
        query = query or EventQuery()
        check_query(query)
        found = [event for event in self._events if event.position > after and matches(query, event)]
        return tuple(copy.deepcopy(found[: max(limit, 0)]))

    async def verify_chain(self) -> ChainCheck:
        """Walk the whole log and compute every hash again."""
        return check_chain(self._events)

    def _check_condition(self, condition: AppendCondition | None) -> None:
        if condition is None:
            return
        for event in self._events:
            if event.position > condition.after and matches(condition.fail_if_events_match, event):
                raise condition_failed(condition, event.position)

    def _append_event(self, canonical: str) -> None:
        # Through JSON and back: callers get what a database would give them, and cannot change it afterwards.
        document = json.loads(canonical)
        if document["id"] in self._positions:
            return
        now = datetime.now(UTC)
        event = Event(
            position=len(self._events) + 1,
            id=document["id"],
            type=document["type"],
            tags=tuple(document["tags"]),
            actor=document["actor"],
            correlation_id=document["correlation_id"],
            data=document["data"],
            metadata=document["metadata"],
            recorded_at=now,
            hash=event_hash(self._events[-1].hash if self._events else GENESIS, now, canonical),
        )
        self._events.append(event)
        self._positions[event.id] = event.position


def matches(query: EventQuery, event: Event) -> bool:
    """Whether `event` is of one of the query's types and carries all of its tags."""
    return (not query.types or event.type in query.types) and set(query.tags) <= set(event.tags)


def _stored(entry: Entry) -> Entry:
    parts = parts_from_json(encode_parts(entry.message.parts))
    return replace(
        entry,
        message=Message(entry.message.role, parts),
        recorded_at=entry.recorded_at or datetime.now(UTC),
    )
