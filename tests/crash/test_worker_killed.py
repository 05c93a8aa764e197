"""`kill -9` of the worker, at the four worst moments. The run ends as if nothing had been."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil

from tests.support.crash import DYING_WORKER, NOTE_COMMAND, NOTE_TURN, Temporal, eventually, world
from tests.support.postgres import Server

SLEEP = "sleep 61.7"
SLOW_FIRST = f'{NOTE_COMMAND}; if [ ! -e "$TMPDIR/tried" ]; then touch "$TMPDIR/tried"; {SLEEP}; fi'
"""The first time it hangs half-way; the folder of temporary files is not part of the work tree."""


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


async def test_while_a_tool_runs(tmp_path: Path, temporal: Temporal, postgres_server: Server) -> None:
    async with world(tmp_path, temporal, postgres_server, note=SLOW_FIRST) as w:
        worker = w.start_worker()
        await w.submit()
        await eventually(lambda: _running(SLEEP), 60)
        tree = w.tree_of()
        assert tree is not None
        assert (tree / "notes.txt").read_text() == "line\n"
        worker.kill()
        await eventually(lambda: not _running(SLEEP), 10)
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


def _running(command: str) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["cmdline"] == command.split() and process.info["status"] != psutil.STATUS_ZOMBIE
    ]
