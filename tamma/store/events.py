"""The event log in PostgreSQL."""

from __future__ import annotations

import json

from tamma.store.chain import ChainCheck, check_chain
from tamma.store.codec import canonical_event, check_query, condition_failed
from tamma.store.database import Database, Row
from tamma.store.interface import AppendCondition, Event, EventQuery, NewEvent

_APPEND = "SELECT problem, value FROM append_events($1, $2, $3, $4)"
_COLUMNS = "position, id, type, tags, actor, correlation_id, data, metadata, recorded_at, hash"
_PAGE = 1000


class Events:
    """Implements `EventStore`; every call is one round trip."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append_events(
        self, events: tuple[NewEvent, ...], condition: AppendCondition | None = None
    ) -> int:
        query = condition.fail_if_events_match if condition else EventQuery()
        check_query(query)
        row = await self._database.fetchrow(
            _APPEND,
            [canonical_event(event) for event in events],
            condition.after if condition else None,
            list(query.types),
            list(query.tags),
        )
        if row["problem"] is not None:
            assert condition is not None
            raise condition_failed(condition, row["value"])
        return row["value"]

    async def read_events(
        self, query: EventQuery | None = None, *, after: int = 0, limit: int = 1000
    ) -> tuple[Event, ...]:
        """Events after a position, in order, at most `limit`."""
        query = query or EventQuery()
        check_query(query)
        statement, args = _select(query, after, limit)
        return tuple(_event(row) for row in await self._database.fetch(statement, *args))

    async def verify_chain(self) -> ChainCheck:
        """Walk the whole log and compute every hash again."""
        check, after = ChainCheck(), 0
        while events := await self.read_events(after=after, limit=_PAGE):
            check = check_chain(events, check)
            if not check.intact:
                break
            after = events[-1].position
        return check


def _select(query: EventQuery, after: int, limit: int) -> tuple[str, list[object]]:
    # One statement for each of four shapes, rather than one with `OR $n = '{}'`, which no index serves.
    args: list[object] = [after, max(limit, 0)]
    where = ["position > $1"]
    if query.types:
        args.append(list(query.types))
        where.append(f"type = ANY (${len(args)})")
    if query.tags:
        args.append(list(query.tags))
        where.append(f"tags @> ${len(args)}")
    conditions = " AND ".join(where)
    # Columns and conditions are the constants above; every value is an argument.
    return f"SELECT {_COLUMNS} FROM events WHERE {conditions} ORDER BY position LIMIT $2", args  # noqa: S608


def _event(row: Row) -> Event:
    return Event(
        position=row["position"],
        id=row["id"],
        type=row["type"],
        tags=tuple(row["tags"]),
        actor=row["actor"],
        correlation_id=row["correlation_id"],
        data=json.loads(row["data"]),
        metadata=json.loads(row["metadata"]),
        recorded_at=row["recorded_at"],
        hash=row["hash"],
    )
