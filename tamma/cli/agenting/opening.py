"""The agents of the configured database, for one command."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamma.agents.configs.manager import AgentConfigs
from tamma.cli.agenting.surroundings import Surroundings
from tamma.cli.storing import stored

if TYPE_CHECKING:
    from tamma.cli.invocation import Invocation
    from tamma.config.load import LoadedConfig
    from tamma.model.agent import AgentId
    from tamma.store.interface import Event
    from tamma.store.postgres import PostgresStore


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command about agents works with."""

    configs: AgentConfigs
    store: PostgresStore
    loaded: LoadedConfig
    facts: Surroundings


@asynccontextmanager
async def agents(invocation: Invocation, database_url: str | None) -> AsyncGenerator[Desk]:
    """Open them. Raises ConfigError, StackError, StoreUnavailable."""
    from tamma.telemetry.logs import configure_logging

    # Entries of plugins start their processes, and that is logged.
    configure_logging("debug" if invocation.debug else "error")
    loaded = invocation.load(database_url=database_url)
    facts = Surroundings(loaded)
    async with stored(loaded, invocation.progress) as store:
        yield Desk(AgentConfigs(store, facts), store, loaded, facts)


async def all_events(store: PostgresStore, agent: AgentId) -> tuple[Event, ...]:
    """Every change of an agent, oldest first."""
    from tamma.store.interface import EventQuery

    query = EventQuery(tags=(f"agent:{agent}",))
    found: list[Event] = []
    while page := await store.read_events(query, after=found[-1].position if found else 0):
        found += page
    return tuple(found)
