"""The stores under test: the in-memory twin, and PostgreSQL in its newest and its oldest version at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tamma.store.memory import MemoryStore
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tests.support.postgres import Server, Servers, postgres_dsn, postgres_server, postgres_servers, session

__all__ = ["EMPTY", "KINDS", "AnyStore", "postgres_dsn", "postgres_server", "postgres_servers"]

AnyStore = MemoryStore | PostgresStore

KINDS = ["18", pytest.param("debian15", marks=pytest.mark.peers)]
EMPTY = """
SET session_replication_role = replica;  -- the event log's trigger would refuse
DELETE FROM entries;  -- TRUNCATE makes new files, which takes ten times as long
DELETE FROM leases;
DELETE FROM blobs;
DELETE FROM events;
DELETE FROM agent_versions;
DELETE FROM agents;
DELETE FROM step_metrics;
DELETE FROM run_metrics;
DELETE FROM ab_looks;
DELETE FROM ab_assignments;
DELETE FROM ab_tests;
DELETE FROM analyses;
DELETE FROM benches;
DELETE FROM suites;
DELETE FROM suite_tasks;
DELETE FROM suite_contents;
DELETE FROM spend_limits;
DELETE FROM reservations;
DELETE FROM spent_by_day;
ALTER SEQUENCE events_position_seq RESTART;
"""

_shared = pytest.StashKey[dict[Server, str]]()


async def shared_dsn(config: pytest.Config, server: Server) -> str:
    """The server's one migrated database: quicker to empty than to make anew. Its schema stays as it is."""
    names = config.stash.setdefault(_shared, {})
    if server not in names:
        names[server] = server.create_database()
        await migrate(server.dsn(names[server]))
    dsn = server.dsn(names[server])
    async with session(dsn) as connection:
        await connection.execute(EMPTY)
    return dsn


@pytest.fixture
async def dsn(request: pytest.FixtureRequest, postgres_server: Server) -> str:
    """The newest server's migrated database, emptied."""
    return await shared_dsn(request.config, postgres_server)


@pytest.fixture
async def postgres(dsn: str) -> AsyncIterator[PostgresStore]:
    """A store on `dsn`."""
    store = PostgresStore(dsn, min_size=1, max_size=10)
    await store.open()
    yield store
    await store.close()


@pytest.fixture(params=["memory", *KINDS])
async def store(request: pytest.FixtureRequest, postgres_servers: Servers) -> AsyncIterator[AnyStore]:
    """Each store in turn, empty and open."""
    if request.param == "memory":
        opened = MemoryStore()
    else:
        dsn = await shared_dsn(request.config, postgres_servers.get(request.param))
        opened = PostgresStore(dsn, min_size=1, max_size=10)
    await opened.open()
    yield opened
    await opened.close()
