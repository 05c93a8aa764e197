"""A running Copilot runtime and the SDK's connection to it.

We start the process ourselves and the SDK joins it over loopback, with a token: so that it ends with us
however we end, that its death is noticed at once, and that it sees no more of our environment than it needs.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from tamma.providers.common.child import Child
from tamma.providers.common.errors import CallContext
from tamma.providers.copilot import setup
from tamma.providers.copilot.errors import died
from tamma.providers.interface import ProviderSettings

if TYPE_CHECKING:
    from copilot import CopilotClient

STARTUP = 60.0
"""Seconds. It takes one, or two the first time, when the CLI unpacks itself."""
_LISTENS = re.compile(r"listening on port (\d+)")
_log = structlog.get_logger(__name__)


class Runtime:
    """One process, its folder and the client. Made by `start_runtime`."""

    def __init__(self, child: Child, client: CopilotClient, folder: Path) -> None:
        self.child = child
        self.client = client
        self._folder = folder

    async def stop(self) -> None:
        """End the process and remove its folder. Idempotent."""
        await self.client.force_stop()
        await self.child.stop()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


async def start_runtime(
    settings: ProviderSettings, own: setup.OwnModel | None, cli: Sequence[str], context: CallContext
) -> Runtime:
    """Start the CLI and connect. Raises ProviderUnreachable, or TimeoutError after `STARTUP` seconds."""
    folder = Path(tempfile.mkdtemp(prefix="tamma-copilot-"))
    token = secrets.token_urlsafe(32)
    child: Child | None = None
    try:
        home, work = folder / "home", folder / "work"
        home.mkdir()
        work.mkdir()
        child = Child(
            [*cli, *setup.arguments(settings, own)],
            env=setup.variables(settings, own, os.environ, home, token),
            cwd=work,
        )
        client = await _joined(child, token, context)
    except BaseException:
        if child is not None:
            await child.stop()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _log.debug("the Copilot runtime runs", provider=settings.name, pid=child.pid)
    return Runtime(child, client, folder)


async def _joined(child: Child, token: str, context: CallContext) -> CopilotClient:
    from copilot import CopilotClient, RuntimeConnection

    found = await child.says(_LISTENS, STARTUP)
    if found is None:
        raise died(child.output, context, streaming=False)
    connection = RuntimeConnection.for_uri(f"127.0.0.1:{found[1]}", connection_token=token)
    client = CopilotClient(connection=connection, mode="empty", log_level="none")
    await client.start()
    return client
