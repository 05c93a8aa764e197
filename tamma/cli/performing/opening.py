"""The analyzer over the configured database, for one command."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tamma.analysis.analyzer import PerformanceAnalyzer
from tamma.cli.storing import stored

if TYPE_CHECKING:
    from tamma.cli.invocation import Invocation
    from tamma.cli.performing.options import Asked
    from tamma.model.analysis import PerformanceReport


@asynccontextmanager
async def analyzer(invocation: Invocation, database_url: str | None) -> AsyncGenerator[PerformanceAnalyzer]:
    """Open it. Raises ConfigError, StackError, StoreUnavailable."""
    loaded = invocation.load(database_url=database_url)
    async with stored(loaded, invocation.progress) as store:
        yield PerformanceAnalyzer(store)


async def reports_of(
    invocation: Invocation, database_url: str | None, agent: str | None, asked: Asked
) -> tuple[PerformanceReport, ...]:
    """Of one agent, or of all."""
    async with analyzer(invocation, database_url) as ours:
        if agent is not None:
            return (await ours.report(agent, asked.time_range, asked.selected),)
        return await ours.reports(asked.time_range, asked.selected)
