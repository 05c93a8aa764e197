"""Sums and samples of runs: one contract, every store."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tamma.errors import StoreError
from tamma.model.agent import AgentId, AgentPin, ConfigHash, TaskType
from tamma.model.analysis import MetricFilter, TimeRange
from tamma.model.ids import TaskId
from tamma.model.measured import RunGroup, merged, sampled
from tamma.model.metrics import ContextUse, RunKind, RunMetrics
from tests.store.conftest import AnyStore

DAY = datetime(2030, 1, 1, tzinfo=UTC)
WEEK = TimeRange(DAY, DAY + timedelta(days=7))
RUN = RunMetrics(
    run_id="r",
    task_id=TaskId("t"),
    kind=RunKind.PRODUCTION,
    agent=AgentPin(AgentId("a-1"), "shop", 1, ConfigHash("sha256:1")),
    provider="claude",
    model="m",
    served_models=("m-1",),
    repo="acme/calc",
    issue="1",
    task_type=TaskType.TESTING,
    started_at=DAY,
    ended_at=DAY,
    duration_ms=60_000,
    waiting_ms=0,
    turns=3,
    input_tokens=900,
    output_tokens=100,
    cache_read_tokens=450,
    cost_usd=Decimal("0.1"),
    unpriced_calls=0,
    success=True,
    quality=80.0,
    context=ContextUse(1000, 500),
)


def some_runs(count: int, seed: int = 1) -> list[RunMetrics]:
    """Runs of two agents and of none, spread over the week."""
    source = random.Random(seed)
    agents = (RUN.agent, AgentPin(AgentId("a-2"), "other", 2, ConfigHash("sha256:2")), None)
    made: list[RunMetrics] = []
    for number in range(count):
        success = source.random() < 0.6
        ended = DAY + timedelta(seconds=source.uniform(0, 7 * 86400 - 1))
        made.append(
            replace(
                RUN,
                run_id=f"r-{number}",
                agent=source.choice(agents),
                task_type=source.choice(list(TaskType)),
                repo=source.choice(["acme/calc", "acme/shop"]),
                started_at=ended - timedelta(hours=1),
                ended_at=ended,
                duration_ms=round(source.lognormvariate(11, 1)),
                cost_usd=Decimal(f"{source.lognormvariate(-2, 1):.6f}"),
                unpriced_calls=int(source.random() < 0.1),
                success=success,
                error_type="" if success else source.choice(["tests", "stuck", ""]),
                quality=source.choice([None, 50.0, 81.5]),
                context=ContextUse(source.choice([0, 1000]), 400, source.choice([0, 2]), 0),
            )
        )
    return made


async def record(store: AnyStore, runs: list[RunMetrics]) -> None:
    for run in runs:
        await store.record_run(run)


def close(group: RunGroup) -> dict[str, Any]:
    """A group for comparing: floats are sums in any order."""
    shape = asdict(group)
    sums = shape["sums"]
    return shape | {
        "sums": {key: pytest.approx(held) if isinstance(held, float) else held for key, held in sums.items()}
    }


async def test_sums_are_those_of_the_runs_one_by_one(store: AnyStore) -> None:
    from tamma.store.memory_reports import sums_of_run

    runs = some_runs(60)
    await record(store, runs)
    groups = await store.sum_runs(MetricFilter(), WEEK)
    assert [(each.agent_id, each.version, each.task_type) for each in groups] == sorted(
        {(each.agent_id, each.version, each.task_type) for each in groups}
    )
    assert {each.agent for each in groups} == {"", "shop", "other"}
    whole, expected = sampled(groups), merged(map(sums_of_run, runs))
    assert asdict(RunGroup(0, "", "", 0, "", whole)) == close(RunGroup(0, "", "", 0, "", expected))
    assert whole.cost_usd == sum(run.cost_usd for run in runs)
    assert sum(whole.errors.values()) == sum(not run.success for run in runs)
    assert whole.errors["unknown"] == sum(not run.success and not run.error_type for run in runs)


async def test_both_stores_answer_alike(store: AnyStore) -> None:
    from tamma.store.memory import MemoryStore

    twin = MemoryStore()
    runs = some_runs(40, seed=2)
    await record(store, runs)
    await record(twin, runs)
    for selected in (MetricFilter(), MetricFilter(agents=("shop",)), MetricFilter(without_agent=True)):
        for parts in (1, 2, 7):
            found = await store.sum_runs(selected, WEEK, parts=parts)
            expected = await twin.sum_runs(selected, WEEK, parts=parts)
            assert [asdict(each) for each in found] == [close(each) for each in expected]
        for limit in (5, 100):
            assert await store.sample_runs(selected, WEEK, limit=limit) == await twin.sample_runs(
                selected, WEEK, limit=limit
            )


async def test_ranges_are_cut_into_parts(store: AnyStore) -> None:
    ends = (WEEK.start, WEEK.start + timedelta(days=3, hours=12), WEEK.end - timedelta(microseconds=1))
    for number, at in enumerate((*ends, WEEK.end)):  # the range's end is not in it
        await store.record_run(replace(RUN, run_id=str(number), started_at=at, ended_at=at))
    found = await store.sum_runs(MetricFilter(), WEEK, parts=2)
    assert [(each.part, each.sums.runs) for each in found] == [(0, 1), (1, 2)]
    for parts in (0, 401):
        with pytest.raises(StoreError, match="parts"):
            await store.sum_runs(MetricFilter(), WEEK, parts=parts)
    with pytest.raises(StoreError, match="is empty"):
        await store.sum_runs(MetricFilter(), TimeRange(DAY, DAY))


async def test_quantiles_are_exact_for_few_runs_and_near_for_many(store: AnyStore) -> None:
    durations = [1, 5_000, 60_000, 61_000, 900_000]
    for number, duration in enumerate(durations):
        await store.record_run(replace(RUN, run_id=str(number), duration_ms=duration))
    sums = sampled(await store.sum_runs(MetricFilter(), WEEK))
    assert [sums.duration_quantile(share) for share in (0.2, 0.5, 0.8, 0.95)] == [1, 60_000, 61_000, 900_000]
    many = sorted(run.duration_ms for run in some_runs(400))
    from tamma.store.memory_reports import sums_of_run

    whole = merged(map(sums_of_run, some_runs(400)))
    for share in (0.05, 0.5, 0.95):
        exact = many[round(share * 400) - 1]
        found = whole.duration_quantile(share)
        assert found is not None
        assert abs(found / exact - 1) < 0.051
    assert merged([]).duration_quantile(0.5) is None


async def test_samples_are_random_repeatable_and_say_of_how_many(store: AnyStore) -> None:
    await record(store, some_runs(30))
    every = await store.sample_runs(MetricFilter(), WEEK)
    assert (len(every.values), every.of, every.note) == (30, 30, "")
    assert [run.ended_at for run in every.values] == sorted(run.ended_at for run in every.values)
    some = await store.sample_runs(MetricFilter(), WEEK, limit=10)
    assert some == await store.sample_runs(MetricFilter(), WEEK, limit=10)
    assert "10 of 30" in some.note
    assert {run.run_id for run in some.values} < {run.run_id for run in every.values}
    assert (await store.sample_runs(MetricFilter(agents=("nobody",)), WEEK)).of == 0


async def test_runs_are_selected_by_provider_and_by_having_no_agent(store: AnyStore) -> None:
    await store.record_run(RUN)
    await store.record_run(replace(RUN, run_id="s", agent=None, provider="local"))
    for selected, runs in (
        (MetricFilter(without_agent=True), ["s"]),
        (MetricFilter(providers=("claude",)), ["r"]),
        (MetricFilter(providers=("claude",), without_agent=True), []),
    ):
        assert [run.run_id for run in await store.read_runs(selected)] == runs
