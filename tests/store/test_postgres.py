"""What PostgreSQL alone has: locks seen from outside, notifications, schemas, versions."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from tamma.errors import ConfigError, StoreError, StoreUnavailable, Superseded
from tamma.model.conversation import user
from tamma.model.ids import SessionId
from tamma.store.database import Database
from tamma.store.interface import Entry, Store
from tamma.store.memory import MemoryStore
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tamma.store.transcripts import Transcripts
from tests.support.postgres import Server, session

SESSION = SessionId("s/agent")
WAITERS = """
SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
WHERE NOT granted AND datname = current_database()
"""


def interface_holds() -> tuple[Store, Store]:
    """For the type checker: both stores are stores."""
    return MemoryStore(), PostgresStore("", min_size=1, max_size=1)


async def waiting(connection: Any) -> None:
    """Until some session waits for a lock of this database."""
    async with asyncio.timeout(120):
        # The server has no event for it, so it is asked again and again.
        while not await connection.fetchval(WAITERS):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_an_append_waits_for_a_lease_being_taken_and_then_gives_way(
    postgres: PostgresStore, dsn: str
) -> None:
    first = await postgres.acquire_lease(SESSION, 0)
    async with session(dsn) as other, session(dsn) as watcher:
        transaction = other.transaction()
        await transaction.start()
        assert await other.fetchval("SELECT acquire_lease($1, 0)", SESSION) == 2
        append = asyncio.create_task(postgres.append_entries(SESSION, (Entry(0, user("late")),), lease=first))
        await waiting(watcher)
        assert not append.done()
        await transaction.commit()
        with pytest.raises(Superseded):
            await append
    assert await postgres.read_entries(SESSION) == ()


async def test_a_stricter_isolation_level_of_the_server_does_not_break_the_fence(
    postgres_server: Server, postgres_dsn: str
) -> None:
    await migrate(postgres_dsn)
    database = postgres_dsn.rpartition("/")[2]
    postgres_server.sql(f"ALTER DATABASE {database} SET default_transaction_isolation = 'repeatable read'")
    store = PostgresStore(postgres_dsn, min_size=1, max_size=4)
    await store.open()
    await test_an_append_waits_for_a_lease_being_taken_and_then_gives_way(store, postgres_dsn)
    await store.close()


async def test_watchers_are_notified_of_new_entries_only(postgres: PostgresStore, dsn: str) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    def hear(_connection: object, _pid: int, _channel: str, payload: str) -> None:
        heard.put_nowait(payload)

    entry = Entry(0, user("hello"))
    async with session(dsn) as listener, asyncio.timeout(120):
        await listener.add_listener("tamma_entries", hear)
        await postgres.append_entries(SESSION, (entry,))
        await postgres.append_entries(SESSION, (entry,))
        await postgres.append_entries(SessionId("t/agent"), (entry,))
        assert [await heard.get(), await heard.get()] == [SESSION, "t/agent"]


async def test_hot_calls_are_prepared_once_for_each_connection(dsn: str) -> None:
    database = Database(dsn, min_size=1, max_size=1)
    await database.open()
    transcripts = Transcripts(database)
    for seq in range(3):
        lease = await transcripts.acquire_lease(SESSION, seq)
        await transcripts.append_entries(SESSION, (Entry(seq, user("x")),), lease=lease)
        await transcripts.read_entries(SESSION, after=seq)
    rows = await database.fetch(
        "SELECT generic_plans + custom_plans AS runs FROM pg_prepared_statements"
        " WHERE statement ~ 'acquire_lease|append_entries|FROM entries' AND statement !~ 'pg_prepared'"
    )
    assert [row["runs"] for row in rows] == [3, 3, 3]
    await database.close()


async def test_two_schemas_in_one_database_are_two_stores(postgres_dsn: str) -> None:
    stores: list[PostgresStore] = []
    for schema in ("one", "user"):
        await migrate(postgres_dsn, schema=schema)
        stores.append(PostgresStore(postgres_dsn, min_size=1, max_size=2, schema=schema))
        await stores[-1].open()
    await stores[0].append_entries(SESSION, (Entry(0, user("hello")),))
    assert len(await stores[0].read_entries(SESSION)) == 1
    assert await stores[1].read_entries(SESSION) == ()
    for store in stores:
        await store.close()


async def test_opening_checks_the_schema(postgres_dsn: str) -> None:
    store = PostgresStore(postgres_dsn, min_size=1, max_size=2)
    with pytest.raises(StoreError, match=r"version 0, this program needs \d+") as caught:
        await store.open()
    assert caught.value.hint == "run `tamma db migrate`"
    await migrate(postgres_dsn)
    await store.open()
    assert (await store.health()).startswith("PostgreSQL 1")
    async with session(postgres_dsn) as connection:
        await connection.execute("INSERT INTO tamma_schema (version, name, checksum) VALUES (9999, 'x', '')")
    await store.close()
    with pytest.raises(StoreError, match="version 9999") as caught:
        await store.open()
    assert "update" in (caught.value.hint or "")


async def test_opening_twice_and_closing_twice_is_fine(dsn: str) -> None:
    store = PostgresStore(dsn, min_size=1, max_size=2)
    await asyncio.gather(store.open(), store.open())
    await store.open()
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable, match="is not open"):
        await store.read_entries(SESSION)
    await store.open()
    assert await store.read_entries(SESSION) == ()
    await store.close()


@pytest.mark.parametrize(("smallest", "largest"), [(-1, 1), (0, 0), (3, 2)])
def test_a_pool_of_no_sense_is_refused(smallest: int, largest: int) -> None:
    with pytest.raises(ConfigError, match="makes no sense"):
        PostgresStore("postgresql://h/d", min_size=smallest, max_size=largest)


@pytest.mark.parametrize("schema", ["", "a b", 'a"b', "Tamma", "1a", "a;drop"])
def test_a_schema_name_that_would_need_quoting_is_refused(schema: str) -> None:
    with pytest.raises(ConfigError, match="schema's name"):
        PostgresStore("postgresql://h/d", min_size=1, max_size=1, schema=schema)


def test_importing_the_store_loads_neither_driver_nor_pydantic() -> None:
    """The command line imports it to say what there is; both cost more than all the rest."""
    program = (
        "import sys, tamma.store.postgres, tamma.store.memory;"
        "sys.exit(', '.join({'asyncpg', 'pydantic'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")
