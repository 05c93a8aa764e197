"""What a benchmark reads and keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from temporalio import activity

from activities.failures import failing_well
from activities.heartbeat import heard
from activities.interface import Done
from activities.interface.trials import READ_TASKS, SAVE_BENCH, ReadTasks, SaveBench, TaskBrief, TaskPage
from tamma.model.bench import BenchRecord
from tamma.store.interface import Store


class BenchActivities:
    """Holds the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @activity.defn(name=READ_TASKS.name)
    @failing_well
    @heard
    async def read_tasks(self, given: ReadTasks) -> TaskPage:
        """The next tasks of a suite, in its order."""
        ids = await self._store.list_tasks(given.suite, after=given.after, limit=given.limit)
        found = [await self._store.read_task(given.suite, task_id) for task_id in ids]
        return TaskPage(
            tuple(
                TaskBrief(task.id, Decimal(0) if task.rehearsal else task.limits.budget_usd)
                for task in found
                if task is not None
            )
        )

    @activity.defn(name=SAVE_BENCH.name)
    @failing_well
    @heard
    async def save_bench(self, given: SaveBench) -> Done:
        """Keep how a benchmark stands."""
        known = await self._store.find_bench(given.request.bench_id)
        now = datetime.now(UTC)
        await self._store.save_bench(
            BenchRecord(
                given.request,
                given.state,
                known.created_at if known else now,
                now if given.state.over else None,
                given.reason,
            )
        )
        return Done()
