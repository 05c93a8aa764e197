"""Transcripts and leases in PostgreSQL."""

from __future__ import annotations

from tamma.model.ids import SessionId
from tamma.model.serial import message_from_json
from tamma.store.codec import check_batch, check_key, check_seq, differs, encode_parts, gap, lease_lost
from tamma.store.database import Database, Row
from tamma.store.interface import Entry, Lease

_APPEND = """
SELECT problem, value FROM append_entries(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
)"""
_READ = """
SELECT seq, role, parts, provider, model, finish, input_tokens, output_tokens, cache_read_tokens, cost_usd,
       cost_source, duration_ms, recorded_at
FROM entries WHERE session_id = $1 AND seq > $2 ORDER BY seq"""
_ACQUIRE = "SELECT acquire_lease($1, $2) AS token"
_CURRENT = "SELECT coalesce(max(token), 0) AS token FROM leases WHERE session_id = $1 AND seq = $2"
_ATTEMPTS = "SELECT coalesce(sum(token), 0)::bigint AS attempts FROM leases WHERE session_id = $1"


class Transcripts:
    """Implements `TranscriptStore`; every call is one round trip."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append_entries(
        self, session_id: SessionId, entries: tuple[Entry, ...], *, lease: Lease | None = None
    ) -> None:
        if not entries:
            if lease is not None:
                await self.check_lease(lease)
            return
        check_batch(session_id, entries, lease)
        row = await self._database.fetchrow(
            _APPEND,
            session_id,
            None if lease is None else lease.seq,
            None if lease is None else lease.token,
            [entry.seq for entry in entries],
            [entry.message.role.value for entry in entries],
            [encode_parts(entry.message.parts) for entry in entries],
            [entry.provider for entry in entries],
            [entry.model for entry in entries],
            [entry.finish for entry in entries],
            [entry.input_tokens for entry in entries],
            [entry.output_tokens for entry in entries],
            [entry.cache_read_tokens for entry in entries],
            [entry.cost_usd for entry in entries],
            [entry.cost_source for entry in entries],
            [entry.duration_ms for entry in entries],
            [entry.recorded_at for entry in entries],
        )
        match row["problem"]:
            case "lease":
                assert lease is not None
                raise lease_lost(lease, row["value"])
            case "gap":
                raise gap(session_id, entries[0].seq, row["value"])
            case "differs":
                raise differs(session_id, row["value"])
            case _:
                return

    async def read_entries(self, session_id: SessionId, *, after: int = -1) -> tuple[Entry, ...]:
        check_key("the session id", session_id)
        rows = await self._database.fetch(_READ, session_id, after)
        return tuple(_entry(row) for row in rows)

    async def acquire_lease(self, session_id: SessionId, seq: int) -> Lease:
        check_seq(session_id, seq)
        row = await self._database.fetchrow(_ACQUIRE, session_id, seq)
        return Lease(session_id, seq, row["token"])

    async def check_lease(self, lease: Lease) -> None:
        row = await self._database.fetchrow(_CURRENT, lease.session_id, lease.seq)
        if row["token"] != lease.token:
            raise lease_lost(lease, row["token"])

    async def count_attempts(self, session_id: SessionId) -> int:
        check_key("the session id", session_id)
        return (await self._database.fetchrow(_ATTEMPTS, session_id))["attempts"]


def _entry(row: Row) -> Entry:
    return Entry(
        seq=row["seq"],
        message=message_from_json(row["role"], row["parts"]),
        provider=row["provider"],
        model=row["model"],
        finish=row["finish"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cache_read_tokens=row["cache_read_tokens"],
        cost_usd=row["cost_usd"],
        cost_source=row["cost_source"],
        duration_ms=row["duration_ms"],
        recorded_at=row["recorded_at"],
    )
