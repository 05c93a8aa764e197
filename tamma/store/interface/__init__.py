"""The store: transcripts, blobs, leases, events, agents, measurements, limits of spending.

PostgreSQL, and its in-memory twin.

Everything here is idempotent on its key, because an activity may run twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from tamma.model.conversation import Message
from tamma.model.ids import BlobId, SessionId
from tamma.store.interface.agents import AgentStore as AgentStore
from tamma.store.interface.budgets import BudgetStore as BudgetStore
from tamma.store.interface.experiments import ExperimentStore as ExperimentStore
from tamma.store.interface.metrics import MetricStore as MetricStore
from tamma.store.interface.reports import ReportStore as ReportStore
from tamma.store.interface.suites import SuiteStore as SuiteStore


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a transcript. Assistant entries know what they cost; others leave that empty."""

    seq: int
    message: Message
    provider: str = ""
    model: str = ""
    finish: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cost_usd: Decimal | None = None
    cost_source: str = ""
    duration_ms: int = 0
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """An attempt's right to act on `(session, seq)`: the highest token wins."""

    session_id: SessionId
    seq: int
    token: int
    """1 for the first attempt; each later attempt takes the next."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append. `tags` are `key:value` strings that conditions and readers select by."""

    id: str
    """Unique; appending the same id again is done already."""
    type: str
    tags: tuple[str, ...]
    actor: str
    data: Mapping[str, object]
    correlation_id: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Event:
    position: int
    id: str
    type: str
    tags: tuple[str, ...]
    actor: str
    correlation_id: str
    data: Mapping[str, object]
    metadata: Mapping[str, object]
    recorded_at: datetime
    hash: str
    """sha256 over the previous event's hash and this event's content: a tamper-evident chain."""


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Selects events of any of `types` (all, if empty) that carry every one of `tags`."""

    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AppendCondition:
    """Fail with StoreConflict if an event after position `after` matches `fail_if_events_match`."""

    fail_if_events_match: EventQuery
    after: int = 0


class TranscriptStore(Protocol):
    async def append_entries(
        self, session_id: SessionId, entries: tuple[Entry, ...], *, lease: Lease | None = None
    ) -> None:
        """Append entries, all or none. The same entry again (same seq and message) is done already.

        With a `lease`, raises Superseded if a later attempt holds it. Raises StoreConflict where a seq
        holds another message, or where a gap would open.
        """
        ...

    async def read_entries(self, session_id: SessionId, *, after: int = -1) -> tuple[Entry, ...]:
        """Entries with seq > `after`, in order."""
        ...

    async def acquire_lease(self, session_id: SessionId, seq: int) -> Lease:
        """Take the next fencing token of `(session_id, seq)`."""
        ...

    async def check_lease(self, lease: Lease) -> None:
        """Raises Superseded if a later attempt holds it."""
        ...

    async def count_attempts(self, session_id: SessionId) -> int:
        """How many leases were taken in all: an upper bound of the model calls that were paid."""
        ...


class BlobStore(Protocol):
    async def put_blob(self, content: bytes, media_type: str = "application/octet-stream") -> BlobId:
        """Store content under its sha256; the same content again is done already."""
        ...

    async def get_blob(self, blob_id: BlobId) -> bytes:
        """Raises BlobMissing; raises StoreError where the content does not match its address."""
        ...


class EventStore(Protocol):
    async def append_events(
        self, events: tuple[NewEvent, ...], condition: AppendCondition | None = None
    ) -> int:
        """Append, all or none, under one lock; returns the last position. Ids already present are skipped."""
        ...

    async def read_events(
        self, query: EventQuery | None = None, *, after: int = 0, limit: int = 1000
    ) -> tuple[Event, ...]: ...


class Store(
    TranscriptStore,
    BlobStore,
    EventStore,
    AgentStore,
    MetricStore,
    ReportStore,
    SuiteStore,
    ExperimentStore,
    BudgetStore,
    Protocol,
):
    """The whole store."""

    async def open(self) -> None:
        """Connect. Raises StoreUnavailable. Idempotent."""
        ...

    async def close(self) -> None: ...

    async def health(self) -> str:
        """A word on the server (its version); raises StoreUnavailable."""
        ...
