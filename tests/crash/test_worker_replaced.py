"""Workers come and go: another host takes over, one is asked to stop, one is away when people speak."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tamma.model.task import Approval, ApprovePolicy, Gate, Steer, TaskView
from tests.support.crash import world
from tests.support.loop import RED
from tests.support.postgres import Server
from tests.support.processes import Temporal, eventually

pytestmark = pytest.mark.timeout(240)


@pytest.mark.slow
async def test_another_host_goes_on_from_the_checkpoint(
    tmp_path: Path, temporal: Temporal, postgres_server: Server
) -> None:
    async with world(tmp_path, temporal, postgres_server) as w:
        hold = w.model.hold("agent", 2)  # the turn after the one that writes tests/test_mean.py
        lost = w.start_worker("alpha")
        await w.submit()
        await w.reached(hold)
        lost.kill()
        then = w.model.hold("agent", 3)
        w.start_worker("beta")
        await w.reached(then)
        written = w.read_in_tree("tests/test_mean.py", host="beta")
        assert written == RED, "what the agent had written came with the checkpoint"
        then.release()
        await w.check_all(paid_again=1)


@pytest.mark.slow
async def test_asked_to_stop_it_ends_what_it_does(
    tmp_path: Path, temporal: Temporal, postgres_server: Server
) -> None:
    async with world(tmp_path, temporal, postgres_server) as w:
        hold = w.model.hold("agent", 1)
        worker = w.start_worker()
        await w.submit()
        await w.reached(hold)
        worker.send(signal.SIGTERM)
        hold.release()
        assert await worker.ended() == 0, w.logs()
        assert not w.processes(), "nothing that was started ahead stays behind"
        w.start_worker()
        await w.check_all(paid_again=0)


async def test_what_people_say_while_no_worker_lives(
    tmp_path: Path, temporal: Temporal, postgres_server: Server
) -> None:
    async with world(tmp_path, temporal, postgres_server) as w:
        worker = w.start_worker()
        handle = await w.submit(approve=ApprovePolicy.PLAN)

        async def at_gate() -> bool:
            view = await handle.query("view", result_type=TaskView)
            return view.waiting_for is not None and view.waiting_for.gate is Gate.PLAN

        await eventually(at_gate)
        worker.kill()
        await handle.signal("approve", Approval(Gate.PLAN, "approve", by="Tess"))
        hold = w.model.hold("agent", 1)
        w.start_worker()
        await w.reached(hold)
        await handle.signal("steer", Steer("Keep it small.", by="Tess"))
        hold.release()
        await w.check_all(paid_again=0)
        assert w.model.heard("Keep it small.") == ("agent", 2)
