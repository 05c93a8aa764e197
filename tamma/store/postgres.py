"""The store on PostgreSQL."""

from __future__ import annotations

from tamma.errors import StoreError
from tamma.store.agents import Agents
from tamma.store.blobs import Blobs
from tamma.store.budgets import Budgets
from tamma.store.database import COMMAND_SECONDS, Database
from tamma.store.events import Events
from tamma.store.experiments import Experiments
from tamma.store.metrics import Metrics
from tamma.store.migrate import read_version, shipped
from tamma.store.reports import Reports
from tamma.store.suites import Suites
from tamma.store.transcripts import Transcripts


class PostgresStore(Transcripts, Blobs, Events, Agents, Metrics, Reports, Suites, Experiments, Budgets):
    """Implements `Store`. Its tables come from `tamma.store.migrate`; `open` says so where they are missing.

    `min_size` and `max_size` bound the pool: 10 to 50 for an orchestrator, 1 to 4 for one machine. `schema`
    is the PostgreSQL schema of the tables, by default the database's. `timeout` is in seconds, per statement.
    Connections that died are replaced and the call is repeated; a server that is away is StoreUnavailable.
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
        self._database = Database(dsn, min_size=min_size, max_size=max_size, schema=schema, timeout=timeout)

    def __repr__(self) -> str:
        return f"<PostgresStore {self._database.name}>"

    async def open(self) -> None:
        """Connect. Idempotent.

        Raises StoreUnavailable, ConfigError, or StoreError where the tables are of another version.
        """
        if not await self._database.open():
            return
        try:
            await self._check_version()
        except BaseException:
            await self._database.close()
            raise

    async def close(self) -> None:
        await self._database.close()

    async def health(self) -> str:
        row = await self._database.fetchrow("SELECT current_setting('server_version') AS version")
        return f"PostgreSQL {row['version']}"

    async def _check_version(self) -> None:
        version, expected = await read_version(self._database), shipped()[-1].version
        if version == expected:
            return
        hint = "run `tamma db migrate`" if version < expected else "update this installation of tamma"
        raise StoreError(
            f"the tables of {self._database.name} are of version {version}, this program needs {expected}",
            hint=hint,
        )
