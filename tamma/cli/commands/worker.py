"""`tamma worker`: a worker in the foreground."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, server_options

if TYPE_CHECKING:
    from tamma.config.load import LoadedConfig


@click.command()
@server_options
@click.pass_obj
@asynchronous
async def command(invocation: Invocation, temporal_address: str | None, database_url: str | None) -> None:
    """Run a worker in the foreground, until Ctrl-C or SIGTERM.

    It joins the embedded servers, or the ones that are given. With `tamma --mode worker worker` it serves
    models and workspaces alone, with `--mode orchestrator` workflows and platforms. What it is doing when it
    is told to stop is finished first.
    """
    from tamma.telemetry.logs import configure_logging
    from tamma.worker.running import run_worker, stop_on_signals

    loaded = invocation.load(temporal_address, database_url)
    configure_logging("debug" if invocation.verbose else loaded.config.log_level)
    stop = asyncio.Event()
    stop_on_signals(stop)
    await run_worker(await _with_servers(invocation, loaded), stop)


async def _with_servers(invocation: Invocation, loaded: LoadedConfig) -> LoadedConfig:
    """The configuration with the embedded servers' addresses where none are given (standalone alone)."""
    from tamma.cli.linking import reach
    from tamma.config.resolve import database_url

    given = loaded.config.temporal.address is not None and database_url(loaded) is not None
    if loaded.config.mode != "standalone" or given:
        return loaded
    servers = await reach(loaded, invocation.progress, worker=False)
    return invocation.load(servers.temporal_address, servers.database_url)
