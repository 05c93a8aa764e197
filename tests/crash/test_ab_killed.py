"""`kill -9` of the worker at ten moments of an A/B test: the same draw, the same looks, the same verdict."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tamma.model.ab_run import ABTestStart
from tamma.model.experiment import AB_WORKFLOW, ABTestId, ABTestPlan
from tamma.model.ids import uuid7
from tamma.model.task import TASK_QUEUE
from tamma.model.verdict import ABTestResult, ABTestState
from tamma.stack.process import import_path
from tamma.store.migrate import migrate
from tamma.store.postgres import PostgresStore
from tamma.temporal.plugin import tamma_plugin
from tests.support.experiments import Handle, actor, add_agent, add_suite
from tests.support.histories import replayer
from tests.support.postgres import Server
from tests.support.processes import Child, Temporal, eventually
from workflows.ab_test import ABTest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
TASKS, KILLS = 40, 10


@dataclass
class Place:
    """Servers, a store, and workers that may be killed."""

    folder: Path
    address: str
    dsn: str = field(repr=False)
    client: Client = field(repr=False)
    store: PostgresStore = field(repr=False)
    workers: list[Child] = field(default_factory=list[Child])

    def start_worker(self) -> Child:
        given = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "TAMMA_HOME": str(self.folder),
            "TAMMA_CONFIG_PATH": str(self.folder / "config.json"),
            "TAMMA_TEMPORAL_ADDRESS": self.address,
            "TAMMA_WORKER_HOST": self.folder.name,
            "DATABASE_URL": self.dsn,
            **import_path(),
        }
        command = (sys.executable, "-m", "tamma.worker")
        child = Child(command, given, self.folder, f"worker-{len(self.workers)}")
        self.workers.append(child)
        return child

    async def start(self, plan: ABTestPlan) -> Handle:
        test_id = ABTestId(uuid7())
        handle: Handle = await self.client.start_workflow(
            AB_WORKFLOW,
            ABTestStart(test_id, plan),
            id=f"ab/{test_id}",
            task_queue=TASK_QUEUE,
            result_type=ABTestResult,
        )
        return handle


@asynccontextmanager
async def place(temporal: Temporal, postgres: Server) -> AsyncGenerator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="tamma-ab-", dir="/tmp"))
    dsn = postgres.dsn(postgres.create_database())
    await migrate(dsn)
    providers = [
        {"name": each.name, "providerType": "scripted", "options": dict(each.options)}
        for each in (actor("plain", 0.5), actor("bold", 0.6))
    ]
    config = {"providers": {"default": "plain", "available": providers}}
    (folder / "config.json").write_text(json.dumps(config))
    store = PostgresStore(dsn, min_size=1, max_size=2)
    await store.open()
    client = await Client.connect(temporal.address, plugins=[tamma_plugin()])
    made = Place(folder, temporal.address, dsn, client, store)
    try:
        yield made
    finally:
        for worker in made.workers:
            worker.kill()
        await store.close()
        shutil.rmtree(folder, ignore_errors=True)


async def test_ten_kills_change_nothing(temporal: Temporal, postgres_server: Server) -> None:
    async with place(temporal, postgres_server) as it:
        suite = await add_suite(it.store, TASKS)
        plan = ABTestPlan(
            "drill",
            await add_agent(it.store, "plain", "plain"),
            await add_agent(it.store, "bold", "bold", active=False),
            suite=suite,
            sample_size=TASKS,
            seed=11,
            concurrency=2,
        )
        worker = it.start_worker()
        calm = await (await it.start(plan)).result()

        hurt = await it.start(replace(plan, name="hurt"))
        test_id = ABTestId(hurt.id.removeprefix("ab/"))

        async def ended(count: int) -> bool:
            return len(await it.store.cell_runs(test_id)) >= count

        for count in sorted(random.Random(5).sample(range(1, 2 * TASKS - 4), KILLS)):
            await eventually(lambda count=count: ended(count))
            worker.kill()
            worker = it.start_worker()
        result = await hurt.result()
        await replayer([ABTest]).replay_workflow(await hurt.fetch_history())
        assert await it.store.read_assignments(test_id) == await it.store.read_assignments(calm.test_id)
        assert await measured(it.store, test_id) == await measured(it.store, calm.test_id)
        assert await looks(it.store, test_id) == await looks(it.store, calm.test_id)
        assert (result.verdict, result.effect, result.spent_usd) == (
            calm.verdict,
            calm.effect,
            calm.spent_usd,
        )
        assert result.state is calm.state is ABTestState.ENDED


async def measured(store: PostgresStore, test_id: ABTestId) -> dict[tuple[str, str], Any]:
    """What was measured of each cell, times apart."""
    return {
        (run.cell.unit, run.cell.arm): (run.success, run.cost_usd, run.quality, run.duration_ms)
        for run in await store.cell_runs(test_id)
        if run.cell is not None
    }


async def looks(store: PostgresStore, test_id: ABTestId) -> list[tuple[object, ...]]:
    return [
        (look.number, look.units, look.z, look.boundary, look.crossed, look.asked, look.last)
        for look in await store.read_looks(test_id)
    ]
