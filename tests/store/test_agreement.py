"""Whatever is asked of them, memory and PostgreSQL answer alike."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamma.errors import StoreError
from tamma.model.agent import AgentConfig, AgentId
from tamma.model.conversation import Message, Role, Text
from tamma.model.ids import BlobId, SessionId, uuid7
from tamma.store.chain import expected_hash
from tamma.store.codec import GENESIS
from tamma.store.database import Connection, connect
from tamma.store.interface import AppendCondition, Entry, Event, EventQuery, Lease, NewEvent
from tamma.store.memory import MemoryStore
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tests.store.conftest import EMPTY, AnyStore
from tests.support.postgres import Server

WHEN = datetime(2030, 1, 1, tzinfo=UTC)

Call = tuple[str, tuple[object, ...]]

sessions = st.sampled_from([SessionId("a"), SessionId("b")])
seqs = st.integers(-1, 4)
leases = st.builds(Lease, sessions, seqs, st.integers(1, 3))
messages = st.builds(
    Message, st.sampled_from(Role), st.just((Text("x"),)) | st.tuples(st.builds(Text, st.text()))
)


@st.composite
def batches(draw: st.DrawFn) -> tuple[Entry, ...]:
    start, length = draw(seqs), draw(st.integers(0, 3))
    order = draw(st.sampled_from([1, 1, 1, 2, 0]))
    return tuple(Entry(start + order * i, draw(messages), recorded_at=WHEN) for i in range(length))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
tags = st.lists(st.sampled_from(["t:1", "t:2", "u:1"]), max_size=3).map(tuple)
types = st.lists(st.sampled_from(["A", "B"]), max_size=2).map(tuple)
queries = st.builds(EventQuery, types, tags)
new_events = st.builds(
    NewEvent,
    st.sampled_from([f"e{n}" for n in range(6)]),
    st.sampled_from(["A", "B"]),
    tags,
    st.just("me"),
    st.dictionaries(st.text(max_size=3), json_values, max_size=2),
)
conditions = st.none() | st.builds(AppendCondition, queries, st.integers(0, 6))
contents = st.binary(max_size=4)


agents = st.sampled_from([AgentId("agent-1"), AgentId("agent-2")])
agent_names = st.sampled_from(["a", "b"])
agent_configs = st.builds(AgentConfig, st.just("p"), st.sampled_from([None, "m", "n"]))
revisions = st.none() | st.none() | st.integers(0, 5)
"""None: the one that the agent has."""
numbers = st.integers(0, 4)


def _agent_operations() -> st.SearchStrategy[Call]:
    def call(name: str, *arguments: st.SearchStrategy[Any], **named: st.SearchStrategy[Any]) -> Any:
        return st.tuples(st.just(name), st.tuples(st.tuples(*arguments), st.fixed_dictionaries(named)))

    why = {"author": st.just("me"), "reason": st.just("so")}
    return st.one_of(
        call("create_agent", agents, agent_names, agent_configs, **why),
        call("add_version", agents, agent_configs, parent=st.none() | numbers, revision=revisions, **why),
        call("activate", agents, numbers, revision=revisions, **why),
        call("activate", agents, numbers, revision=revisions, **why),
        call("rename_agent", agents, agent_names, revision=revisions),
        call("delete_agent", agents, revision=revisions),
        call("find_agent", agents | agent_names),
        call("list_agents", deleted=st.booleans()),
        call("list_versions", agents),
        call("read_version", agents, numbers),
    )


def _operations() -> st.SearchStrategy[tuple[str, tuple[object, ...]]]:
    def call(
        name: str, *arguments: st.SearchStrategy[Any]
    ) -> st.SearchStrategy[tuple[str, tuple[object, ...]]]:
        return st.tuples(st.just(name), st.tuples(*arguments))

    return st.one_of(
        call("append", sessions, batches(), st.none() | leases),
        call("append", sessions, batches(), st.none()),
        call("acquire_lease", sessions, seqs),
        call("check_lease", leases),
        call("read", sessions, st.integers(-1, 3)),
        call("count_attempts", sessions),
        call("put_blob", contents),
        call("get", contents),
        call("append_events", st.lists(new_events, max_size=3).map(tuple), conditions),
        call("events", st.none() | queries, st.integers(0, 5), st.integers(-1, 4)),
    )


async def answer(store: AnyStore, name: str, arguments: tuple[Any, ...]) -> object:
    """What a store answers, without times and hashes, or the class of its error."""
    try:
        match name:
            case "append":
                session, entries, lease = arguments
                return await store.append_entries(session, entries, lease=lease)
            case "read":
                return await store.read_entries(arguments[0], after=arguments[1])
            case "get":
                address = await MemoryStore().put_blob(arguments[0])
                return await store.get_blob(BlobId(address))
            case "events":
                query, after, limit = arguments
                events = await store.read_events(query, after=after, limit=limit)
                return [_timeless(event) for event in events]
            case _:
                return await getattr(store, name)(*arguments)
    except StoreError as error:
        return type(error)


def _timeless(event: Event) -> str:
    # As text: 1 and True, 1 and 1.0 are equal to Python, and are not the same JSON.
    data = json.dumps(event.data, sort_keys=True)
    return repr((data, replace(event, recorded_at=WHEN, hash="", data={}, metadata={})))


@dataclass
class Bench:
    """A loop of its own: each example of a property runs in it, on an emptied database."""

    runner: asyncio.Runner
    store: PostgresStore
    connection: Connection


@pytest.fixture(scope="module")
def bench(postgres_server: Server) -> Iterator[Bench]:
    dsn = postgres_server.dsn(postgres_server.create_database())
    with asyncio.Runner() as runner:
        runner.run(migrate(dsn))
        store = PostgresStore(dsn, min_size=1, max_size=1)
        runner.run(store.open())
        connection = runner.run(connect(dsn))
        yield Bench(runner, store, connection)
        runner.run(connection.close())
        runner.run(store.close())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(operations=st.lists(_operations(), min_size=3, max_size=14))
def test_both_stores_answer_alike(bench: Bench, operations: list[Call]) -> None:
    async def run() -> None:
        await bench.connection.execute(EMPTY)
        memory = MemoryStore()
        for name, arguments in operations:
            expected = await answer(memory, name, arguments)
            assert await answer(bench.store, name, arguments) == expected, (name, arguments)
        checks = [await memory.verify_chain(), await bench.store.verify_chain()]
        assert checks[0].events == checks[1].events
        assert all(check.intact for check in checks)

    bench.runner.run(run())


_MOMENTS = re.compile(r"datetime\.datetime\(.*?\)")


async def agent_answer(store: AnyStore, name: str, call: tuple[Any, ...]) -> object:
    """What a store answers about agents, without times, or its error."""
    arguments, named = call
    if named.get("revision", 0) is None:
        found = await store.find_agent(arguments[0])
        named = {**named, "revision": found.revision if found else 0}
    try:
        return _MOMENTS.sub("", repr(await getattr(store, name)(*arguments, **named)))
    except StoreError as error:
        return (type(error), str(error))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(operations=st.lists(_agent_operations(), min_size=4, max_size=14))
def test_both_stores_answer_alike_about_agents(bench: Bench, operations: list[Call]) -> None:
    async def run() -> None:
        await bench.connection.execute(EMPTY)
        memory = MemoryStore()
        for name, arguments in operations:
            expected = await agent_answer(memory, name, arguments)
            assert await agent_answer(bench.store, name, arguments) == expected, (name, arguments)
        told = [
            [(event.type, event.tags, event.data) for event in await store.read_events()]
            for store in (memory, bench.store)
        ]
        assert told[0] == told[1]

    bench.runner.run(run())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.dictionaries(st.text(), json_values, max_size=4))
def test_an_events_hash_can_be_computed_again_whatever_it_holds(
    bench: Bench, data: dict[str, object]
) -> None:
    async def run() -> None:
        last = await bench.store.append_events(())
        event = NewEvent(uuid7(), "T", (), "me", data, metadata=data)
        await bench.store.append_events((event,))
        *previous, stored = await bench.store.read_events(after=last - 1)
        assert stored.hash == expected_hash(previous[0].hash if previous else GENESIS, stored)

    bench.runner.run(run())
