"""One Temporal server and one PostgreSQL for the tests of a process; both may be killed, and come back."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from tests.support.postgres import postgres_server, postgres_servers
from tests.support.processes import Temporal

__all__ = ["postgres_server", "postgres_servers"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal() -> AsyncGenerator[Temporal]:
    folder = Path(tempfile.mkdtemp(prefix="tamma-c-", dir="/tmp"))
    server = Temporal(folder)
    try:
        await server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
