"""From an issue to a merged, tested change."""

from __future__ import annotations

from pathlib import Path

from temporalio.client import Client

from tamma.model.task import Phase, TaskStatus
from tests.support.loop import running_loop


async def test_an_issue_becomes_a_merged_tested_change(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await loop.submit()
        result = await handle.result()
        seen = await loop.view(handle)

        assert result.status is TaskStatus.COMPLETED, seen
        assert seen.phase is Phase.DONE
        assert "len(values) + 1" not in loop.show("main:calc.py")
        assert "test_mean" in loop.show("main:tests/test_mean.py")
        assert seen.red_test is not None
        assert seen.red_test.exit_code == 1
        assert seen.tests is not None
        assert seen.tests.exit_code == 0
        assert result.spend.turns == 9
        for operation in ("ensure_pr", "merge_pr", "close_issue"):
            assert loop.effects(operation) == 1, operation
