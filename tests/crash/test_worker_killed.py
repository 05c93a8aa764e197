"""`kill -9` of the worker, at the four worst moments. The run ends as if nothing had been."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.support.crash import DYING_WORKER, HANG_ONCE, HANGING, NOTE_RESULTS, NOTE_TURN, world
from tests.support.postgres import Server
from tests.support.processes import Temporal, eventually, running

pytestmark = pytest.mark.timeout(240)


@pytest.mark.slow
async def test_undisturbed(tmp_path: Path, temporal: Temporal, postgres_server: Server) -> None:
    async with world(tmp_path, temporal, postgres_server) as w:
        w.start_worker()
        await w.submit()
        await w.check_all(paid_again=0)


async def test_while_the_model_streams(tmp_path: Path, temporal: Temporal, postgres_server: Server) -> None:
    async with world(tmp_path, temporal, postgres_server) as w:
        hold = w.model.hold("agent", 2)
        worker = w.start_worker()
        await w.submit()
        await w.reached(hold)
        worker.kill()
        killed = time.monotonic()
        w.start_worker()
        await w.check_all(paid_again=1)

        _, again = w.model.times(hold.key)
        print(f"the next model call came {again - killed:.1f} s after the kill")  # -s shows it


@pytest.mark.slow
async def test_after_the_answer_is_stored(
    tmp_path: Path, temporal: Temporal, postgres_server: Server
) -> None:
    async with world(tmp_path, temporal, postgres_server) as w:
        worker = w.start_worker(entry=DYING_WORKER, TAMMA_TEST_KILL_AFTER="assistant:3")
        await w.submit()
        assert await worker.ended() == -signal.SIGKILL, w.logs()
        w.start_worker()
        # The answer is there: it is found, not paid again.
        await w.check_all(paid_again=0)


@pytest.mark.slow
async def test_while_a_tool_runs(tmp_path: Path, temporal: Temporal, postgres_server: Server) -> None:
    async with world(tmp_path, temporal, postgres_server, note=HANG_ONCE) as w:
        worker = w.start_worker()
        await w.submit()
        await eventually(lambda: w.read_in_tree("notes.txt") == "line\n")
        await eventually(lambda: running(HANGING))
        worker.kill()
        await eventually(lambda: not running(HANGING))
        assert not w.processes(), "the tool's processes die with their worker"
        w.start_worker()
        # One line in the merged file: the second attempt began from the snapshot before the first.
        await w.check_all(paid_again=0)
        assert len(w.model.times(("agent", NOTE_TURN))) == 1


async def test_after_the_pull_request_exists(
    tmp_path: Path, temporal: Temporal, postgres_server: Server
) -> None:
    kill = {"on": "ensure_pr", "when": "after", "times": 1, "error": "kill"}
    async with world(tmp_path, temporal, postgres_server, faults=[kill]) as w:
        worker = w.start_worker()
        await w.submit()
        assert await worker.ended(60) == -signal.SIGKILL, w.logs()
        assert w.effects("ensure_pr") == 1
        w.start_worker()
        await w.check_all(paid_again=0)


@pytest.mark.slow
async def test_after_the_results_are_stored(
    tmp_path: Path, temporal: Temporal, postgres_server: Server
) -> None:
    async with world(tmp_path, temporal, postgres_server) as w:
        worker = w.start_worker(entry=DYING_WORKER, TAMMA_TEST_KILL_AFTER=f"user:{NOTE_RESULTS}")
        await w.submit()
        assert await worker.ended(60) == -signal.SIGKILL, w.logs()
        w.start_worker()
        # The work tree has the effects already: the batch does not run again.
        await w.check_all(paid_again=0)
