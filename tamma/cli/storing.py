"""The way to the database alone, for commands that need no Temporal: the embedded one, or the given one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig
    from tamma.store.postgres import PostgresStore

_CONNECTIONS = 2


@asynccontextmanager
async def database(loaded: LoadedConfig, progress: Callable[[str], None]) -> AsyncGenerator[str]:
    """The database's address; the embedded one is started for it. Raises ConfigError, StackError."""
    from tamma.config.resolve import database_url, stack_request
    from tamma.stack.stack import ensure_stack

    own = database_url(loaded)
    if own is None:
        # The supervisor is told that Temporal is somebody else's: PostgreSQL alone is wanted here.
        request = stack_request(loaded, worker=False)
        request = replace(request, temporal_address=request.temporal_address or "127.0.0.1:1")
        own = (await ensure_stack(loaded.home, request, progress)).database_url
    yield own


@asynccontextmanager
async def stored(loaded: LoadedConfig, progress: Callable[[str], None]) -> AsyncGenerator[PostgresStore]:
    """The store, open. Raises ConfigError, StackError, StoreUnavailable."""
    from tamma.store.postgres import PostgresStore

    async with database(loaded, progress) as url:
        store = PostgresStore(url, min_size=1, max_size=_CONNECTIONS)
        await store.open()
        try:
            yield store
        finally:
            await store.close()
