"""What a run merged is looked after by itself: a schedule of Temporal's starts the look."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client, ScheduleActionExecutionStartWorkflow

from activities.interface.kept import RevertsLooked
from activities.kept import WINDOW
from tamma.model.metrics import QualityPart
from tamma.model.task import TaskStatus
from tamma.store.memory import MemoryStore
from tamma.temporal.daily import ensure_kept_check
from tests.support.histories import replay_and_keep
from tests.support.loop import REPO, git, running_loop
from workflows.kept_check import KeptCheck


async def test_a_merged_change_is_judged_when_its_window_is_over(client: Client, tmp_path: Path) -> None:
    store, name = MemoryStore(), f"kept-check-{tmp_path.name}"
    async with running_loop(client, tmp_path, store=store) as loop:
        handle = await loop.submit()
        result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        run = (await loop.view(handle)).measured
        assert run is not None
        merged = run.merged
        assert merged is not None
        assert (merged.repo, merged.branch, merged.sha) == (REPO, "main", result.merge_sha)
        assert git(loop.remote, "rev-parse", "main") == merged.sha
        assert merged.pull_request
        assert run.started_at < merged.at <= run.ended_at

        # The same as if it had been merged a fortnight ago; it is there, and nothing came after it.
        at = merged.at - WINDOW - timedelta(hours=1)
        older = replace(merged, at=at)
        await store.record_run(replace(run, run_id="older", started_at=at, ended_at=at, merged=older))
        assert await ensure_kept_check(client, name)
        assert not await ensure_kept_check(client, name)
        schedule = client.get_schedule_handle(name)
        try:
            await schedule.trigger()
            async with asyncio.timeout(120):
                while not (done := (await schedule.describe()).info.recent_actions):  # noqa: ASYNC110 - the server has to be asked
                    await asyncio.sleep(0.05)
            started = done[0].action
            assert isinstance(started, ScheduleActionExecutionStartWorkflow)
            look = client.get_workflow_handle(
                started.workflow_id,
                first_execution_run_id=started.first_execution_run_id,
                result_type=RevertsLooked,
            )
            found = await look.result()
            await replay_and_keep({"look": await look.fetch_history()}, [KeptCheck])
        finally:
            await schedule.delete()
    assert found == RevertsLooked(kept=1)
    judged, young = await store.read_run("older"), await store.read_run(run.run_id)
    assert judged is not None
    assert QualityPart("kept", 100.0, 0.5, "stood 14 days") in judged.quality_parts
    assert young == run
