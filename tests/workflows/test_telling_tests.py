"""A run that ends is seen at once by the tests that wait for it, which would look themselves only later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle

from tamma.agents.pinning import resolve
from tamma.model.ab_run import ABProgress, ABTestStart, ABTestView
from tamma.model.agent import AgentPin
from tamma.model.experiment import AB_WORKFLOW, ABTestId, ABTestPlan, Canary, LookPlan, Mode, ab_id
from tamma.model.ids import uuid7
from tamma.model.task import TASK_QUEUE, TaskStatus
from tamma.model.verdict import ABTestResult, ABTestState
from tamma.store.memory import MemoryStore
from tests.support.experiments import add_agent
from tests.support.histories import replay_and_keep
from tests.support.loop import running_loop
from tests.support.processes import eventually
from workflows.autonomous_dev import AutonomousDev

LOOKS = (LookPlan(1, 10, 1.96),)
Handle = WorkflowHandle[Any, Any]


async def begin(
    client: Client, store: MemoryStore, mode: Mode, state: ABTestState, pair: tuple[AgentPin, AgentPin]
) -> Handle:
    """A test that goes on in this state. The control's version is also the one whose canary it watches."""
    test_id, now = ABTestId(uuid7()), datetime.now(UTC)
    plan = ABTestPlan(
        state.value, *pair, mode=mode, repos=("memory:*",), sample_size=10, seed=7, canary=Canary(runs=5)
    )
    await store.create_test(test_id, plan, LOOKS, ())
    await store.save_result(
        ABTestResult(
            test_id, plan.name, state, *pair, "all", 10, 0.95, None, "inconclusive", None, False, None, None,
            Decimal(0), now, applied_version=pair[0].version,
        )
    )  # fmt: skip
    progress = ABProgress(
        state,
        started_at=now,
        ends_at=now + timedelta(days=9),
        looks_planned=LOOKS,
        units_planned=10,
        active=1,
        applied_version=pair[0].version,
        applied_at=now,
    )
    return await client.start_workflow(
        AB_WORKFLOW, ABTestStart(test_id, plan, progress=progress), id=ab_id(test_id), task_queue=TASK_QUEUE
    )


async def seen(handle: Handle) -> tuple[int, int]:
    """Runs that the test has counted as a live test, and in its canary."""
    view = await handle.query("view", result_type=ABTestView)
    return view.trials_ended, view.canary.runs if view.canary else 0


async def watches(handle: Handle) -> bool:
    """Whether the test has looked at its canary's runs for the first time."""
    return (await handle.query("view", result_type=ABTestView)).canary is not None


async def until(handle: Handle, wanted: tuple[int, int]) -> None:
    async def there() -> bool:
        return await seen(handle) == wanted

    await eventually(there)


@pytest.mark.slow
async def test_a_live_test_and_a_canary_look_as_soon_as_a_run_ends(client: Client, tmp_path: Path) -> None:
    store = MemoryStore()
    pair = await add_agent(store, "plain", "scripted"), await add_agent(store, "bold", "other", active=False)
    # The draw of this seed begins with the control, so that one run is of interest to both.
    async with running_loop(client, tmp_path, store=store) as loop:
        live = await begin(client, store, Mode.LIVE, ABTestState.RUNNING, pair)
        canary = await begin(client, store, Mode.PAIRED, ABTestState.CANARY, pair)
        gone = await begin(client, store, Mode.PAIRED, ABTestState.CANARY, pair)
        try:
            await gone.terminate("as if somebody had ended it by hand")
            await eventually(lambda: watches(canary))
            run = await loop.submit(agent=await resolve(store, "plain"))
            assert (await run.result()).status is TaskStatus.COMPLETED
            await until(live, (1, 0))
            await until(canary, (0, 1))
            await replay_and_keep({"run": await run.fetch_history()}, [AutonomousDev])
        finally:
            for handle in (live, canary):
                await handle.terminate("the test is over")
