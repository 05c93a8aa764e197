"""A run whose money is gone stands still, and goes on where it stood: days later, or with the next day."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tamma.model.budget import Period, SpendLimit
from tamma.model.conversation import Cost, CostSource
from tamma.model.task import BudgetChange, Gate, Limits, Phase, TaskStatus, TaskView
from tamma.providers.scripted import provider
from tamma.store.memory import MemoryStore
from tests.support.loop import running_loop
from tests.support.skipping import skipping_time
from tests.workflows.test_gates import tell
from tests.workflows.test_shared_limits import spent

PRICE = Decimal("0.10")
CALLS = 9
"""Model calls of a run on the happy way."""

PATIENCE = 240
"""Seconds for what takes a few: the machine may be busy."""

pytestmark = pytest.mark.timeout(600)


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
        seen = await loop.until(handle, short_of_money, seconds=PATIENCE)
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


@pytest.mark.slow
@pytest.mark.usefixtures("priced")
async def test_a_days_limit_that_is_met_in_mid_session_holds_until_the_next_day(tmp_path: Path) -> None:
    store = MemoryStore()
    await store.set_spend_limit(SpendLimit("*:acme/*", Period.DAY, PRICE * 7))
    async with skipping_time() as env, running_loop(env.client, tmp_path, store=store) as loop:
        # A look for room every half a minute: from the evening on they are a few hundred.
        await env.sleep(until_midnight(await env.get_current_time()) + timedelta(hours=21))
        today = await env.get_current_time()
        tomorrow = today + until_midnight(today)
        handle = await loop.submit()
        seen = await loop.until(
            handle, lambda view: short_of_money(view) and view.session_workflow, seconds=PATIENCE
        )
        assert seen.phase is Phase.IMPLEMENT
        assert seen.waiting_for is not None
        assert not seen.waiting_for.person
        assert f"by itself at {tomorrow:%Y-%m-%d} 00:00 UTC" in seen.waiting_for.hint
        # Once and a half a call is kept free for the next: it is not made.
        assert await spent(store, today) == (PRICE * 6, 0)
        both = [handle, env.client.get_workflow_handle(seen.session_workflow)]
        told = [(await each.describe()).history_length for each in both]

        await env.sleep(until_midnight(await env.get_current_time()) - timedelta(minutes=1))
        assert short_of_money(await loop.view(handle))
        assert [(await each.describe()).history_length for each in both] == told, (
            "it looked, and noted nothing"
        )
        await env.sleep(timedelta(minutes=2))
        with env.auto_time_skipping_disabled():
            result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert loop.effects("merge_pr") == 1
    assert result.spend.turns == CALLS, "no call was paid twice"
    assert await spent(store, tomorrow) == (PRICE * 3, 0)


def until_midnight(now: datetime) -> timedelta:
    """By UTC, which limits go by."""
    midnight = Period.DAY.turns(now)
    assert midnight is not None
    return midnight - now
