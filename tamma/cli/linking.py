"""The way to Temporal and the store: the embedded servers, started or joined, or the ones that are given."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tamma.cli.finding import find
from tamma.cli.known import GITHUB
from tamma.config.platform_settings import platform_accounts
from tamma.config.resolve import stack_request, temporal_settings
from tamma.model.references import PLAIN_GIT
from tamma.platforms.accounts import Account
from tamma.stack.stack import ensure_stack, stack_status
from tamma.temporal.client import connect
from tamma.temporal.client_plugin import ClientPlugin
from tamma.temporal.tls import tls_of

if TYPE_CHECKING:
    from temporalio.client import Client

    from tamma.config.load import LoadedConfig
    from tamma.store.postgres import PostgresStore
    from tamma.temporal.run_index import RunRecord

_STORE_CONNECTIONS = 2
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Servers:
    """Where they are."""

    temporal_address: str
    namespace: str
    database_url: str = field(repr=False)
    ui_url: str | None = None
    """None where Temporal is somebody else's."""


@dataclass(frozen=True, slots=True)
class Link:
    """Temporal, connected; the store when it is asked for."""

    client: Client
    loaded: LoadedConfig
    servers: Servers

    @property
    def ui_url(self) -> str | None:
        return self.servers.ui_url

    async def find(self, task: str, issue_file: str | None = None) -> RunRecord:
        """The run that a person named. Raises ConfigError, RunNotFound, RunAmbiguous."""
        known, default = accounts(self.loaded)
        return await find(self.client, task, issue_file, known, default)

    @asynccontextmanager
    async def store(self) -> AsyncGenerator[PostgresStore]:
        """The store, open. Raises StoreUnavailable."""
        from tamma.store.postgres import PostgresStore

        store = PostgresStore(self.servers.database_url, min_size=1, max_size=_STORE_CONNECTIONS)
        await store.open()
        try:
            yield store
        finally:
            await store.close()


async def connected(loaded: LoadedConfig, progress: Progress, *, fresh_worker: bool) -> Link:
    """A link to the configured servers. Raises ConfigError, StackError."""
    settings = temporal_settings(loaded)
    servers = await reach(loaded, progress, worker=await _worker_wanted(loaded, fresh=fresh_worker))
    client = await connect(
        servers.temporal_address,
        servers.namespace,
        api_key=settings.api_key,
        tls=tls_of(settings.tls),
        plugins=[ClientPlugin()],
    )
    return Link(client, loaded, servers)


async def reach(loaded: LoadedConfig, progress: Progress, *, worker: bool) -> Servers:
    """Start or join what is not given from outside; with `worker`, one with this call's configuration."""
    settings = temporal_settings(loaded)
    request = stack_request(loaded, worker=worker)
    if request.temporal_address and request.database_url and not worker:
        return Servers(request.temporal_address, settings.namespace, request.database_url)
    stack = await ensure_stack(loaded.home, request, progress)
    namespace = stack.namespace if settings.address is None else settings.namespace
    return Servers(stack.temporal_address, namespace, stack.database_url, stack.ui_url)


async def _worker_wanted(loaded: LoadedConfig, *, fresh: bool) -> bool:
    """Whether to ask for a worker: whoever only looks must not replace one by one with his own secrets."""
    if loaded.config.mode != "standalone":
        return False
    if fresh:
        return True
    status = await stack_status(loaded.home)
    return all(service.name != "worker" for service in status.services)


def accounts(loaded: LoadedConfig) -> tuple[tuple[Account, ...], str]:
    """The configured platforms as names go, and which of them `owner/repo#12` means: the configured one, or
    the first forge."""
    known = platform_accounts(loaded)
    trackers = {each.tracker for each in known}
    forges = (each.id for each in known if each.type != PLAIN_GIT and each.id not in trackers)
    return known, loaded.config.platforms.default or next(forges, GITHUB.id)
