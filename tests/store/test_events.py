"""The event log: one contract, every store; and what PostgreSQL adds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from tamma.errors import StoreConflict, StoreError
from tamma.store.chain import ChainCheck, expected_hash
from tamma.store.codec import GENESIS
from tamma.store.interface import AppendCondition, EventQuery, NewEvent
from tamma.store.postgres import PostgresStore
from tests.store.conftest import AnyStore
from tests.support.postgres import session

SCANS = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'events_tags'"


def new(name: str, *tags: str, kind: str = "Happened", **data: object) -> NewEvent:
    return NewEvent(name, kind, tags, "tester", data)


def unless(*tags: str, types: tuple[str, ...] = (), after: int = 0) -> AppendCondition:
    return AppendCondition(EventQuery(types, tags), after)


async def names(store: AnyStore, query: EventQuery | None = None, after: int = 0, limit: int = 1000) -> str:
    return " ".join(event.id for event in await store.read_events(query, after=after, limit=limit))


async def test_an_event_comes_back_whole(store: AnyStore) -> None:
    data: dict[str, object] = {
        "n": 1,
        "big": 2**70,
        "f": 1.5,
        "list": [True, None, {"ü": '"\\\n\u2028'}],
        "empty": {},
    }
    given = NewEvent("e1", "PlanMade", ("task:1", "repo:a/b"), "me", data, "c", {"host": "h"})
    assert await store.append_events((given,)) == 1
    (event,) = await store.read_events()
    assert (event.position, event.id, event.type, event.tags) == (1, "e1", "PlanMade", given.tags)
    assert (event.actor, event.correlation_id, event.data, event.metadata) == ("me", "c", data, {"host": "h"})
    assert abs((event.recorded_at - datetime.now(UTC)).total_seconds()) < 30
    assert event.hash == expected_hash(GENESIS, event)


async def test_events_are_selected_by_type_tag_position_and_number(store: AnyStore) -> None:
    await store.append_events(
        (new("a", "t:1", "u:1"), new("b", "t:1", kind="Other"), new("c", "t:2"), new("d"))
    )
    assert await names(store) == "a b c d"
    assert await names(store, EventQuery(tags=("t:1",))) == "a b"
    assert await names(store, EventQuery(tags=("u:1", "t:1"))) == "a"
    assert await names(store, EventQuery(("Other", "Absent"))) == "b"
    assert await names(store, EventQuery(("Other",), ("t:2",))) == ""
    assert await names(store, after=1, limit=2) == "b c"
    assert await names(store, limit=0) == ""


async def test_an_event_that_is_there_already_is_skipped(store: AnyStore) -> None:
    assert await store.append_events((new("a"), new("b"))) == 2
    assert await store.append_events((new("a", x=1),)) == 1
    assert await store.append_events((new("b"), new("c"), new("c", x=1))) == 3
    assert await names(store) == "a b c"
    assert await store.append_events(()) == 3


async def test_a_condition_lets_pass_or_refuses_whole(store: AnyStore) -> None:
    last = await store.append_events((new("a", "t:1"),), unless("t:1"))
    with pytest.raises(StoreConflict, match="event 1, after 0, matches"):
        await store.append_events((new("b", "t:1"), new("c")), unless("t:1"))
    assert await store.append_events((new("b", "t:1"),), unless("t:1", after=last)) == 2
    assert await store.append_events((new("c"),), unless("t:1", types=("Other",))) == 3
    assert await store.append_events((new("d"),), unless("t:1", "t:2")) == 4
    with pytest.raises(StoreConflict):
        await store.append_events((new("e"),), unless(types=("Other", "Happened")))
    with pytest.raises(StoreConflict):
        await store.append_events((new("e"),), unless())
    assert await names(store) == "a b c d"


async def test_an_append_repeated_after_a_lost_answer_does_not_refuse_itself(
    store: AnyStore,
) -> None:
    batch = (new("a", "t:1"), new("b", "t:1"))
    assert await store.append_events(batch, unless("t:1")) == 2
    await store.append_events((new("c"),))
    assert await store.append_events(batch, unless("t:1")) == 2


@pytest.mark.parametrize(
    "event",
    [
        new("e", x=float("nan")),
        new("e", x=float("inf")),
        new("e", x={1: 2}),
        new("e", x=b"bytes"),
        new("e", x=datetime.now(UTC)),
        new("e", "tag\x00"),
        new("e\ud800"),
        new("", x=1),
        new("e", kind=""),
    ],
    ids=lambda event: repr(event)[:60],
)
async def test_what_is_no_json_is_refused(store: AnyStore, event: NewEvent) -> None:
    with pytest.raises(StoreError):
        await store.append_events((new("fine"), event))
    assert await names(store) == ""


async def test_what_is_read_cannot_be_used_to_change_the_log(store: AnyStore) -> None:
    await store.append_events((new("a", deep=[1]),))
    (event,) = await store.read_events()
    deep = event.data["deep"]
    assert isinstance(deep, list)
    deep.clear()
    assert (await store.read_events())[0].data == {"deep": [1]}


# --- races


async def test_of_racing_conditional_appends_one_wins(store: AnyStore) -> None:
    for round_ in range(5):
        tag = f"round:{round_}"
        outcomes = await asyncio.gather(
            *(store.append_events((new(f"{round_}-{i}", tag),), unless(tag)) for i in range(20)),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, int) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, StoreConflict) for outcome in outcomes) == 19
    assert (await store.verify_chain()).events == 5


async def test_a_reader_who_goes_on_from_the_last_position_misses_nothing(store: AnyStore) -> None:
    seen: list[str] = []

    async def follow() -> None:
        after = 0
        while len(seen) < 120:
            for event in await store.read_events(after=after):
                seen.append(event.id)
                after = event.position
            await asyncio.sleep(0)

    async def write(writer: int) -> None:
        for number in range(30):
            await store.append_events((new(f"{writer}-{number}"),))

    async with asyncio.timeout(120):
        await asyncio.gather(follow(), *(write(writer) for writer in range(4)))
    assert len(set(seen)) == 120
    assert await store.verify_chain() == ChainCheck(120, (await store.read_events())[-1].hash)


# --- the chain


async def test_an_empty_log_is_intact(store: AnyStore) -> None:
    assert await store.verify_chain() == ChainCheck(0, GENESIS, None)


@pytest.mark.parametrize(
    ("damage", "in_order", "broken_at"),
    [
        ("UPDATE events SET data = '{\"x\": 2}' WHERE position = 3", 2, 3),
        ("UPDATE events SET actor = 'someone else' WHERE position = 3", 2, 3),
        ("UPDATE events SET tags = tags || '{more:1}' WHERE position = 3", 2, 3),
        ("UPDATE events SET recorded_at = recorded_at - interval '1 microsecond' WHERE position = 3", 2, 3),
        ("UPDATE events SET hash = repeat('0', 64) WHERE position = 3", 2, 3),
        ("DELETE FROM events WHERE position = 3", 2, 4),
        ("UPDATE events SET metadata = '[]' WHERE position = 3", 2, 3),
        ("DELETE FROM events WHERE position = 1", 0, 2),
    ],
)
async def test_tampering_breaks_the_chain(
    postgres: PostgresStore, dsn: str, damage: str, in_order: int, broken_at: int
) -> None:
    await postgres.append_events(tuple(new(f"e{n}", f"n:{n}", x=1) for n in range(1, 6)))
    assert (await postgres.verify_chain()).intact
    async with session(dsn) as connection:
        with pytest.raises(Exception, match="only ever appended"):
            await connection.execute(damage)
        await connection.execute("SET session_replication_role = replica")  # now the trigger sleeps
        await connection.execute(damage)
    check = await postgres.verify_chain()
    assert check.broken_at == broken_at
    assert check.events == in_order


async def test_the_chain_is_walked_in_pages(postgres: PostgresStore) -> None:
    await postgres.append_events(tuple(new(f"e{n}") for n in range(2100)))
    check = await postgres.verify_chain()
    assert (check.events, check.intact) == (2100, True)


async def test_a_condition_is_answered_by_an_index(postgres: PostgresStore, dsn: str) -> None:
    """Else each append would read the whole log."""
    for start in range(0, 6000, 2000):
        await postgres.append_events(tuple(new(f"e{n}", f"task:{n}") for n in range(start, start + 2000)))
    async with session(dsn) as connection:
        await connection.execute("ANALYZE events")
        before = await connection.fetchval(SCANS)
        await postgres.append_events((new("last", "task:7x"),), unless("task:7x"))
        # The server publishes its counters when a session ends, or after a while.
        await postgres.close()
        async with asyncio.timeout(120):
            while (after := await connection.fetchval(SCANS)) == before:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert after > before
