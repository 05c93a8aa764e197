"""Agents and their versions: one contract, every store; and what PostgreSQL adds."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tamma.errors import StoreConflict, StoreError
from tamma.model.agent import Agent, AgentConfig, AgentId, AgentVersion, ConfigHash, Parameters, VersionState
from tamma.model.agent_json import config_hash
from tamma.model.ids import uuid7
from tamma.store.agents import Agents
from tamma.store.database import Database
from tamma.store.interface import AgentStore, EventQuery
from tamma.store.memory import MemoryStore
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tests.store.conftest import AnyStore
from tests.support.postgres import session

ONE, OTHER = AgentId("01900000-0000-7000-8000-000000000001"), AgentId("01900000-0000-7000-8000-000000000002")
CONFIG = AgentConfig("claude", prompts={"system": "Be brief.\n"}, tools=("bash", "view"))


def interface_holds() -> tuple[AgentStore, AgentStore]:
    """For the type checker."""
    return MemoryStore(), PostgresStore("", min_size=1, max_size=1)


def hot(degrees: float) -> AgentConfig:
    return replace(CONFIG, parameters=Parameters(temperature=degrees))


async def create(store: AnyStore, agent: AgentId = ONE, name: str = "reviewer") -> AgentVersion:
    return await store.create_agent(agent, name, CONFIG, author="ann", reason="to begin with")


async def find(store: AnyStore, agent: str = ONE) -> Agent:
    found = await store.find_agent(agent)
    assert found is not None
    return found


async def add(store: AnyStore, degrees: float, *, parent: int | None = None) -> AgentVersion:
    revision = (await find(store)).revision
    return await store.add_version(
        ONE, hot(degrees), parent=parent, author="bob", reason="warmer", revision=revision
    )


async def activate(store: AnyStore, number: int) -> Agent:
    revision = (await find(store)).revision
    return await store.activate(ONE, number, author="bob", reason="better", revision=revision)


async def states(store: AnyStore) -> str:
    return " ".join(version.state for version in await store.list_versions(ONE))


async def events(store: AnyStore) -> list[tuple[str, str, object, object]]:
    found = await store.read_events(EventQuery(tags=(f"agent:{ONE}",)))
    return [(event.type, event.actor, event.data.get("version"), event.data["reason"]) for event in found]


async def test_an_agent_begins_with_a_draft(store: AnyStore) -> None:
    first = await create(store)
    assert (first.number, first.state, first.author, first.reason) == (1, "draft", "ann", "to begin with")
    assert (first.config, first.hash, first.parent) == (CONFIG, config_hash(CONFIG), None)
    assert abs((first.created_at - datetime.now(UTC)).total_seconds()) < 30
    agent = await find(store, "reviewer")
    assert agent == await find(store, ONE)
    assert (agent.active, agent.latest, agent.revision, agent.deleted, agent.before) == (
        None,
        1,
        1,
        False,
        (),
    )
    assert agent.created_at == agent.updated_at == first.created_at
    assert await store.read_version(ONE, 1) == first
    assert await store.list_versions(ONE) == (first,)
    assert await store.read_config(first.hash) == CONFIG
    assert await events(store) == [("agent.created", "ann", 1, "to begin with")]


async def test_what_is_not_there_is_none(store: AnyStore) -> None:
    assert await store.find_agent("reviewer") is None
    assert await store.read_version(ONE, 1) is None
    assert await store.list_versions(ONE) == ()
    assert await store.list_agents() == ()
    assert await store.read_config(ConfigHash("sha256:0")) is None
    await create(store)
    assert [await store.read_version(ONE, number) for number in (0, -1, 2)] == [None] * 3


async def test_versions_are_added_activated_and_rolled_back(store: AnyStore) -> None:
    await create(store)
    await activate(store, 1)
    second = await add(store, 0.2, parent=1)
    assert (second.number, second.parent, second.state) == (2, 1, "draft")
    assert await states(store) == "active draft"
    agent = await activate(store, 2)
    assert (agent.active, agent.before, agent.revision) == (2, (1,), 4)
    assert agent == await find(store)
    assert await states(store) == "retired active"
    agent = await activate(store, 1)
    assert (agent.active, agent.before) == (1, ())
    assert await states(store) == "active retired"
    assert [kind for kind, *_ in await events(store)] == [
        "agent.created",
        "agent.activated",
        "agent.version_added",
        "agent.activated",
        "agent.rolled_back",
    ]
    (last,) = (await store.read_events(EventQuery(("agent.rolled_back",))))[-1:]
    assert last.data["instead_of"] == 2
    assert last.tags == (f"agent:{ONE}", f"config:{config_hash(CONFIG)}")
    assert (await store.verify_chain()).intact


async def test_a_version_that_was_undone_is_not_gone_back_to(store: AnyStore) -> None:
    await create(store)
    for degrees in (0.2, 0.3):
        await add(store, degrees)
    for number in (1, 2, 1, 3):
        agent = await activate(store, number)
    assert agent.before == (1,)
    await activate(store, 2)
    assert (await find(store)).before == (1, 3)
    assert (await activate(store, 1)).before == ()
    assert await states(store) == "active retired retired"


async def test_the_same_again_is_done_already(store: AnyStore) -> None:
    first = await create(store)
    assert await create(store) == first
    second = await add(store, 0.2)
    again = await store.add_version(ONE, hot(0.2), parent=None, author="x", reason="y", revision=1)
    assert again == second
    agent = await activate(store, 2)
    assert await store.activate(ONE, 2, author="x", reason="y", revision=1) == agent
    assert await store.rename_agent(ONE, "reviewer", revision=1) == agent
    assert await create(store) == (await store.list_versions(ONE))[0]
    await store.delete_agent(ONE, revision=agent.revision)
    await store.delete_agent(ONE, revision=1)
    assert len(await events(store)) == 4


async def test_whoever_saw_an_older_revision_is_told(store: AnyStore) -> None:
    await create(store)
    await add(store, 0.2)

    async def refused(change: Coroutine[Any, Any, object]) -> None:
        with pytest.raises(
            StoreConflict, match="is at revision 2, this change was made from revision 1"
        ) as told:
            await change
        assert "look at it again" in (told.value.hint or "")

    await refused(store.add_version(ONE, hot(0.3), parent=1, author="a", reason="r", revision=1))
    await refused(store.activate(ONE, 1, author="a", reason="r", revision=1))
    await refused(store.rename_agent(ONE, "other", revision=1))
    await refused(store.delete_agent(ONE, revision=1))
    assert (len(await events(store)), (await find(store)).revision) == (2, 2)


async def test_a_name_is_taken_once(store: AnyStore) -> None:
    await create(store)
    with pytest.raises(StoreConflict, match="there is an agent 'reviewer' already") as told:
        await create(store, OTHER)
    assert told.value.hint
    assert await store.find_agent(OTHER) is None
    await create(store, OTHER, "coder")
    with pytest.raises(StoreConflict, match="there is an agent 'reviewer' already"):
        await store.rename_agent(OTHER, "reviewer", revision=1)
    with pytest.raises(StoreConflict, match="is that of the agent 'coder'"):
        await create(store, OTHER, "third")
    assert (await store.rename_agent(OTHER, "builder", revision=1, author="ann")).name == "builder"
    assert [agent.name for agent in await store.list_agents()] == ["builder", "reviewer"]


async def test_a_deleted_agent_frees_its_name_and_keeps_its_versions(store: AnyStore) -> None:
    await create(store)
    agent = await activate(store, 1)
    await store.delete_agent(ONE, revision=agent.revision, author="eve", reason="gone")
    assert await store.find_agent("reviewer") is None
    assert await store.list_agents() == ()
    (deleted,) = await store.list_agents(deleted=True)
    assert deleted == await find(store)
    assert (deleted.deleted, deleted.active, deleted.revision) == (True, None, 3)
    assert await states(store) == "retired"
    assert await store.read_config(config_hash(CONFIG)) == CONFIG
    assert (await events(store))[-1] == ("agent.deleted", "eve", None, "gone")
    await create(store, OTHER)
    assert (await find(store, "reviewer")).agent_id == OTHER
    with pytest.raises(StoreError, match="there is no agent"):
        await store.activate(ONE, 1, author="a", reason="r", revision=3)


async def test_what_there_is_not_cannot_be_changed(store: AnyStore) -> None:
    for change in (
        store.activate(ONE, 1, author="a", reason="r", revision=0),
        store.add_version(ONE, CONFIG, parent=None, author="a", reason="r", revision=0),
        store.rename_agent(ONE, "x", revision=0),
        store.delete_agent(ONE, revision=0),
    ):
        with pytest.raises(StoreError, match="there is no agent"):
            await change
    await create(store)
    with pytest.raises(StoreError, match="has no version 2") as told:
        await store.activate(ONE, 2, author="a", reason="r", revision=1)
    assert told.value.hint == "its versions are 1 to 1"
    with pytest.raises(StoreError, match="has no version 7"):
        await store.add_version(ONE, hot(1), parent=7, author="a", reason="r", revision=1)
    with pytest.raises(StoreError, match="there is no agent"):
        await store.activate(AgentId("reviewer"), 1, author="a", reason="r", revision=1)


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b"])
async def test_what_cannot_be_stored_is_refused(store: AnyStore, bad: str) -> None:
    for config in (
        replace(CONFIG, prompts={"system": bad}),
        replace(CONFIG, prompts={bad: "x"}),
        replace(CONFIG, tools=(bad,)),
        replace(CONFIG, model=bad),
    ):
        with pytest.raises(StoreError):
            await store.create_agent(ONE, "a", config, author="a", reason="r")
    with pytest.raises(StoreError):
        await store.create_agent(ONE, bad, CONFIG, author="a", reason="r")
    with pytest.raises(StoreError):
        await store.create_agent(ONE, "a", CONFIG, author=bad, reason="r")
    with pytest.raises(StoreError):
        await store.find_agent(bad)
    assert await store.list_agents(deleted=True) == ()
    assert await store.read_events() == ()


async def test_what_could_not_be_read_again_is_not_stored(store: AnyStore) -> None:
    wrong: Any = 5.0
    config = replace(CONFIG, parameters=Parameters(max_tokens=wrong))
    with pytest.raises(StoreError, match="could not be read again"):
        await store.create_agent(ONE, "a", config, author="a", reason="r")
    assert await store.list_agents() == ()


async def test_a_stored_version_is_nobody_s_to_change(store: AnyStore) -> None:
    prompts = {"system": "a"}
    first = await store.create_agent(ONE, "a", replace(CONFIG, prompts=prompts), author="a", reason="r")
    prompts["system"] = "b"
    stored = await store.read_version(ONE, 1)
    assert stored is not None
    assert stored == first
    assert stored.config.prompts == {"system": "a"}


# --- races


async def outcomes(*changes: Coroutine[Any, Any, object]) -> tuple[int, int]:
    """How many succeeded, and how many were told that somebody was quicker."""
    done = await asyncio.gather(*changes, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException):
            assert isinstance(each, StoreConflict), each
            assert "revision" in str(each)
            assert each.hint
    lost = sum(isinstance(each, StoreConflict) for each in done)
    return len(done) - lost, lost


async def test_of_racing_edits_one_wins(store: AnyStore) -> None:
    await create(store)
    edits = (
        store.add_version(ONE, hot(n), parent=1, author=f"{n}", reason="r", revision=1) for n in range(20)
    )
    assert await outcomes(*edits) == (1, 19)
    _, second = await store.list_versions(ONE)
    assert second.hash == config_hash(hot(float(second.author)))
    assert len(await events(store)) == 2


async def test_of_racing_activations_one_wins(store: AnyStore) -> None:
    await create(store)
    for n in range(2, 12):
        await add(store, n)
    race = (store.activate(ONE, n, author="a", reason="r", revision=11) for n in range(1, 12))
    assert await outcomes(*race) == (1, 10)
    versions = await store.list_versions(ONE)
    (active,) = [version.number for version in versions if version.state is VersionState.ACTIVE]
    agent = await find(store)
    assert (agent.active, agent.revision) == (active, 12)
    assert len(await store.read_events(EventQuery(("agent.activated",)))) == 1


async def test_of_an_edit_an_activation_and_a_deletion_at_once_one_wins(store: AnyStore) -> None:
    await create(store)
    race = (
        store.activate(ONE, 1, author="a", reason="r", revision=1),
        store.add_version(ONE, hot(1), parent=1, author="a", reason="r", revision=1),
        store.rename_agent(ONE, "other", revision=1),
    )
    assert await outcomes(*race) == (1, 2)
    assert (await find(store)).revision == 2


async def test_one_creation_asked_for_many_times_at_once_is_one(store: AnyStore) -> None:
    versions = await asyncio.gather(*(create(store) for _ in range(20)))
    assert len(set(map(repr, versions))) == 1
    assert len(await events(store)) == 1


async def test_of_two_agents_that_want_one_name_one_gets_it(store: AnyStore) -> None:
    ids = [AgentId(uuid7()) for _ in range(10)]
    done = await asyncio.gather(*(create(store, each) for each in ids), return_exceptions=True)
    assert sum(isinstance(each, AgentVersion) for each in done) == 1
    assert sum(isinstance(each, StoreConflict) and "already" in str(each) for each in done) == 9
    assert len(await store.list_agents(deleted=True)) == 1


# --- PostgreSQL alone


@pytest.mark.parametrize(
    "statement",
    [
        'UPDATE agent_versions SET config = config || \'{"provider": "x"}\'',
        "UPDATE agent_versions SET reason = 'another', state = 'active'",
        "UPDATE agent_versions SET created_at = created_at + interval '1 second'",
        "UPDATE agent_versions SET state = 'draft' WHERE number = 1",
        "DELETE FROM agent_versions",
        "TRUNCATE agent_versions",
        "DELETE FROM agents",
    ],
)
async def test_the_database_itself_keeps_versions_as_they_are(
    postgres: PostgresStore, dsn: str, statement: str
) -> None:
    await create(postgres)
    await activate(postgres, 1)
    before = await postgres.list_versions(ONE)
    async with session(dsn) as connection:
        with pytest.raises(Exception, match=r"never change|violates foreign key"):
            await connection.execute(statement)
    assert await postgres.list_versions(ONE) == before


async def test_the_database_itself_has_one_active_version_at_most(postgres: PostgresStore, dsn: str) -> None:
    await create(postgres)
    await add(postgres, 0.2)
    await activate(postgres, 1)
    async with session(dsn) as connection:
        with pytest.raises(Exception, match="agent_versions_active"):
            await connection.execute("UPDATE agent_versions SET state = 'active' WHERE number = 2")


async def test_a_statement_repeated_after_its_answer_was_lost_is_one_change(
    postgres: PostgresStore, dsn: str
) -> None:
    """The pool repeats a statement whose connection broke, and the first one may have been carried out."""
    done: list[object] = []

    class Twice(Database):
        async def fetch(self, query: str, *args: object, **options: Any) -> Any:
            if "change_agent" in query:
                done.append(await super().fetch(query, *args, **options))
            return await super().fetch(query, *args, **options)

    database = Twice(dsn, min_size=1, max_size=1)
    await database.open()
    agents = Agents(database)
    await agents.create_agent(ONE, "a", CONFIG, author="a", reason="r")
    await agents.add_version(ONE, hot(1), parent=1, author="a", reason="r", revision=1)
    agent = await agents.activate(ONE, 2, author="a", reason="r", revision=2)
    await database.close()
    assert (len(done), agent.revision, agent.active) == (3, 3, 2)
    stored = await find(postgres)
    assert replace(stored, updated_at=agent.updated_at) == agent
    assert len(await events(postgres)) == 3


async def test_a_change_that_fails_leaves_neither_itself_nor_its_event(
    postgres: PostgresStore, postgres_dsn: str
) -> None:
    await migrate(postgres_dsn)
    async with session(postgres_dsn) as connection:
        await connection.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no room'; END; $$;"
            "CREATE TRIGGER full_disk BEFORE INSERT ON events EXECUTE FUNCTION full_disk()"
        )
    store = PostgresStore(postgres_dsn, min_size=1, max_size=1)
    await store.open()
    with pytest.raises(StoreError, match="no room"):
        await create(store)
    assert await store.list_agents(deleted=True) == ()
    await store.close()


async def test_a_configuration_that_reads_as_another_is_not_handed_out(
    postgres: PostgresStore, dsn: str
) -> None:
    """As one would that a newer version of the program wrote, with a field that this one does not know."""
    await create(postgres)
    async with session(dsn) as connection:
        await connection.execute(
            "SET session_replication_role = replica;"
            'UPDATE agent_versions SET config = config || \'{"provider": "other"}\''
        )
    with pytest.raises(StoreError, match="reads as another one") as told:
        await postgres.read_version(ONE, 1)
    assert "newer version" in (told.value.hint or "")
