"""What a driver's exception means, without a server."""

from __future__ import annotations

import asyncpg
import pytest

from tamma.errors import ConfigError, StoreError, StoreUnavailable
from tamma.store.failures import connection_broke, describe, translate


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://u:p%40ss@h:5433/d?password=x", "postgresql://u@h:5433/d"),
        ("postgres://h/d", "postgres://h/d"),
        ("postgresql://u:p@[::1]:5432/d", "postgresql://u@[::1]:5432/d"),
        ("postgresql://u:secret@h:secret/d", "the database"),
        ("postgresql://u:p@/d?host=/tmp/x", "postgresql://u@/d"),
        ("password=secret host=h", "the database"),
        ("u:secret@h/d", "the database"),
        ("", "the database"),
    ],
)
def test_a_connection_string_is_shown_without_its_secrets(dsn: str, shown: str) -> None:
    assert describe(dsn) == shown


@pytest.mark.parametrize(
    ("error", "broke"),
    [
        (asyncpg.ConnectionDoesNotExistError("x"), True),
        (asyncpg.AdminShutdownError("x"), True),
        (asyncpg.CrashShutdownError("x"), True),
        (asyncpg.InterfaceError("cannot perform operation: connection is closed"), True),
        (
            asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
            True,
        ),
        (ConnectionResetError(), True),
        (ConnectionRefusedError(), False),
        (asyncpg.CannotConnectNowError("x"), False),
        (asyncpg.TooManyConnectionsError("x"), False),
        (asyncpg.InterfaceError("another operation is in progress"), False),
        (asyncpg.UniqueViolationError("x"), False),
        (TimeoutError(), False),
    ],
)
def test_only_a_broken_connection_is_worth_another(error: Exception, broke: bool) -> None:
    assert connection_broke(error) is broke


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncpg.CannotConnectNowError("the database system is starting up"), StoreUnavailable),
        (asyncpg.AdminShutdownError("x"), StoreUnavailable),
        (asyncpg.TooManyConnectionsError("x"), StoreUnavailable),
        (asyncpg.DiskFullError("x"), StoreUnavailable),
        (asyncpg.DeadlockDetectedError("x"), StoreUnavailable),
        (asyncpg.QueryCanceledError("x"), StoreUnavailable),
        (asyncpg.ReadOnlySQLTransactionError("x"), StoreUnavailable),
        (asyncpg.ConnectionDoesNotExistError("x"), StoreUnavailable),
        (asyncpg.InterfaceError("pool is closing"), StoreUnavailable),
        (asyncpg.InternalClientError("cannot switch to state 11"), StoreUnavailable),
        (ConnectionRefusedError(111, "Connection refused"), StoreUnavailable),
        (FileNotFoundError(2, "No such file or directory"), StoreUnavailable),
        (TimeoutError(), StoreUnavailable),
        (asyncpg.InvalidPasswordError("x"), ConfigError),
        (asyncpg.InvalidCatalogNameError("x"), ConfigError),
        (asyncpg.UndefinedTableError('relation "entries" does not exist'), StoreError),
        (asyncpg.UndefinedFunctionError("x"), StoreError),
        (asyncpg.CheckViolationError("x"), StoreError),
        (asyncpg.DataError("x"), StoreError),
        (asyncpg.InterfaceError("another operation is in progress"), StoreError),
    ],
)
def test_each_failure_has_its_error(error: Exception, kind: type[Exception]) -> None:
    translated = translate(error, "postgresql://h/d")
    assert type(translated) is kind
    assert "postgresql://h/d" in str(translated)
    if kind is not StoreError or "Undefined" in type(error).__name__:
        assert translated is not None
        assert translated.hint


def test_what_is_not_the_drivers_is_not_translated() -> None:
    assert translate(KeyError("x"), "postgresql://h/d") is None
    assert translate(ValueError("x"), "postgresql://h/d") is None
