"""Small experiments from their beginning to their end, whose histories tests/replay replays for ever."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.model.ab_run import ABAnswer
from tamma.model.bench import BENCH_WORKFLOW, BenchArm, BenchId, BenchRequest, BenchState, BenchView
from tamma.model.experiment import Arm, Canary
from tamma.model.ids import uuid7
from tamma.model.metrics import Cell
from tamma.model.task import TASK_QUEUE
from tamma.model.trial import trial_id
from tamma.model.verdict import ABTestState
from tests.support.experiments import add_runs, lab, production_run
from tests.support.histories import replay_and_keep
from workflows.ab_test import ABTest
from workflows.bench_run import BenchRun
from workflows.trial import Trial

pytestmark = pytest.mark.slow


async def test_a_test_and_a_trial(client: Client, tmp_path: Path) -> None:
    async with lab(client, tmp_path, tasks=12, control=0.0, candidate=1.0) as it:
        await add_runs(it.store, it.control, [True] * 40)
        handle = await it.start(it.plan(looks=1, concurrency=2, canary=Canary(runs=3)))
        await it.until(handle, lambda view: view.trials_ended > 2)
        await it.say(handle, "pause", ABAnswer("bob"))
        await it.say(handle, "resume", ABAnswer("bob"))
        await it.until(handle, lambda view: view.state is ABTestState.AWAITING_APPROVAL)
        await handle.signal("approve", ABAnswer("alice"))
        await it.until(handle, lambda view: view.canary is not None)
        pin = replace(it.control, version=2, hash=it.candidate.hash)
        for _ in range(3):
            await it.store.record_run(production_run(pin, datetime.now(UTC), True))
        await handle.signal("run_ended")
        async with asyncio.timeout(120):
            result = await handle.result()
        assert (result.state, result.applied_version) == (ABTestState.APPLIED, 2)
        (first, *_) = await it.store.read_assignments(result.test_id)
        trial = client.get_workflow_handle(trial_id(Cell(result.test_id, Arm.CONTROL.value, first.unit, 0)))
        histories = {"test": await handle.fetch_history(), "trial": await trial.fetch_history()}
        await replay_and_keep(histories, [ABTest, Trial])


async def test_a_benchmark(client: Client, tmp_path: Path) -> None:
    async with lab(client, tmp_path, tasks=3) as it:
        arms = (BenchArm("plain", it.control), BenchArm("bold", it.candidate))
        request = BenchRequest(BenchId(uuid7()), it.suite, arms, repeats=2, concurrency=2)
        handle = await client.start_workflow(
            BENCH_WORKFLOW,
            request,
            id=f"bench/{request.bench_id}",
            task_queue=TASK_QUEUE,
            result_type=BenchView,
        )
        async with asyncio.timeout(120):
            view = await handle.result()
        assert (view.state, view.request.tally.ended) == (BenchState.COMPLETED, 12)
        await replay_and_keep({"bench": await handle.fetch_history()}, [BenchRun])
