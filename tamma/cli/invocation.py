"""What one call of the command line works with: its global options, and links to the servers.

Nothing heavy is imported before it is needed: `tamma --help` must stay quick.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tamma.cli import output
from tamma.errors import ConfigError

if TYPE_CHECKING:
    from temporalio.client import Client
    from temporalio.service import TLSConfig

    from tamma.cli.reference import Account
    from tamma.config.load import LoadedConfig
    from tamma.config.schema import TlsConfig
    from tamma.store.postgres import PostgresStore
    from tamma.temporal.run_index import RunRecord

_STORE_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class Link:
    """Open connections: Temporal now, the store when it is asked for."""

    client: Client
    loaded: LoadedConfig
    ui_url: str | None
    database_url: str = field(repr=False)

    async def find(self, task: str, issue_file: str | None = None) -> RunRecord:
        """The run that a person named. Raises ConfigError, RunNotFound, RunAmbiguous."""
        from tamma.cli.finding import find

        known, default = accounts(self.loaded)
        return await find(self.client, task, issue_file, known, default)

    @asynccontextmanager
    async def store(self) -> AsyncGenerator[PostgresStore]:
        """The store, open. Raises StoreUnavailable."""
        from tamma.store.postgres import PostgresStore

        store = PostgresStore(self.database_url, min_size=1, max_size=_STORE_CONNECTIONS)
        await store.open()
        try:
            yield store
        finally:
            await store.close()


@dataclass(frozen=True, slots=True)
class Invocation:
    """The global options."""

    mode: str | None = None
    config_path: Path | None = None
    verbose: bool = False
    debug: bool = False
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    """None: the process's own."""

    def load(
        self,
        temporal_address: str | None = None,
        database_url: str | None = None,
        *,
        flags: Mapping[str, object] | None = None,
        project_dir: Path | None = None,
    ) -> LoadedConfig:
        """The configuration with this call's flags on top. Raises ConfigError."""
        import os

        from tamma.config.load import load_config

        env = dict(os.environ if self.environment is None else self.environment)
        if database_url:
            # As a variable: the configuration only ever holds a reference to it, and the worker gets it too.
            env["TAMMA_DATABASE_URL"] = database_url
        given = {"temporal.address": temporal_address, "mode": self.mode, **(flags or {})}
        loaded = load_config(given, env=env, config_path=self.config_path, project_dir=project_dir)
        for text in loaded.notes:
            output.note(f"note: {text}")
        return loaded

    @asynccontextmanager
    async def link(
        self,
        temporal_address: str | None = None,
        database_url: str | None = None,
        *,
        loaded: LoadedConfig | None = None,
        fresh_worker: bool = False,
    ) -> AsyncGenerator[Link]:
        """Start or join the servers and connect. Raises ConfigError, StackError.

        `fresh_worker`: the worker must have the configuration and the secrets of this call. Otherwise the
        one that runs is left alone.
        """
        loaded = loaded or self.load(temporal_address, database_url)
        from tamma.config.resolve import stack_request, temporal_settings
        from tamma.stack.stack import ensure_stack, stack_status
        from tamma.temporal.client import connect
        from tamma.temporal.plugin import tamma_plugin

        if not fresh_worker:
            # Whoever only looks must not replace a worker by one with this shell's environment.
            status = await stack_status(loaded.home)
            own_worker = all(service.name != "worker" for service in status.services)
        else:
            own_worker = True
        own_worker = own_worker and loaded.config.mode == "standalone"
        stack = await ensure_stack(loaded.home, stack_request(loaded, worker=own_worker), self.progress)
        given = temporal_settings(loaded)
        client = await connect(
            stack.temporal_address,
            stack.namespace if given.address is None else given.namespace,
            api_key=given.api_key,
            tls=_tls(given.tls),
            plugins=[tamma_plugin()],
        )
        yield Link(client, loaded, stack.ui_url, stack.database_url)

    def progress(self, text: str) -> None:
        """Tell that something takes a moment."""
        output.note(f"{text} …")


def accounts(loaded: LoadedConfig) -> tuple[tuple[Account, ...], str]:
    """The configured platforms as names go, and which of them `owner/repo#12` means: the first forge."""
    from tamma.cli.reference import PLAIN_GIT, Account

    known = tuple(
        Account(entry.platform_id, entry.platform_type, _hosts(entry.platform_id, entry.base_url))
        for entry in loaded.config.platforms.available
    )
    return known, next((account.id for account in known if account.type != PLAIN_GIT), "github.com")


def _hosts(platform_id: str, base_url: str | None) -> tuple[str, ...]:
    hosts = [platform_id.lower(), f"www.{platform_id.lower()}"]
    if base_url:
        hosts.append(urlsplit(base_url).netloc.rpartition("@")[2].lower())
    return tuple(hosts)


def _tls(given: bool | TlsConfig | None) -> bool | TLSConfig | None:
    """Certificates from their files. Raises ConfigError where one cannot be read."""
    if given is None or isinstance(given, bool):
        return given
    from temporalio.service import TLSConfig

    return TLSConfig(
        domain=given.server_name,
        server_root_ca_cert=_pem(given.ca),
        client_cert=_pem(given.client_cert),
        client_private_key=_pem(given.client_key),
    )


def _pem(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the certificate {path!r} cannot be read: {error.strerror}", hint="check temporal.tls"
        ) from error
