"""A worker's life: from its configuration to SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from tamma import registry
from tamma.config.load import LoadedConfig, load_config
from tamma.config.platform_settings import ending_tokens
from tamma.config.resolve import database_url, temporal_settings
from tamma.errors import ConfigError, TammaError
from tamma.store.postgres import PostgresStore
from tamma.telemetry.logs import configure_logging
from tamma.temporal.client import connect
from tamma.temporal.daily import ensure_kept_check
from tamma.temporal.plugin import tamma_plugin
from tamma.temporal.tls import tls_of
from tamma.worker.configured import parts_of
from tamma.worker.parts import Parts
from tamma.worker.queues import serve, workers
from tamma.workspace.sandbox.harden import harden_process

if TYPE_CHECKING:
    from temporalio.client import Client

log = structlog.get_logger(__name__)

POOL = {"standalone": (1, 4), "worker": (1, 8), "orchestrator": (10, 50)}
"""Least and most database connections by mode; the specification's figures for an orchestrator."""


async def run_worker(loaded: LoadedConfig, stop: asyncio.Event) -> None:
    """Serve the queues of the configured mode until `stop`.

    Raises StackError, StoreUnavailable or ConfigError where it cannot begin.
    """
    harden_process()
    mode = loaded.config.mode
    temporal = temporal_settings(loaded)
    url = database_url(loaded)
    if temporal.address is None or url is None:
        raise ConfigError(
            "a worker needs a Temporal server and a database",
            hint="set TAMMA_TEMPORAL_ADDRESS and DATABASE_URL, or let `tamma dev` start everything",
        )
    async with AsyncExitStack() as stack:
        least, most = POOL[mode]
        store = PostgresStore(url, min_size=least, max_size=most)
        await store.open()
        stack.push_async_callback(store.close)
        parts = parts_of(loaded, store, stack)
        for platform_id, ends in ending_tokens(loaded, datetime.now(UTC)):
            log.warning("platform.token_ends", platform=platform_id, token=ends)
        client = await connect(
            temporal.address,
            temporal.namespace,
            api_key=temporal.api_key,
            tls=tls_of(temporal.tls),
            plugins=[tamma_plugin()],
            identity=f"{os.getpid()}@{parts.host}",
        )
        await _preload(loaded, parts)
        if mode != "worker" and parts.revert_window:
            await _have_reverts_looked_for(client)
        settle_memory()
        log.info("worker.started", mode=mode, host=parts.host, temporal=temporal.address)
        await serve(
            workers(client, parts, orchestrate=mode != "worker", serve_agents=mode != "orchestrator"),
            stop,
        )
        log.info("worker.stopped")


def settle_memory() -> None:
    """Keep the collector from looking through all that is loaded again at each of its full passes: it stays.

    Measured on 500 lists of pull requests at once: a fifth to a half of the time was such passes.
    """
    gc.collect()
    gc.freeze()


async def _preload(loaded: LoadedConfig, parts: Parts) -> None:
    """Load the default provider's SDK and the platforms' adapters now: a second of imports in mid-work would
    stall every workflow, and an import beside those of the workflows' sandbox can fail in the interpreter.

    What is wrong with them is for the run that needs them to say.
    """
    for account in loaded.config.platforms.available:
        try:
            await asyncio.to_thread(registry.platforms.get, account.platform_type)
        except TammaError as error:
            log.warning("platform.not_ready", platform=account.platform_id, reason=error.message)
    try:
        await parts.providers.get(loaded.config.providers.default)
    except TammaError as error:
        log.warning("provider.not_ready", provider=loaded.config.providers.default, reason=error.message)


async def _have_reverts_looked_for(client: Client) -> None:
    """No reason not to work, where the server takes no schedule: it is asked again at the next start."""
    from temporalio.service import RPCError

    try:
        await ensure_kept_check(client)
    except RPCError as error:
        log.warning("kept.no_schedule", reason=error.message)


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT set `stop`."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def main() -> int:
    """Run until SIGTERM; the exit code."""
    configure_logging(os.environ.get("TAMMA_LOG_LEVEL", "info"))
    stop = asyncio.Event()
    stop_on_signals(stop)
    try:
        await run_worker(load_config(), stop)
    except TammaError as error:
        log.error("worker.failed", reason=error.message, hint=error.hint)  # noqa: TRY400 - said in words
        return error.exit_code
    return 0
