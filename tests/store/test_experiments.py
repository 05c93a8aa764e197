"""A/B tests: one contract, every store; draws race on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from tamma.errors import StoreConflict, StoreError
from tamma.experiments.assignment import LiveArms, Unit, assign_paired
from tamma.model.agent import AgentId, AgentPin, ConfigHash, TaskType
from tamma.model.experiment import ABTestId, ABTestPlan, Arm, Assignment, Guardrail, LookPlan, Metric, Mode
from tamma.model.ids import uuid7
from tamma.model.suite import SuiteHash, SuiteRef
from tamma.model.verdict import (
    ABTestResult,
    ABTestState,
    Approver,
    Decision,
    Look,
    Reason,
    StopReason,
    Verdict,
)
from tamma.store.postgres import PostgresStore
from tests.store.conftest import AnyStore
from tests.support.postgres import session

NOW = datetime(2026, 11, 29, 12, 30, 15, 250_000, tzinfo=UTC)
A = AgentPin(AgentId("a"), "plain", 3, ConfigHash("sha256:" + "a" * 64))
B = AgentPin(AgentId("b"), "bold", 1, ConfigHash("sha256:" + "b" * 64))
PLAN = ABTestPlan(
    "quicker-müller",
    A,
    B,
    suite=SuiteRef("drill", SuiteHash("sha256:" + "c" * 64), 20),
    task_types=(TaskType.TESTING,),
    guardrails=(Guardrail(Metric.COST, 0.1),),
    sample_size=20,
    budget_usd=Decimal("12.340"),
    seed=7,
)
LIVE = replace(PLAN, mode=Mode.LIVE, suite=None, repos=("*",), sample_size=40)
LOOKS = (LookPlan(1, 10, 2.9), LookPlan(2, 20, 1.96))
UNITS = [Unit(f"task-{number}", f"testing {number % 3}") for number in range(20)]
DRAWN = assign_paired(7, UNITS, 20, replicates=2)


def new_id() -> ABTestId:
    return ABTestId(uuid7())


def result(
    test_id: ABTestId, plan: ABTestPlan = PLAN, state: ABTestState = ABTestState.RUNNING
) -> ABTestResult:
    return ABTestResult(
        test_id=test_id,
        name=plan.name,
        state=state,
        agent_a=A,
        agent_b=B,
        task_type="testing",
        sample_size=20,
        confidence=0.95,
        effect_size=None,
        winner="agentB",
        improvement=12.5,
        statistical_significance=True,
        verdict=Verdict(Decision.WINNER, (Reason.PRIMARY_WIN,), "better", may_auto_apply=True),
        stop_reason=StopReason.BOUNDARY,
        spent_usd=Decimal("1.20"),
        created_at=NOW,
        approver=Approver("alice", "approve", NOW, authenticated=False),
    )


async def test_a_test_comes_back_whole(store: AnyStore) -> None:
    test_id = new_id()
    await store.create_test(test_id, PLAN, LOOKS, DRAWN)
    assert await store.read_plan(test_id) == (PLAN, LOOKS)
    assert await store.read_assignments(test_id) == DRAWN
    assert await store.read_assignments(test_id, after=4, limit=3) == DRAWN[5:8]
    assert await store.read_plan(new_id()) is None
    assert await store.read_assignments(new_id()) == ()


async def test_creating_it_again_is_done_already_and_another_plan_is_refused(store: AnyStore) -> None:
    test_id = new_id()
    await asyncio.gather(*(store.create_test(test_id, PLAN, LOOKS, DRAWN) for _ in range(5)))
    for plan, drawn in ((replace(PLAN, seed=8), DRAWN), (PLAN, DRAWN[:-1]), (PLAN, ())):
        with pytest.raises(StoreConflict, match="another plan or another assignment"):
            await store.create_test(test_id, plan, LOOKS, drawn)
    assert await store.read_assignments(test_id) == DRAWN


async def test_an_assignment_out_of_order_is_refused_and_nothing_is_kept(store: AnyStore) -> None:
    test_id = new_id()
    twice = (DRAWN[0], replace(DRAWN[0], position=1))
    for wrong in (DRAWN[1:], twice, (Assignment(0, "x", "y", ()),), (replace(DRAWN[0], unit="\x00"),)):
        with pytest.raises(StoreError):
            await store.create_test(test_id, PLAN, LOOKS, wrong)
    assert await store.read_plan(test_id) is None


async def test_looks_are_kept_by_their_number(store: AnyStore) -> None:
    test_id = new_id()
    await store.create_test(test_id, PLAN, LOOKS, DRAWN)
    first = Look(1, 10, 0.5, 1.2, 2.9, False, NOW, Decimal("0.5"), asked=10)
    second = Look(2, 20, 1.0, None, None, True, NOW, Decimal("1.5"), -0.1, 0.3, asked=20, last=True)
    await store.record_look(test_id, second)
    await store.record_look(test_id, replace(first, z=9.9))
    await store.record_look(test_id, first)
    assert await store.read_looks(test_id) == (first, second)
    with pytest.raises(StoreError):
        await store.record_look(new_id(), first)


async def test_the_last_result_counts_and_lists_are_newest_first(store: AnyStore) -> None:
    older, newer = new_id(), new_id()
    with pytest.raises(StoreError, match="no A/B test"):
        await store.save_result(result(older))
    for test_id in (older, newer):
        await store.create_test(test_id, PLAN, LOOKS, DRAWN)
    assert await store.read_result(older) is None
    assert await store.list_results() == ()
    for test_id in (newer, older, older):
        await store.save_result(result(test_id, state=ABTestState.APPLIED))
    assert await store.read_result(older) == result(older, state=ABTestState.APPLIED)
    assert [each.test_id for each in await store.list_results()] == [newer, older]
    assert [each.test_id for each in await store.list_results(limit=1)] == [newer]


async def test_a_test_is_found_by_its_id_its_beginning_or_its_name(store: AnyStore) -> None:
    older, newer = new_id(), new_id()
    for test_id in (older, newer):
        await store.create_test(test_id, PLAN, LOOKS, DRAWN)
    assert await store.find_test(older) == older
    assert await store.find_test(PLAN.name) == newer
    assert await store.find_test(newer[:-1]) == newer
    assert await store.find_test("no such") is None
    assert await store.find_test("") is None


async def test_a_live_unit_keeps_its_arm_and_strata_are_balanced(store: AnyStore) -> None:
    test_id = new_id()
    await store.create_test(test_id, LIVE, LOOKS, ())
    units = [(f"repo-{number % 2}#{number}", f"testing repo-{number % 2}") for number in range(40)]
    arms = {unit: LiveArms(7, stratum) for unit, stratum in units}

    async def draw(unit: str, stratum: str) -> Arm | None:
        return await store.draw_live(test_id, unit, stratum, arms[unit], most=40)

    drawn = await asyncio.gather(*(draw(*unit) for unit in units * 2))
    assert drawn[:40] == drawn[40:]
    kept = await store.read_assignments(test_id)
    assert [each.position for each in kept] == list(range(40))
    assert {each.unit: each.arms for each in kept} == {
        unit: (arm,) for (unit, _), arm in zip(units, drawn, strict=False)
    }
    for stratum in {stratum for _, stratum in units}:
        ours = [each.arms[0] for each in kept if each.stratum == stratum]
        expected = LiveArms(7, stratum)
        assert ours == [expected(number) for number in range(20)], "the seed's own sequence"
        assert abs(Counter(ours)[Arm.CONTROL] - 10) <= 3, "no block leaves more than half of itself open"
    assert await draw(*units[3]) == drawn[3]
    arms["more"] = LiveArms(7, "testing repo-0")
    assert await draw("more", "testing repo-0") is None, "the test is full"


async def test_a_draw_for_no_test_is_refused(store: AnyStore) -> None:
    with pytest.raises(StoreError, match="no A/B test"):
        await store.draw_live(new_id(), "u", "s", LiveArms(1, "s"), most=5)


async def test_live_tests_take_runs_while_they_run(store: AnyStore) -> None:
    paired, live = new_id(), new_id()
    await store.create_test(paired, PLAN, LOOKS, DRAWN)
    await store.create_test(live, LIVE, LOOKS, ())
    assert await store.live_tests() == ()
    for test_id in (paired, live):
        await store.save_result(result(test_id))
    assert await store.live_tests() == ((live, LIVE),)
    now = datetime.now(UTC)
    for ago, takes in ((timedelta(hours=1), True), (timedelta(hours=3), False)):
        await store.save_result(replace(result(live), alive_at=now - ago))
        assert bool(await store.live_tests()) is takes
    await store.save_result(replace(result(live), paused=True))
    assert await store.live_tests() == ()
    await store.save_result(result(live, state=ABTestState.AWAITING_APPROVAL))
    assert await store.live_tests() == ()


async def test_canaries_are_the_tests_that_watch_a_version(store: AnyStore) -> None:
    watching, ended, other = new_id(), new_id(), new_id()
    for test_id, state, version in (
        (watching, ABTestState.CANARY, 2),
        (ended, ABTestState.APPLIED, 2),
        (other, ABTestState.CANARY, 3),
    ):
        await store.create_test(test_id, PLAN, LOOKS, DRAWN)
        await store.save_result(replace(result(test_id, state=state), applied_version=version))
    assert await store.canaries(A.agent_id, 2) == (watching,)
    assert await store.canaries(A.agent_id, 1) == ()
    assert await store.canaries(AgentId("another"), 2) == ()


async def test_analyses_are_kept_by_key_newest_first(store: AnyStore) -> None:
    body: dict[str, object] = {"agents": [{"name": "ü", "rate": 0.5}], "none": None}
    later = (NOW + timedelta(hours=1)).astimezone(timezone(timedelta(hours=2)))
    await store.save_analysis("daily/1", NOW, {"first": True})
    await store.save_analysis("daily/2", later, body)
    await store.save_analysis("daily/1", NOW, {"first": False})
    assert await store.read_analyses() == (("daily/2", later, body), ("daily/1", NOW, {"first": False}))
    assert [key for key, _, _ in await store.read_analyses(limit=1)] == ["daily/2"]
    with pytest.raises(StoreError, match="JSON"):
        await store.save_analysis("x", NOW, {"x": float("nan")})
    with pytest.raises(StoreError, match="time zone"):
        await store.save_analysis("x", NOW.replace(tzinfo=None), {})


async def test_twenty_connections_draw_without_a_gap(postgres: PostgresStore) -> None:
    """Each draws as a process of its own would: through its own connection, knowing nothing of the others."""
    test_id = new_id()
    await postgres.create_test(test_id, replace(LIVE, sample_size=150), LOOKS, ())
    drawn = await asyncio.gather(
        *(postgres.draw_live(test_id, f"u{number}", "s", LiveArms(7, "s"), most=150) for number in range(160))
    )
    assert drawn.count(None) == 10
    kept = await postgres.read_assignments(test_id)
    arms = LiveArms(7, "s")
    assert [each.arms[0] for each in kept] == [arms(number) for number in range(150)]


async def test_the_database_refuses_to_change_a_plan_or_an_assignment(
    postgres: PostgresStore, dsn: str
) -> None:
    test_id = new_id()
    await postgres.create_test(test_id, PLAN, LOOKS, DRAWN)
    async with session(dsn) as connection:
        for statement in (
            "UPDATE ab_assignments SET unit = 'x'",
            "DELETE FROM ab_assignments",
            "UPDATE ab_tests SET plan = '{}'",
        ):
            with pytest.raises(Exception, match=r"drawn once|does not change"):
                await connection.execute(statement)
    assert await postgres.read_assignments(test_id) == DRAWN
