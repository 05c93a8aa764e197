"""`kill -9` of the worker right after each effect that others can see, one after the other in one run."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.support.crash import world
from tests.support.postgres import Server
from tests.support.processes import Temporal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ON_THE_FORGE = ("ensure_pr", "merge_pr", "ensure_comment", "delete_branch")


async def test_no_effect_comes_twice(tmp_path: Path, temporal: Temporal, postgres_server: Server) -> None:
    kills = [{"on": name, "when": "after", "times": 1, "error": "kill"} for name in ON_THE_FORGE]
    async with world(tmp_path, temporal, postgres_server, faults=kills) as w:
        first = w.start_worker()
        (tmp_path / "victim").write_text(str(first.pid))  # dies of the push
        handle = await w.submit()
        ends: list[int] = []
        async with asyncio.timeout(240):
            while len(ends) < 1 + len(ON_THE_FORGE):
                ends.append(await w.workers[-1].ended(200))
                w.start_worker()
            await handle.result()
        assert ends == [-signal.SIGKILL] * len(ends), w.logs()
        assert (tmp_path / "struck").exists()
        await w.check_all(paid_again=0)
