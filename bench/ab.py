"""An A/B test of 1,000 tasks with rehearsal agents, through the product's one worker: history and pace."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from temporalio.client import Client

from bench.figures import Figure, plain, samples
from bench.surroundings import REHEARSED, Stack
from tamma.model.ab_run import ABTestStart
from tamma.model.agent import AgentConfig, AgentId, AgentPin
from tamma.model.experiment import AB_WORKFLOW, ABTestId, ABTestPlan
from tamma.model.ids import uuid7
from tamma.model.task import TASK_QUEUE
from tamma.model.verdict import ABTestResult
from tamma.store.postgres import PostgresStore
from tamma.suites.content import ref_of
from tamma.suites.rehearsal import rehearsal_suite

TASKS = int(os.environ.get("TAMMA_BENCH_AB_TASKS", "1000"))
MOST_MEGABYTES = 5.0
"""Of the test's own history, over all the runs that it goes on in; trials have histories of their own."""


async def measure(stack: Stack) -> Sequence[Figure]:
    """The figures. The rates are alike, so that no look ends the test early."""
    store = PostgresStore(stack.info.database_url, min_size=1, max_size=2)
    await store.open()
    try:
        suite = rehearsal_suite("bench", TASKS)
        await store.put_suite(suite)
        control, candidate = [await _agent(store, name) for name in REHEARSED]
    finally:
        await store.close()
    plan = ABTestPlan(
        "bench",
        control,
        candidate,
        suite=ref_of(suite),
        sample_size=TASKS,
        minimum_effect=0.001,
        concurrency=20,
        seed=1,
    )
    test_id = ABTestId(uuid7())
    begun = time.monotonic()
    result: ABTestResult = await stack.client.execute_workflow(
        AB_WORKFLOW,
        ABTestStart(test_id, plan),
        id=f"ab/{test_id}",
        task_queue=TASK_QUEUE,
        result_type=ABTestResult,
    )
    seconds = time.monotonic() - begun
    sizes = await _sizes(stack.client, f"ab/{test_id}")
    if result.units != TASKS:
        raise RuntimeError(f"the test ended after {result.units} of {TASKS} tasks: {result}")
    return [
        plain(
            "ab.history",
            f"history of an A/B test of {TASKS} tasks in both arms, over all its runs",
            samples("MB", [sum(sizes) / 1e6]),
            goal=MOST_MEGABYTES * TASKS / 1000,
            runs=len(sizes),
            largest_mb=max(sizes) / 1e6,
        ),
        plain(
            "ab.trial",
            "time a rehearsed trial takes of an A/B test, 20 at once",
            samples("ms", [1000 * seconds / (2 * TASKS)]),
            seconds=seconds,
        ),
    ]


async def _agent(store: PostgresStore, name: str) -> AgentPin:
    made = await store.create_agent(
        AgentId(uuid7()), name, AgentConfig(name), author="bench", reason="to be measured"
    )
    return AgentPin(made.agent_id, name, made.number, made.hash)


async def _sizes(client: Client, workflow: str) -> list[int]:
    """Bytes of history of each run that the workflow went on in."""
    found: list[int] = []
    async for execution in client.list_workflows(f"WorkflowId = '{workflow}'"):
        handle = client.get_workflow_handle(workflow, run_id=execution.run_id)
        described = await handle.describe()
        found.append(described.raw_description.workflow_execution_info.history_size_bytes)
    return found
