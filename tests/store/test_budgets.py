"""Limits that runs share: one contract, every store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tamma.model.budget import LimitStanding, Period, Reservation, Settlement, SpendLimit, scope_of
from tamma.model.conversation import Message, Role, Text
from tamma.model.ids import SessionId, TaskId
from tamma.store.interface import Entry
from tests.store.conftest import AnyStore

NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)
NEXT_DAY = NOON + timedelta(days=1)
REPO = "github:acme/calc"
NOTHING = Settlement("")


def wish(task: str, key: str = "run-0", repo: str = REPO) -> Reservation:
    return Reservation(TaskId(task), key, repo, f"dev/{task}", "r1")


async def take(
    store: AnyStore,
    task: str,
    usd: str = "1",
    *,
    least: str = "0.05",
    key: str = "run-0",
    repo: str = REPO,
    at: datetime = NOON,
    settles: Settlement = NOTHING,
) -> Decimal | None:
    return await store.reserve(wish(task, key, repo), Decimal(usd), Decimal(least), at, settles)


async def limit(store: AnyStore, usd: str, period: Period = Period.DAY, scope: str = "*") -> SpendLimit:
    made = SpendLimit(scope_of(scope), period, Decimal(usd), "ada")
    await store.set_spend_limit(made)
    return made


async def gone(store: AnyStore, at: datetime = NOON) -> list[tuple[Decimal, Decimal]]:
    """Spent and reserved of each limit."""
    return [(each.spent, each.reserved) for each in await store.limits_standing(at)]


async def test_fifty_at_once_never_hold_more_than_the_limit(store: AnyStore) -> None:
    await limit(store, "5")
    await limit(store, "9.5", Period.MONTH, "acme/*")
    amounts = await asyncio.gather(*(take(store, f"t{n}", "0.3", least="0.1") for n in range(50)))
    granted = [each for each in amounts if each is not None]
    assert sum(granted) == Decimal(5)
    assert len(granted) == 17  # sixteen whole slices and the rest
    spent = [
        store.settle(TaskId(f"t{n}"), Settlement("run-0", Decimal("0.25")), NOON)
        for n, each in enumerate(amounts)
        if each is not None
    ]
    more = [take(store, f"m{n}", "0.3", least="0.1") for n in range(50)]
    _, late = await asyncio.gather(asyncio.gather(*spent), asyncio.gather(*more))
    for standing in await store.limits_standing(NOON):
        assert standing.spent == Decimal("4.25")
        assert standing.left >= 0
        assert standing.reserved == sum(each for each in late if each is not None)


async def test_the_same_reservation_again_is_the_same_one(store: AnyStore) -> None:
    await limit(store, "1.20")
    assert await take(store, "a") == 1
    assert await take(store, "a", "0.5") == 1
    assert await take(store, "b") == Decimal("0.20")
    assert await gone(store) == [(0, Decimal("1.20"))]
    await store.settle(TaskId("a"), Settlement("run-0", Decimal("0.4")), NOON)
    await store.settle(TaskId("a"), Settlement("run-0", Decimal("0.4")), NOON)
    assert await take(store, "a") == 1  # what comes late is answered, and holds nothing
    assert await gone(store) == [(Decimal("0.4"), Decimal("0.20"))]


async def test_the_next_reservation_settles_the_one_before_even_where_it_is_refused(store: AnyStore) -> None:
    await limit(store, "1")
    assert await take(store, "a") == 1
    first = Settlement("run-0", Decimal("0.98"))
    for _ in range(2):
        assert await take(store, "a", key="run-1", settles=first) is None
        assert await gone(store) == [(Decimal("0.98"), 0)]
    await limit(store, "3")
    assert await take(store, "a", key="run-1", settles=first) == 1
    assert await gone(store) == [(Decimal("0.98"), 1)]
    # A settlement of the first that comes late does not touch the second.
    await store.settle(TaskId("a"), first, NOON)
    assert await gone(store) == [(Decimal("0.98"), 1)]
    assert [(each.key, each.usd) for each in await store.open_reservations()] == [("run-1", 1)]


async def test_days_and_months_turn_and_the_total_does_not(store: AnyStore) -> None:
    for period in Period:
        await limit(store, "1", period)
    assert await take(store, "a", "0.9") == Decimal("0.9")
    # What is held over midnight counts on both days, what is spent on the day of its settlement.
    assert await gone(store, NEXT_DAY) == [(0, Decimal("0.9"))] * 3
    await store.settle(TaskId("a"), Settlement("run-0", Decimal("0.9")), NOON)
    spent = {each.limit.period: each.spent for each in await store.limits_standing(NEXT_DAY)}
    assert spent == {Period.DAY: 0, Period.MONTH: 0, Period.TOTAL: Decimal("0.9")}
    spent = {
        each.limit.period: each.spent for each in await store.limits_standing(NOON - timedelta(hours=12))
    }
    assert set(spent.values()) == {Decimal("0.9")}
    assert await take(store, "b", "0.2", least="0.2", at=NEXT_DAY) is None


async def test_limits_are_for_the_repositories_of_their_scope(store: AnyStore) -> None:
    await limit(store, "1", scope="acme/c_lc")
    await limit(store, "2", scope="acme/*")
    assert await take(store, "a", "5", repo="github:other/calc") == 5
    assert await take(store, "b", "5") == 2
    assert [each.limit.scope for each in await store.limits_standing(NOON, "github:acme/c_lc")] == [
        "*:acme/*",
        "*:acme/c_lc",
    ]
    assert await store.limits_standing(NOON, "github:other/calc") == ()
    assert await gone(store) == [(0, 2), (0, 0)]


async def test_what_was_spent_before_a_limit_was_set_counts(store: AnyStore) -> None:
    assert await take(store, "a", "3") == 3
    await store.settle(TaskId("a"), Settlement("run-0", Decimal("2.5")), NOON)
    made = await limit(store, "2")
    assert await store.limits_standing(NOON) == (LimitStanding(made, Decimal("2.5"), Decimal(0)),)
    assert await take(store, "b") is None
    changed = await limit(store, "4")
    assert await store.limits_standing(NOON) == (LimitStanding(changed, Decimal("2.5"), Decimal(0)),)
    assert await store.remove_spend_limit("*", Period.DAY)
    assert not await store.remove_spend_limit("*", Period.DAY)
    assert await take(store, "b", "9") == 9


async def test_what_nobody_can_say_stands_in_the_transcripts(store: AnyStore) -> None:
    await limit(store, "9")

    async def call(session: str, cost: str | None, at: datetime) -> None:
        usd = None if cost is None else Decimal(cost)
        entry = Entry(0, Message(Role.ASSISTANT, (Text("x"),)), cost_usd=usd, recorded_at=at)
        await store.append_entries(SessionId(session), (entry,))

    await call("a/plan", "4", NOON - timedelta(hours=1))  # settled long ago
    await call("a/agent", "0.5", NOON + timedelta(minutes=1))
    await call("a/agent-2", "0.25", NOON + timedelta(minutes=2))
    await call("a/review", None, NOON + timedelta(minutes=2))
    await call("ab/agent", "1", NOON + timedelta(minutes=1))
    assert await take(store, "a") == 1
    await store.settle(TaskId("a"), Settlement(), NOON + timedelta(minutes=3))
    assert await gone(store) == [(Decimal("0.75"), 0)]
    assert await store.open_reservations() == ()


async def test_each_of_several_tries_is_settled_by_its_own_transcript(store: AnyStore) -> None:
    await limit(store, "9")
    for number, cost in ((1, "0.5"), (2, "0.25"), (3, "0.125")):
        assert await take(store, "a", key=f"agent-try-{number}-0") == 1
        entry = Entry(
            0, Message(Role.ASSISTANT, (Text("x"),)), cost_usd=Decimal(cost), recorded_at=NOON + timedelta(1)
        )
        await store.append_entries(SessionId(f"a/agent-try-{number}"), (entry,))
    await store.settle(TaskId("a"), Settlement("agent-try-1-0", Decimal("0.5")), NOON)
    assert await gone(store) == [(Decimal("0.5"), 2)], "the others hold theirs"
    await store.settle(TaskId("a"), Settlement("agent-try-2-0"), NOON)
    assert await gone(store) == [(Decimal("0.75"), 1)]
    assert await take(store, "a", key="run-0", settles=Settlement()) == 1
    assert await gone(store) == [(Decimal("0.875"), 1)]
    assert [each.key for each in await store.open_reservations()] == ["run-0"]
