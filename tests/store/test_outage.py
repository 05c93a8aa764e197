"""The server dies, restarts, refuses or hangs while a pool is open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tamma.errors import ConfigError, StoreUnavailable, TammaError
from tamma.model.conversation import user
from tamma.model.ids import SessionId
from tamma.store.interface import Entry
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tests.support.postgres import Server, binaries, session

SESSION = SessionId("s/agent")
POOL = 5


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """One that may be killed."""
    folder = binaries("18")
    if folder is None:
        pytest.skip("the wheel with PostgreSQL is not installed")
    server = Server(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def store(own_server: Server) -> AsyncIterator[PostgresStore]:
    """A store whose pool holds `POOL` live connections."""
    dsn = own_server.dsn(own_server.create_database())
    await migrate(dsn)
    store = PostgresStore(dsn, min_size=POOL, max_size=POOL)
    await store.open()
    yield store
    await store.close()


async def append(store: PostgresStore, seq: int) -> None:
    await store.append_entries(SESSION, (Entry(seq, user(f"entry {seq}")),))


async def test_a_restart_between_two_calls_is_not_noticed(own_server: Server, store: PostgresStore) -> None:
    await append(store, 0)
    own_server.kill()
    own_server.start()
    await append(store, 1)
    assert len(await store.read_entries(SESSION)) == 2
    own_server.kill()
    own_server.start()
    await asyncio.gather(*(store.acquire_lease(SESSION, 2) for _ in range(3 * POOL)))


async def test_while_the_server_is_away_calls_fail_with_a_hint_and_then_work_again(
    own_server: Server, store: PostgresStore
) -> None:
    await append(store, 0)
    own_server.kill()
    try:
        for _ in range(3):
            with pytest.raises(StoreUnavailable) as caught:
                await append(store, 1)
            assert caught.value.hint
            assert caught.value.may_retry
        with pytest.raises(StoreUnavailable):
            await store.health()
    finally:
        own_server.start()
    await append(store, 1)
    assert [entry.seq for entry in await store.read_entries(SESSION)] == [0, 1]


async def test_what_was_acknowledged_survives_a_kill_in_the_middle(
    own_server: Server, store: PostgresStore
) -> None:
    acknowledged: dict[int, int] = {}
    well_under_way = asyncio.Event()

    async def write(writer: int) -> None:
        seq = 0
        while True:
            session = SessionId(f"writer {writer}")
            try:
                await store.append_entries(session, (Entry(seq, user(str(seq))),))
            except StoreUnavailable:
                return
            acknowledged[writer] = seq
            seq += 1
            if len(acknowledged) == POOL and sum(acknowledged.values()) > 50:
                well_under_way.set()

    writers = [asyncio.create_task(write(writer)) for writer in range(POOL)]
    async with asyncio.timeout(120):
        await well_under_way.wait()
    await asyncio.to_thread(own_server.kill)
    await asyncio.gather(*writers)
    own_server.start()
    assert len(acknowledged) == POOL
    for writer, last in acknowledged.items():
        entries = await store.read_entries(SessionId(f"writer {writer}"))
        # One more may have been written whose acknowledgement was lost.
        assert [entry.seq for entry in entries][: last + 1] == list(range(last + 1))
        assert len(entries) <= last + 2


async def test_connections_cut_by_an_administrator_are_replaced(
    own_server: Server, store: PostgresStore
) -> None:
    for _ in range(3):
        await append(store, 0)
        own_server.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tamma'"
        )
        await asyncio.gather(*(append(store, 0) for _ in range(3 * POOL)))


async def test_a_statement_that_hangs_is_given_up(own_server: Server) -> None:
    dsn = own_server.dsn(own_server.create_database())
    await migrate(dsn)
    store = PostgresStore(dsn, min_size=1, max_size=1, timeout=0.2)
    await store.open()
    async with session(dsn) as blocker, blocker.transaction():
        await blocker.execute("LOCK TABLE entries")
        with pytest.raises(StoreUnavailable, match="in time"):
            await append(store, 0)
    await append(store, 0)
    await store.close()


async def test_too_many_connections_say_what_to_do(own_server: Server) -> None:
    dsn = own_server.dsn(own_server.create_database())
    own_server.sql("CREATE ROLE guest LOGIN CONNECTION LIMIT 1")
    guest = dsn.replace("tamma@", "guest@")
    store = PostgresStore(guest, min_size=1, max_size=2)
    async with session(guest):
        with pytest.raises(StoreUnavailable, match="no more connections") as caught:
            await store.open()
    assert "max_connections" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("dsn", "error"),
    [
        ("postgresql://u:s3cret@127.0.0.1:1/d", StoreUnavailable),
        ("postgresql://u:s3cret@127.0.0.1:s3cret/d", ConfigError),
        ("postgresql://u:s3cret@127.0.0.1:1/d?sslmode=s3cret", ConfigError),
        ("mysql://u:s3cret@127.0.0.1/d", ConfigError),
        ("host=127.0.0.1 password=s3cret", ConfigError),
        ("postgresql://u@/d?host=/nowhere&password=s3cret", StoreUnavailable),
        ("postgresql://tamma:s3cret@{address}/absent", ConfigError),
        ("postgresql://absent:s3cret@{address}/postgres", ConfigError),
    ],
)
async def test_no_error_shows_the_password(own_server: Server, dsn: str, error: type[TammaError]) -> None:
    dsn = dsn.replace("{address}", own_server.address)
    store = PostgresStore(dsn, min_size=1, max_size=1)
    for attempt in (store.open, lambda: migrate(dsn)):
        with pytest.raises(error) as caught:
            await attempt()
        assert "s3cret" not in f"{caught.value} {caught.value.hint} {store!r} {caught.value.__cause__}"
        assert caught.value.hint
