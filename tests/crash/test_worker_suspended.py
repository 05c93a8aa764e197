"""A worker that was away longer than its heartbeat's timeout comes back, and finds itself superseded."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.crash import HANG_ONCE, HANGING, world
from tests.support.postgres import Server
from tests.support.processes import Temporal, eventually, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


async def test_in_the_middle_of_an_answer(
    tmp_path: Path, temporal: Temporal, postgres_server: Server
) -> None:
    async with world(tmp_path, temporal, postgres_server) as w:
        hold = w.model.hold("agent", 1)
        worker = w.start_worker()
        await w.submit()
        await w.reached(hold)
        worker.send(signal.SIGSTOP)
        await w.attempt("call_model", 2)
        worker.send(signal.SIGCONT)
        # The first attempt's answer arrives after all, while the second one asks: one of them is stored.
        hold.release()
        await w.check_all(paid_again=1)


async def test_in_the_middle_of_a_tool(tmp_path: Path, temporal: Temporal, postgres_server: Server) -> None:
    async with world(tmp_path, temporal, postgres_server, note=HANG_ONCE) as w:
        worker = w.start_worker()
        await w.submit()
        await eventually(lambda: w.read_in_tree("notes.txt"))
        await eventually(lambda: running(HANGING))
        worker.send(signal.SIGSTOP)
        await w.attempt("run_tools", 2)
        assert running(HANGING), "the tool goes on while its worker is away"
        worker.send(signal.SIGCONT)
        await w.check_all(paid_again=0)
