"""Migrations, on the newest and the oldest server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tamma.errors import ConfigError, StoreError
from tamma.store.migrate import Migration, load, migrate, rollback, shipped, status
from tests.store.conftest import KINDS
from tests.support.postgres import Servers, session

STEPS = tuple(
    Migration(n, f"step{n}", f"CREATE TABLE step{n} (id int)", f"DROP TABLE step{n}") for n in (1, 2, 3)
)


@pytest.fixture
def dsn(request: pytest.FixtureRequest, postgres_servers: Servers) -> str:
    """An empty database, on the newest server unless a test asks for more."""
    server = postgres_servers.get(getattr(request, "param", "18"))
    return server.dsn(server.create_database())


on_each_server = pytest.mark.parametrize("dsn", KINDS, indirect=True)


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[Any]:
    async with session(dsn) as connection:
        yield connection


async def objects(connection: Any) -> set[str]:
    """Tables, indexes, sequences, constraints, triggers and functions, with their definitions."""
    rows = await connection.fetch(
        """
        SELECT format('%s %s', relkind, relname) AS name FROM pg_class
        WHERE relnamespace = 'public'::regnamespace
        UNION SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE relnamespace = 'public'::regnamespace
        UNION SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal  -- named by number
        UNION SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
        UNION SELECT format('%s.%s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod))
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0
        """
    )
    return {row["name"] for row in rows}


@on_each_server
async def test_up_down_and_up_again_give_the_same(dsn: str, connection: Any) -> None:
    versions = tuple(migration.version for migration in shipped())
    assert await migrate(dsn) == versions
    up = await objects(connection)
    assert await migrate(dsn) == ()
    assert await rollback(dsn, len(versions)) == versions[::-1]
    assert {name for name in await objects(connection) if "tamma_schema" not in name} == set()
    assert await migrate(connection) == versions
    assert await objects(connection) == up


async def test_steps_one_by_one(dsn: str) -> None:
    assert await migrate(dsn, 2, migrations=STEPS) == (1, 2)
    assert await migrate(dsn, 1, migrations=STEPS) == ()
    where = await status(dsn, migrations=STEPS)
    assert (where.version, where.pending, where.problem) == (2, STEPS[2:], "")
    assert [done.name for done in where.applied] == ["step1", "step2"]
    assert await rollback(dsn, migrations=STEPS) == (2,)
    assert await migrate(dsn, migrations=STEPS) == (2, 3)
    assert await rollback(dsn, 99, migrations=STEPS) == (3, 2, 1)
    assert (await status(dsn, migrations=STEPS)).version == 0


async def test_looking_changes_nothing(dsn: str, connection: Any) -> None:
    assert (await status(dsn)).applied == ()
    assert await objects(connection) == set()


async def test_ten_at_once_apply_each_once(dsn: str) -> None:
    done = await asyncio.gather(*(migrate(dsn, migrations=STEPS) for _ in range(10)))
    assert sorted(version for versions in done for version in versions) == [1, 2, 3]


@on_each_server
async def test_ten_at_once_bring_the_real_schema(dsn: str) -> None:
    done = await asyncio.gather(*(migrate(dsn, schema="tamma") for _ in range(10)))
    assert sum(len(versions) for versions in done) == len(shipped())


async def test_a_changed_migration_is_refused(dsn: str) -> None:
    await migrate(dsn, 2, migrations=STEPS)
    changed = (STEPS[0], replace(STEPS[1], up=STEPS[1].up + " "), STEPS[2])
    for refused in (migrate(dsn, migrations=changed), rollback(dsn, migrations=changed)):
        with pytest.raises(StoreError, match="0002_step2 was changed after it was applied") as caught:
            await refused
        assert caught.value.hint
    assert "was changed" in (await status(dsn, migrations=changed)).problem
    assert (await status(dsn, migrations=STEPS)).version == 2


async def test_a_checksum_edited_in_the_database_is_refused(dsn: str, connection: Any) -> None:
    await migrate(dsn)
    await connection.execute("UPDATE tamma_schema SET checksum = 'x'")
    with pytest.raises(StoreError, match="was changed after it was applied"):
        await migrate(dsn)


async def test_a_newer_database_is_refused(dsn: str) -> None:
    await migrate(dsn, migrations=STEPS)
    for refused in (migrate(dsn, migrations=STEPS[:2]), rollback(dsn, migrations=STEPS[:2])):
        with pytest.raises(StoreError, match="version 3, this program knows 2") as caught:
            await refused
        assert "update" in (caught.value.hint or "")


async def test_a_missing_row_is_refused(dsn: str, connection: Any) -> None:
    await migrate(dsn, 2, migrations=STEPS)
    await connection.execute("DELETE FROM tamma_schema WHERE version = 1")
    with pytest.raises(StoreError, match="lacks migration 0001"):
        await migrate(dsn, migrations=STEPS)


async def test_a_migration_that_fails_leaves_nothing_of_itself(dsn: str, connection: Any) -> None:
    broken = (STEPS[0], replace(STEPS[1], up="CREATE TABLE half (id int); SELECT 1/0"))
    with pytest.raises(StoreError, match="division by zero"):
        await migrate(dsn, migrations=broken)
    assert (await status(dsn, migrations=broken)).version == 1
    assert not any("half" in name for name in await objects(connection))
    assert await migrate(dsn, migrations=STEPS) == (2, 3)


@pytest.mark.parametrize("target", [-1, 4])
async def test_a_target_that_there_is_not_is_refused(dsn: str, target: int) -> None:
    with pytest.raises(ConfigError, match="no schema version"):
        await migrate(dsn, target, migrations=STEPS)


def test_line_ends_do_not_change_a_checksum(tmp_path: Path) -> None:
    folders = [tmp_path / "unix", tmp_path / "windows"]
    for folder, end in zip(folders, (b"\n", b"\r\n"), strict=True):
        folder.mkdir()
        (folder / "0001_a.up.sql").write_bytes(b"SELECT 1;" + end)
        (folder / "0001_a.down.sql").write_bytes(b"SELECT 2;" + end)
    unix, windows = (load(folder)[0] for folder in folders)
    assert unix.checksum == windows.checksum


@pytest.mark.parametrize(
    "files", [["0002_a.up.sql", "0002_a.down.sql"], ["0001_a.up.sql"], ["0001_a.up.sql", "0001_b.down.sql"]]
)
def test_files_out_of_line_are_refused(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(ConfigError, match="out of line"):
        load(tmp_path)
