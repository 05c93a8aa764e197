"""The schema's versions: numbered SQL files, applied up and down.

Each migration runs in a transaction of its own, under one lock: ten processes that start at once apply each
migration once. What was applied is recorded with its checksum, and a file that changed since is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Protocol

from tamma.errors import ConfigError, StoreError
from tamma.store.database import Connection, Row, check_schema_name, connect
from tamma.store.failures import translate

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.(up|down)\.sql")
_LOCK = "SELECT pg_advisory_xact_lock(1952542061, 2)"
_TABLE = """
CREATE TABLE IF NOT EXISTS tamma_schema (
    version    integer     PRIMARY KEY,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)"""
_EXISTS = "SELECT to_regclass('tamma_schema') IS NOT NULL AS there"
_APPLIED = "SELECT version, name, checksum, applied_at FROM tamma_schema ORDER BY version"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema, there and back."""

    version: int
    name: str
    up: str
    down: str

    @property
    def checksum(self) -> str:
        """sha256 of the way up."""
        return hashlib.sha256(self.up.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    """A row of `tamma_schema`."""

    version: int
    name: str
    checksum: str
    applied_at: datetime


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """Where a database stands."""

    applied: tuple[Applied, ...]
    pending: tuple[Migration, ...]
    problem: str = ""
    """Why nothing can be applied or undone here, `""` where it can."""

    @property
    def version(self) -> int:
        """The last version applied, 0 for none."""
        return self.applied[-1].version if self.applied else 0


class Reader(Protocol):
    """What `read_version` needs of a connection or a pool."""

    async def fetch(self, query: str) -> Sequence[Row]: ...


# --- what there is -------------------------------------------------------------------------------


@cache
def shipped() -> tuple[Migration, ...]:
    """The migrations that belong to this version of the program, in order."""
    return load(files("tamma.store") / "migrations")


def load(folder: Traversable) -> tuple[Migration, ...]:
    """The migrations in a folder. Raises ConfigError unless they count up from 1, each with both ways."""
    found: dict[tuple[int, str], dict[str, str]] = {}
    for file in folder.iterdir():
        if match := _FILE.fullmatch(file.name):
            key = (int(match[1]), match[2])
            # Line ends must not change a checksum, whatever a checkout made of them.
            text = file.read_bytes().decode().replace("\r\n", "\n")
            found.setdefault(key, {})[match[3]] = text
    migrations: list[Migration] = []
    for expected, ((version, name), ways) in enumerate(sorted(found.items()), 1):
        if version != expected or ways.keys() != {"up", "down"}:
            raise ConfigError(
                f"migration {version:04}_{name} is out of line: {sorted(ways)}, due {expected:04}"
            )
        migrations.append(Migration(version, name, ways["up"], ways["down"]))
    return tuple(migrations)


def find_problem(applied: Sequence[Applied], migrations: Sequence[Migration]) -> StoreError | None:
    """Why a database that had `applied` cannot be worked on with `migrations`; None where it can."""
    if applied and applied[-1].version > len(migrations):
        return StoreError(
            f"the schema is of version {applied[-1].version}, this program knows {len(migrations)}",
            hint="a newer tamma has migrated it: update this installation",
        )
    for expected, (done, migration) in enumerate(zip(applied, migrations, strict=False), 1):
        if done.version != expected:
            return StoreError(
                f"the database lacks migration {expected:04}, but has {done.version:04}_{done.name}",
                hint="tamma_schema was edited by hand: restore it from a backup",
            )
        if done.checksum != migration.checksum:
            return StoreError(
                f"migration {done.version:04}_{done.name} was changed after it was applied "
                f"({done.checksum[:12]} then, {migration.checksum[:12]} now)",
                hint="put its file back as it was, and write the change as a new migration",
            )
    return None


# --- what is done --------------------------------------------------------------------------------


async def migrate(
    where: str | Connection,
    target: int | None = None,
    *,
    schema: str | None = None,
    migrations: Sequence[Migration] | None = None,
) -> tuple[int, ...]:
    """Bring the schema up to `target`, by default the newest; returns the versions that this call applied.

    `where` is a connection string or a connection outside a transaction. `schema` is created if need be.
    Raises StoreUnavailable; StoreError where the database is newer or an applied migration was changed;
    ConfigError for a target that there is not.
    """
    known = shipped() if migrations is None else migrations
    goal = len(known) if target is None else target
    if not 0 <= goal <= len(known):
        raise ConfigError(f"there is no schema version {goal}", hint=f"versions go from 0 to {len(known)}")
    done: list[int] = []
    async with _connection(where) as connection:
        while True:
            async with _step(connection, schema) as applied:
                _refuse(applied, known)
                if len(applied) >= goal:
                    return tuple(done)
                migration = known[len(applied)]
                await connection.execute(migration.up)
                await connection.execute(
                    "INSERT INTO tamma_schema (version, name, checksum) VALUES ($1, $2, $3)",
                    migration.version,
                    migration.name,
                    migration.checksum,
                )
            done.append(migration.version)


async def rollback(
    where: str | Connection,
    steps: int = 1,
    *,
    schema: str | None = None,
    migrations: Sequence[Migration] | None = None,
) -> tuple[int, ...]:
    """Undo the last `steps` migrations, **with the data in their tables**; returns the versions undone.

    Raises as `migrate` does.
    """
    known = shipped() if migrations is None else migrations
    if steps < 0:
        raise ConfigError(f"{steps} steps cannot be undone", hint="give a number of 0 or more")
    done: list[int] = []
    async with _connection(where) as connection:
        while len(done) < steps:
            async with _step(connection, schema) as applied:
                _refuse(applied, known)
                if not applied:
                    break
                migration = known[len(applied) - 1]
                await connection.execute(migration.down)
                await connection.execute("DELETE FROM tamma_schema WHERE version = $1", migration.version)
            done.append(migration.version)
    return tuple(done)


async def status(
    where: str | Connection,
    *,
    schema: str | None = None,
    migrations: Sequence[Migration] | None = None,
) -> SchemaStatus:
    """Where the database stands; changes nothing. Raises StoreUnavailable."""
    known = shipped() if migrations is None else migrations
    async with _connection(where) as connection, connection.transaction():
        await _enter_schema(connection, schema)
        applied = await _read_applied(connection)
    problem = find_problem(applied, known)
    pending = () if problem else tuple(known[len(applied) :])
    return SchemaStatus(applied, pending, str(problem) if problem else "")


async def read_version(reader: Reader) -> int:
    """The schema's version, 0 where there is none."""
    applied = await _read_applied(reader)
    return applied[-1].version if applied else 0


# --- how -----------------------------------------------------------------------------------------


@asynccontextmanager
async def _connection(where: str | Connection) -> AsyncGenerator[Connection]:
    connection = await connect(where) if isinstance(where, str) else where
    try:
        yield connection
    except Exception as error:
        if (failure := translate(error, "the database")) is None:
            raise
        raise failure from error
    finally:
        if isinstance(where, str):
            await connection.close()


@asynccontextmanager
async def _step(connection: Connection, schema: str | None) -> AsyncGenerator[tuple[Applied, ...]]:
    """A transaction that holds the lock; gives what was applied before it."""
    async with connection.transaction():
        await connection.execute(_LOCK)
        if schema is not None:
            check_schema_name(schema)
            await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        await _enter_schema(connection, schema)
        await connection.execute(_TABLE)
        yield await _read_applied(connection)


async def _enter_schema(connection: Connection, schema: str | None) -> None:
    check_schema_name(schema)
    if schema is not None:
        await connection.execute(f'SET LOCAL search_path TO "{schema}"')


async def _read_applied(reader: Reader) -> tuple[Applied, ...]:
    if not (await reader.fetch(_EXISTS))[0]["there"]:
        return ()
    rows = await reader.fetch(_APPLIED)
    return tuple(Applied(row["version"], row["name"], row["checksum"], row["applied_at"]) for row in rows)


def _refuse(applied: Sequence[Applied], known: Sequence[Migration]) -> None:
    if problem := find_problem(applied, known):
        raise problem
