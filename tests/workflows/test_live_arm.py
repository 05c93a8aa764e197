"""A production run takes the arm that a live A/B test draws for it, and its figures count there."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.agents.pinning import resolve
from tamma.experiments.assignment import LiveArms
from tamma.model.agent import AgentConfig, AgentId, AgentPin
from tamma.model.experiment import ABTestId, ABTestPlan, Arm, LookPlan, Mode
from tamma.model.ids import uuid7
from tamma.model.task import Gate, TaskStatus
from tamma.model.verdict import ABTestResult, ABTestState
from tamma.store.memory import MemoryStore
from tests.support.experiments import add_agent
from tests.support.loop import running_loop

STRATUM = "code-generation memory:acme/calc"


async def live_test(store: MemoryStore, control: AgentPin, candidate: AgentPin, first: Arm) -> ABTestId:
    """A live test that takes runs, and whose first draw is `first`."""
    test_id = ABTestId(uuid7())
    seed = next(seed for seed in range(1, 100) if LiveArms(seed, STRATUM)(0) is first)
    plan = ABTestPlan(
        "live", control, candidate, mode=Mode.LIVE, repos=("memory:*",), sample_size=10, seed=seed
    )
    await store.create_test(test_id, plan, (LookPlan(1, 10, 1.96),), ())
    await store.save_result(
        ABTestResult(
            test_id, "live", ABTestState.RUNNING, control, candidate, "all", 10, 0.95, None, "inconclusive",
            None, False, None, None, Decimal(0), datetime.now(UTC),
        )
    )  # fmt: skip
    return test_id


async def test_a_run_of_the_active_version_works_for_the_arm_that_was_drawn(
    client: Client, tmp_path: Path
) -> None:
    store = MemoryStore()
    control = await add_agent(store, "plain", "scripted")
    bold = await store.create_agent(
        AgentId(uuid7()), "bold", AgentConfig("scripted", model="other"), author="", reason=""
    )
    candidate = AgentPin(bold.agent_id, "bold", 1, bold.hash)
    test_id = await live_test(store, control, candidate, Arm.CANDIDATE)
    async with running_loop(client, tmp_path, store=store) as loop:
        handle = await loop.submit(agent=await resolve(store, "plain"))
        assert (await handle.result()).status is TaskStatus.COMPLETED
        (run,) = await store.cell_runs(test_id)
        assert run.agent == candidate
        assert run.cell is not None
        assert (run.cell.arm, run.cell.unit) == ("candidate", "memory:acme/calc#1")
        (drawn,) = await store.read_assignments(test_id)
        assert (drawn.unit, drawn.stratum) == (run.cell.unit, STRATUM)
        view = await loop.view(handle)
        assert "this run is the candidate of the A/B test live" in view.notes


@pytest.mark.slow
async def test_whoever_names_a_version_keeps_it(client: Client, tmp_path: Path) -> None:
    store = MemoryStore()
    control = await add_agent(store, "plain", "scripted")
    candidate = await add_agent(store, "bold", "scripted2", active=False)
    test_id = await live_test(store, control, candidate, Arm.CANDIDATE)
    async with running_loop(client, tmp_path, store=store) as loop:
        named = await resolve(store, "plain@1")
        assert named.fixed
        handle = await loop.submit(agent=named)
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert await store.read_assignments(test_id) == ()
        assert await store.cell_runs(test_id) == ()


@pytest.mark.slow
async def test_a_run_that_a_person_steers_at_every_gate_is_in_no_arm(client: Client, tmp_path: Path) -> None:
    store = MemoryStore()
    control = await add_agent(store, "plain", "scripted")
    candidate = await add_agent(store, "bold", "scripted2", active=False)
    test_id = await live_test(store, control, candidate, Arm.CANDIDATE)
    async with running_loop(client, tmp_path, store=store) as loop:
        handle = await loop.submit(agent=await resolve(store, "plain"), workflow_type="manual-assist")
        await loop.until(handle, lambda view: view.waiting_for and view.waiting_for.gate is Gate.PLAN)
        assert await store.read_assignments(test_id) == ()
