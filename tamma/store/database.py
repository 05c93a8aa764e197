"""Connections to PostgreSQL: the pool, its failures, its retry.

The only module that imports the driver, and does so when a connection is first made.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from importlib import import_module
from types import MappingProxyType
from typing import Any, Protocol

from tamma.errors import ConfigError, StoreError, StoreUnavailable
from tamma.store.failures import connection_broke, describe, translate, translate_connecting

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 30.0
OLDEST_SERVER = 15
"""The oldest major version that the tests run on."""

_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
_SET_LOCAL = "SELECT set_config(s.name, s.value, true) FROM unnest($1::text[], $2::text[]) AS s (name, value)"

Row = Mapping[str, Any]


class Connection(Protocol):
    """What is used of the driver's connection."""

    async def execute(self, query: str, *args: object) -> str: ...
    async def fetch(self, query: str, *args: object) -> Sequence[Row]: ...
    async def fetchrow(self, query: str, *args: object) -> Row | None: ...
    async def fetchval(self, query: str, *args: object) -> Any: ...
    def transaction(self) -> AbstractAsyncContextManager[object]: ...
    async def close(self) -> None: ...


def check_schema_name(schema: str | None) -> None:
    """Raises ConfigError unless `schema` is None or a plain lower-case name."""
    if schema is not None and not _SCHEMA_NAME.fullmatch(schema):
        raise ConfigError(
            f"{schema!r} cannot be a schema's name",
            hint="use lower-case letters, digits and underscores, at most 63, not starting with a digit",
        )


async def connect(dsn: str) -> Connection:
    """One connection outside any pool. Raises StoreUnavailable or ConfigError."""
    try:
        return await _driver().connect(dsn, **_connect_options(None))
    except Exception as error:
        # `from None`: the driver's own complaint about a connection string quotes it, password and all.
        if (failure := translate_connecting(error, describe(dsn))) is None:
            raise
        raise failure from None


class Database:
    """A pool of connections to one database. A statement whose connection broke is repeated on another one.

    That is right because every statement of the store is idempotent on its key, or (a lease) safe to repeat.
    """

    def __init__(
        self,
        dsn: str,
        *,
        min_size: int,
        max_size: int,
        schema: str | None = None,
        timeout: float = COMMAND_SECONDS,
    ) -> None:
        check_schema_name(schema)
        if not 0 <= min_size <= max_size or max_size < 1:
            raise ConfigError(
                f"a pool of {min_size} to {max_size} connections makes no sense",
                hint="the smallest size is 0 or more, the largest 1 or more and not below the smallest",
            )
        self._dsn = dsn
        self._sizes = (min_size, max_size)
        self._schema = schema
        self._timeout = timeout
        self._pool: Any = None
        self._opening = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Database {self.name}>"

    @property
    def name(self) -> str:
        """What may be shown of the connection string."""
        return describe(self._dsn)

    @property
    def schema(self) -> str | None:
        return self._schema

    async def open(self) -> bool:
        """Fill the pool; False if that was done already. Raises StoreUnavailable or ConfigError."""
        async with self._opening:
            if self._pool is not None:
                return False
            min_size, max_size = self._sizes
            try:
                pool = await _driver().create_pool(
                    self._dsn,
                    min_size=min_size,
                    max_size=max_size,
                    command_timeout=self._timeout,
                    reset=_keep_session,
                    **_connect_options(self._schema),
                )
                async with pool.acquire(timeout=CONNECT_SECONDS) as connection:
                    version: int = connection.get_server_version().major
            except Exception as error:
                if (failure := translate_connecting(error, self.name)) is None:
                    raise
                raise failure from None
            if version < OLDEST_SERVER:
                await pool.close()
                raise StoreError(
                    f"{self.name} is PostgreSQL {version}", hint=f"use version {OLDEST_SERVER} or newer"
                )
            self._pool = pool
            return True

    async def close(self) -> None:
        """Return the connections; those that do not close in time are cut. Idempotent."""
        async with self._opening:
            pool, self._pool = self._pool, None
            if pool is None:
                return
            try:
                await asyncio.wait_for(pool.close(), CONNECT_SECONDS)
            except TimeoutError:
                pool.terminate()

    async def fetch(
        self,
        query: str,
        *args: object,
        timeout: float | None = None,
        settings: Mapping[str, str] = _NO_SETTINGS,
    ) -> Sequence[Row]:
        """Rows of one statement. `timeout` in seconds, where it should differ from the pool's; `settings` are
        the server's, for this statement alone.

        Raises StoreUnavailable, StoreError.
        """
        try:
            # After the server went away every idle connection may be dead, and each is found out by its use.
            for _ in range(self._sizes[1]):
                with suppress(_ConnectionBroke):
                    return await self._fetch_once(query, args, timeout, settings)
            return await self._fetch_once(query, args, timeout, settings)
        except Exception as error:
            cause = error.cause if isinstance(error, _ConnectionBroke) else error
            if (failure := translate(cause, self.name)) is None:
                raise
            raise failure from cause

    async def fetchrow(self, query: str, *args: object, timeout: float | None = None) -> Row:
        """The one row of a statement that always has one."""
        (row,) = await self.fetch(query, *args, timeout=timeout)
        return row

    async def _fetch_once(
        self, query: str, args: tuple[object, ...], timeout: float | None, settings: Mapping[str, str]
    ) -> Sequence[Row]:
        async with self._opened().acquire(timeout=CONNECT_SECONDS) as connection:
            try:
                if not settings:
                    return await connection.fetch(query, *args, timeout=timeout)
                async with connection.transaction():
                    await connection.execute(_SET_LOCAL, list(settings), list(settings.values()))
                    return await connection.fetch(query, *args, timeout=timeout)
            except Exception as error:
                if not connection_broke(error):
                    raise
                # It may not know yet that it is dead, and the pool would hand it out again. Or it knows, and
                # the pool has taken it back.
                with suppress(_driver().InterfaceError):
                    connection.terminate()
                raise _ConnectionBroke(error) from error

    def _opened(self) -> Any:
        if self._pool is None:
            raise StoreUnavailable(f"{self.name} is not open", hint="open the store before using it")
        return self._pool


class _ConnectionBroke(Exception):
    """In use, that is; one that could not be made in the first place is not tried again at once."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause


def _connect_options(schema: str | None) -> dict[str, Any]:
    settings = {
        "application_name": "tamma",
        # The schema's functions look again after they took a lock; under a stricter level they would not.
        "default_transaction_isolation": "read committed",
    }
    if schema is not None:
        settings["search_path"] = f'"{schema}"'
    return {
        "timeout": CONNECT_SECONDS,
        "server_settings": settings,
        # A pool's connections live long and run a dozen statements: prepare each once, for good.
        "max_cached_statement_lifetime": 0,
    }


async def _keep_session(_connection: object) -> None:
    """Saves the round trip of the driver's reset: no statement here changes its session."""


def _driver() -> Any:
    # Typed as Any: the driver has no annotations. `Connection` says what is relied on.
    return import_module("asyncpg")
