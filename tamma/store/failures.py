"""What a driver's exception means: pure functions, so that each case can be tested without a server.

They look at SQLSTATEs and at types of the standard library, so this module does not import the driver.
Nothing here repeats a connection string: it may hold a password.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from tamma.errors import ConfigError, StoreError, StoreUnavailable, TammaError

_UNAVAILABLE = {
    "25006": ("the server is read only", "is it a standby? Point the connection string at the primary"),
    "40001": ("the server undid the statement in favour of another", "try again"),
    "40P01": ("the server broke a deadlock", "try again"),
    "53100": ("the server's disk is full", "free some space on the database's host"),
    "53200": ("the server is out of memory", "give the database more memory"),
    "53300": ("the server accepts no more connections", "lower the pool's size or raise max_connections"),
    "53400": ("a limit of the server's configuration was exceeded", "see the server's log"),
    "55P03": ("a lock could not be had in time", "try again"),
    "57014": ("the statement took too long and was cancelled", "is the server overloaded?"),
    "57P01": ("the server is shutting down", "try again when it runs"),
    "57P02": ("the server crashed and recovers", "try again in some seconds"),
    "57P03": ("the database system is starting up or shutting down", "try again in some seconds"),
    "57P04": ("the database was dropped", "create it and migrate it, or name another"),
    "57P05": ("the server closed an idle session", "try again"),
}
_MISCONFIGURED = {
    "28000": ("the server does not let this user in", "check the user and the server's pg_hba.conf"),
    "28P01": ("the password was not accepted", "check the user and the password"),
    "3D000": ("the database does not exist", "create it, or name another"),
}
_SCHEMA = {"3F000", "42P01", "42703", "42883"}
_BROKEN = {"57P01", "57P02", "57P05"}


def describe(dsn: str) -> str:
    """`postgresql://user@host:port/database`: what may be shown of a connection string."""
    try:
        parts = urlsplit(dsn)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else (parts.hostname or "")
        port = f":{parts.port}" if parts.port else ""
        user = f"{parts.username}@" if parts.username else ""
    except ValueError:
        return "the database"
    if parts.scheme not in ("postgres", "postgresql"):
        return "the database"
    return f"{parts.scheme}://{user}{host}{port}{parts.path}"


def sqlstate(error: BaseException) -> str:
    """The five letters of the SQL standard, or `""` where the error did not come from the server."""
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else ""


def connection_broke(error: BaseException) -> bool:
    """Whether a connection that once worked is gone: a fresh one may well do."""
    state = sqlstate(error)
    if state:
        return state.startswith("08") or state in _BROKEN
    if isinstance(error, ConnectionRefusedError):
        return False
    # The driver's "internal client error" is a connection that took in the server's last words, sent while it
    # was idle, and not yet that it is closed.
    return isinstance(error, ConnectionError) or _says_closed(error) or _lost_its_state(error)


def translate_connecting(error: Exception, database: str) -> TammaError | None:
    """As `translate`, for a connection being made: there a ValueError is about the connection string.

    Its text is left out, and must not be chained either: it quotes the string.
    """
    if isinstance(error, ValueError):
        return ConfigError(
            "the database's connection string is not understood",
            hint="write it as postgresql://user:password@host:port/database",
        )
    return translate(error, database)


def translate(error: Exception, database: str) -> TammaError | None:
    """This project's error for a driver's, or None where `error` is not the driver's or the network's.

    `database` is what `describe` gave.
    """
    state = sqlstate(error)
    if state in _UNAVAILABLE:
        what, hint = _UNAVAILABLE[state]
        return StoreUnavailable(f"{database} cannot be used: {what} ({state})", hint=hint)
    if state.startswith("08"):
        return StoreUnavailable(f"{database}: the connection broke ({state})", hint="is the server running?")
    if state in _MISCONFIGURED:
        what, hint = _MISCONFIGURED[state]
        return ConfigError(f"{database} cannot be used: {what} ({state})", hint=hint)
    if state in _SCHEMA:
        return StoreError(
            f"{database} lacks what this version needs: {error} ({state})", hint="run `tamma db migrate`"
        )
    if isinstance(error, TimeoutError):
        return StoreUnavailable(
            f"{database} did not answer in time",
            hint="is the server reachable and not overloaded? All connections of the pool may be in use",
        )
    if isinstance(error, OSError):
        return StoreUnavailable(
            f"{database} cannot be reached: {error.strerror or type(error).__name__}",
            hint="is the server running, and are host and port right?",
        )
    if not type(error).__module__.startswith("asyncpg"):
        return None
    if _says_closed(error) or _lost_its_state(error):
        return StoreUnavailable(f"{database}: the connection is closed", hint="is the server running?")
    return StoreError(f"{database} refused the statement: {error} ({state or type(error).__name__})")


def _lost_its_state(error: BaseException) -> bool:
    return type(error).__name__ == "InternalClientError"


def _says_closed(error: BaseException) -> bool:
    # The driver has one class for every misuse; a connection that died under the caller is told by its text.
    return type(error).__name__ == "InterfaceError" and any(
        words in str(error) for words in ("is closed", "is closing", "released back")
    )
