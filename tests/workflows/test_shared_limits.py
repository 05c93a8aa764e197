"""Runs that share a limit of spending wait for each other, for the next day, or for a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.budgets import BudgetActivities
from tamma.model.budget import Period, SpendLimit
from tamma.model.conversation import Cost, CostSource
from tamma.model.ids import SessionId
from tamma.model.task import ApprovePolicy, Control, Gate, Limits, Reply, TaskStatus, TaskView
from tamma.providers.scripted import provider
from tamma.store.memory import MemoryStore
from tests.support.loop import ISSUE, Handle, Loop, running_loop
from tests.support.skipping import skipping_time
from tests.support.spender import Calls, Spender

CALLS = 9
"""Model calls of a run on the happy way: a plan, four for the test, three for the change, a review."""
PRICE = Decimal("0.10")
ISSUES = {"acme/calc": {"1": ISSUE, "2": ISSUE}}


@pytest.fixture(autouse=True)
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripted model has a price here."""
    monkeypatch.setattr(provider, "NO_COST", Cost(PRICE, CostSource.CONFIG))


async def limited(usd: str, period: Period, store: MemoryStore | None = None) -> MemoryStore:
    store = store or MemoryStore()
    await store.set_spend_limit(SpendLimit("*:acme/*", period, Decimal(usd)))
    return store


async def spent(store: MemoryStore, at: datetime) -> tuple[Decimal, Decimal]:
    """Spent and reserved of the one limit."""
    (standing,) = await store.limits_standing(at)
    return standing.spent, standing.reserved


def short_of_money(view: TaskView) -> bool:
    return view.waiting_for is not None and view.waiting_for.gate is Gate.BUDGET


async def resume(handle: Handle) -> None:
    await handle.execute_update("resume", Control("ada"), result_type=Reply)  # pyright: ignore[reportUnknownMemberType] - an overload of the SDK


async def test_two_share_a_day_and_the_second_goes_on_the_next() -> None:
    store = await limited("1.20", Period.DAY)
    budgets = BudgetActivities(store)
    calls = Calls("github:acme/calc", CALLS, PRICE)
    async with (
        skipping_time() as env,
        Worker(
            env.client,
            task_queue="spend",
            workflows=[Spender],
            activities=[budgets.reserve_spending, budgets.settle_spending, budgets.await_room],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ),
    ):
        began = await env.get_current_time()
        midnight = Period.DAY.turns(began)
        assert midnight is not None
        handles = [
            await env.client.start_workflow(Spender.run, calls, id=name, task_queue="spend") for name in "ab"
        ]
        results = [await handle.result() for handle in handles]
        ended = sorted([(await handle.describe()).close_time or began for handle in handles])
    assert ended[0] < midnight < ended[1] < midnight + timedelta(minutes=5)
    waits = [waiting for result in results for waiting in result.waits]
    assert f"it goes on by itself at {midnight:%Y-%m-%d} 00:00 UTC" in waits[-1].hint
    assert all(waiting.gate is Gate.BUDGET and not waiting.person for waiting in waits)
    # The second took what the first gave back, and both days stayed below the limit.
    both, held = await spent(store, began)
    tomorrow, _ = await spent(store, midnight)
    assert (both, held) == (2 * CALLS * PRICE, 0)
    assert CALLS * PRICE < both - tomorrow <= Decimal("1.20")


async def test_a_raised_limit_lets_a_run_go_on_and_the_model_hears_what_remains(
    client: Client, tmp_path: Path
) -> None:
    store = await limited("0", Period.TOTAL)
    async with running_loop(client, tmp_path, store=store) as loop:
        handle = await loop.submit()
        view = await loop.until(handle, short_of_money)
        assert view.status is TaskStatus.PAUSED
        assert view.spend.turns == 0
        assert view.waiting_for is not None
        assert "total limit of 0.00 USD for '*:acme/*'" in view.waiting_for.reason
        assert "tamma budget set --repo '*:acme/*' --per total" in view.waiting_for.hint
        # The plan and two calls more; then the session waits where it stands.
        await limited("0.40", Period.TOTAL, store)
        await resume(handle)
        view = await loop.until(handle, lambda view: short_of_money(view) and view.session_workflow)
        assert await spent(store, datetime.now(UTC)) == (3 * PRICE, 0)
        await limited("5", Period.TOTAL, store)
        await resume(handle)
        result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert result.spend.turns == CALLS
        assert await spent(store, datetime.now(UTC)) == (CALLS * PRICE, 0)
        (opening, *_) = await store.read_entries(SessionId(f"{view.task_id}/agent"))
        assert "2.90 USD of model calls, 99 model calls" in opening.message.text


async def holding(loop: Loop) -> Handle:
    """A run that waits for turns in its session, and holds money."""
    limits = Limits(max_turns=3, worker_lost_after=10, checks_grace=0.2, poll=0.1)
    handle = await loop.submit(limits=limits)
    await loop.until(handle, lambda view: view.waiting_for and view.waiting_for.gate is Gate.TURNS)
    return handle


async def test_what_a_dead_run_held_is_free_for_the_next(client: Client, tmp_path: Path) -> None:
    store = await limited("1.00", Period.DAY)
    async with running_loop(client, tmp_path, store=store, issues=ISSUES) as loop:
        first = await holding(loop)
        assert await spent(store, datetime.now(UTC)) == (0, 1)
        second = await loop.submit("2", merge="never")
        await loop.until(second, short_of_money)
        await first.terminate("as if somebody had ended it by hand")
        await resume(second)
        # The dead run's three calls are known from its transcripts; seven are left for the second.
        view = await loop.until(second, lambda view: short_of_money(view) and view.spend.turns)
        today, held = await spent(store, datetime.now(UTC))
        assert held == 0
        assert 3 * PRICE < today <= 1
        assert view.waiting_for is not None
        assert not view.waiting_for.person
        await second.execute_update("cancel", Control("ada"), result_type=Reply)  # pyright: ignore[reportUnknownMemberType] - an overload of the SDK
        assert (await second.result()).status is TaskStatus.CANCELLED
        assert await store.open_reservations() == ()


@pytest.mark.slow
async def test_who_waits_for_a_person_or_is_cancelled_holds_nothing(client: Client, tmp_path: Path) -> None:
    store = await limited("5", Period.DAY)
    async with running_loop(client, tmp_path, store=store) as loop:
        handle = await loop.submit(approve=ApprovePolicy.PLAN)
        await loop.until(handle, lambda view: view.waiting_for)
        # Whoever waits for a person holds nothing.
        assert await spent(store, datetime.now(UTC)) == (PRICE, 0)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert await spent(store, datetime.now(UTC)) == (PRICE, 0)
        assert await store.open_reservations() == ()
