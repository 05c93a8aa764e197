"""A run whose money is gone stands still, and goes on days later where it stood."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tamma.model.conversation import Cost, CostSource
from tamma.model.task import BudgetChange, Gate, Limits, TaskStatus, TaskView
from tamma.providers.scripted import provider
from tests.support.loop import running_loop
from tests.support.skipping import skipping_time
from tests.workflows.test_gates import tell

PRICE = Decimal("0.10")
CALLS = 9
"""Model calls of a run on the happy way."""


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripted model has a price here."""
    monkeypatch.setattr(provider, "NO_COST", Cost(PRICE, CostSource.CONFIG))


def short_of_money(view: TaskView) -> bool:
    return view.waiting_for is not None and view.waiting_for.gate is Gate.BUDGET


@pytest.mark.slow
@pytest.mark.usefixtures("priced")
async def test_money_that_is_gone_in_mid_session_comes_two_days_later(tmp_path: Path) -> None:
    async with skipping_time() as env, running_loop(env.client, tmp_path) as loop:
        began = await env.get_current_time()
        limits = Limits(budget_usd=PRICE * 3, checks_grace=0.2, poll=0.1, command_timeout=60)
        handle = await loop.submit(limits=limits)
        seen = await loop.until(handle, short_of_money)
        assert seen.spend.turns == 1
        assert seen.session_workflow, "it waits in the middle of a session"
        await env.sleep(timedelta(days=2))
        assert short_of_money(await loop.view(handle))
        await tell(handle, "add_budget", BudgetChange(add_usd=Decimal(2), by="ada"))
        with env.auto_time_skipping_disabled():
            result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert result.spend.turns == CALLS, "no call was paid twice"
        assert await env.get_current_time() - began >= timedelta(days=2)
