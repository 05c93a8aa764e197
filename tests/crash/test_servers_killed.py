"""`kill -9` of the servers in mid-run: the worker waits for them, and nothing is done twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.crash import world
from tests.support.postgres import Server
from tests.support.processes import Temporal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


async def test_temporal(tmp_path: Path, temporal: Temporal, postgres_server: Server) -> None:
    async with world(tmp_path, temporal, postgres_server) as w:
        hold = w.model.hold("agent", 1)
        w.start_worker()
        await w.submit()
        await w.reached(hold)
        temporal.kill()
        hold.release()  # the answer comes while there is nobody to tell
        await temporal.start()
        await w.check_all(paid_again=1)


async def test_postgres(tmp_path: Path, temporal: Temporal, postgres_server: Server) -> None:
    async with world(tmp_path, temporal, postgres_server) as w:
        hold = w.model.hold("agent", 1)
        w.start_worker()
        await w.submit()
        await w.reached(hold)
        postgres_server.kill()
        hold.release()  # the answer comes while it cannot be stored: this one is paid again
        await w.attempt("call_model", 2)
        await asyncio.to_thread(postgres_server.start)
        await w.check_all(paid_again=1)
