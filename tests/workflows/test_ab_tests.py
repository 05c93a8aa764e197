"""A/B tests from the plan to the rollback, with rehearsal agents of known rates and skipped time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tamma.model.ab_run import ABAnswer
from tamma.model.experiment import ABTestState, Decision
from tests.support.experiments import lab
from tests.support.skipping import skipping_time


async def test_a_winner_is_found_approved_applied_and_rolled_back(tmp_path: Path) -> None:
    """200 tasks, .4 against .7; approval by signal after 3 days; then the new version fails in production."""
    async with skipping_time() as env, lab(env.client, tmp_path, tasks=200, control=0.4, candidate=0.7) as it:
        handle = await it.start()
        seen = await it.until(handle, lambda view: view.state is ABTestState.AWAITING_APPROVAL)
        assert seen.verdict is not None
        assert seen.verdict.decision is Decision.WINNER
        await env.sleep(timedelta(days=3))
        await handle.signal("approve", ABAnswer(by="alice"))
        result = await handle.result()
    print(result)
