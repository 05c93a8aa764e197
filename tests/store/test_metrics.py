"""Measurements of runs: one contract, every store; and how PostgreSQL keeps two writers apart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tamma.errors import StoreError
from tamma.model.agent import AgentId, AgentPin, ConfigHash, TaskType
from tamma.model.analysis import MetricFilter, TimeRange
from tamma.model.ids import TaskId
from tamma.model.metrics import (
    PEOPLES_WEIGHT,
    Cell,
    ContextUse,
    MergedChange,
    QualityPart,
    RunKind,
    RunMetrics,
    StepMetrics,
    weighted,
)
from tamma.model.references import RepoRef
from tamma.store.postgres import PostgresStore
from tests.store.conftest import AnyStore
from tests.support.postgres import session

NOON = datetime(2030, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
PIN = AgentPin(AgentId("a-1"), "careful", 3, ConfigHash("sha256:" + "0" * 64))
ALL = MetricFilter(kinds=())
STEPS = tuple(
    StepMetrics(
        number=number,
        step=step,
        provider="claude",
        model="claude-x-1",
        started_at=NOON - timedelta(minutes=9 - number),
        duration_ms=1000 * number,
        turns=number,
        input_tokens=100,
        output_tokens=10,
        cache_read_tokens=50,
        cost_usd=Decimal("0.0001"),
        unpriced_calls=0,
        success=number == 1,
        error_type="" if number == 1 else "tests",
        context=ContextUse(200_000, 100, 1, 0),
    )
    for number, step in enumerate(("plan", "implement"), 1)
)
RUN = RunMetrics(
    run_id="r-1",
    task_id=TaskId("t-1"),
    kind=RunKind.PRODUCTION,
    agent=PIN,
    provider="claude",
    model="claude-x",
    served_models=("claude-x-1", "claude-x-2"),
    repo="acme/calc",
    issue="12",
    task_type=TaskType.CODE_GENERATION,
    started_at=NOON - timedelta(minutes=10),
    ended_at=NOON,
    duration_ms=500_000,
    waiting_ms=100_000,
    turns=3,
    input_tokens=12_345_678_901,
    output_tokens=20,
    cache_read_tokens=100,
    cost_usd=Decimal("0.123456789012345678901"),
    unpriced_calls=0,
    success=True,
    quality=81.25,
    quality_parts=(QualityPart("gates", 81.25, 0.5, "green in the second round"),),
    context=ContextUse(200_000, 150_000, 2, 1),
    steps=STEPS,
)


async def test_a_run_comes_back_as_it_was(store: AnyStore) -> None:
    await store.record_run(RUN)
    assert await store.read_run("r-1") == RUN
    assert await store.read_runs(MetricFilter()) == (replace(RUN, steps=()),)
    assert await store.read_run("r-2") is None
    assert await store.latest_run() == NOON


async def test_a_run_without_an_agent_and_without_a_quality_comes_back(store: AnyStore) -> None:
    bare = replace(
        RUN, agent=None, quality=None, quality_parts=(), steps=(), success=False, error_type="stuck"
    )
    await store.record_run(bare)
    assert await store.read_run("r-1") == bare


async def test_recording_again_replaces_the_run_and_its_steps(store: AnyStore) -> None:
    await store.record_run(RUN)
    again = replace(RUN, turns=9, steps=STEPS[:1])
    for _ in range(2):
        await store.record_run(again)
    assert await store.read_run("r-1") == again
    assert len(await store.read_runs(ALL)) == 1


async def test_times_come_back_in_utc(store: AnyStore) -> None:
    from zoneinfo import ZoneInfo

    there = NOON.astimezone(ZoneInfo("Asia/Kolkata"))
    await store.record_run(replace(RUN, ended_at=there))
    found = await store.read_run("r-1")
    assert found is not None
    assert found.ended_at.isoformat() == NOON.isoformat()


async def test_what_models_and_platforms_called_things_can_be_stored(store: AnyStore) -> None:
    odd = replace(RUN, served_models=("a\x00b", "\ud800"), error_type="x\x00", steps=())
    await store.record_run(odd)
    found = await store.read_run("r-1")
    assert found is not None
    assert found.served_models == ("a\ufffdb", "\ufffd")
    assert found.error_type == "x\ufffd"


@pytest.mark.parametrize(
    "wrong",
    [
        replace(RUN, quality=100.5),
        replace(RUN, ended_at=RUN.started_at - timedelta(seconds=1)),
        replace(RUN, steps=STEPS[1:]),
    ],
)
async def test_figures_that_no_run_can_have_are_refused(store: AnyStore, wrong: RunMetrics) -> None:
    with pytest.raises(StoreError):
        await store.record_run(wrong)
    assert await store.read_run("r-1") is None


SELECTIONS = [
    (MetricFilter(), "abc"),
    (ALL, "abcde"),
    (MetricFilter(agents=("careful",)), "a"),
    (MetricFilter(agents=("a-2", "careful")), "ab"),
    (MetricFilter(agents=("careful",), versions=(2,)), ""),
    (MetricFilter(versions=(3, 4)), "ab"),
    (MetricFilter(repos=("acme/other",)), "c"),
    (MetricFilter(task_types=("testing",), kinds=("bench", "replay")), "d"),
    (MetricFilter(models=("m2",), kinds=()), "e"),
    (MetricFilter(agents=("nobody",)), ""),
]


@pytest.mark.parametrize(("selected", "expected"), SELECTIONS)
async def test_runs_are_selected(store: AnyStore, selected: MetricFilter, expected: str) -> None:
    other = replace(PIN, agent_id=AgentId("a-2"), name="quick", version=4)
    for run in (
        replace(RUN, run_id="a"),
        replace(RUN, run_id="b", agent=other),
        replace(RUN, run_id="c", agent=None, repo="acme/other"),
        replace(RUN, run_id="d", agent=None, kind=RunKind.BENCH, task_type=TaskType.TESTING),
        replace(RUN, run_id="e", agent=None, kind=RunKind.REPLAY, model="m2"),
    ):
        await store.record_run(run)
    assert "".join(run.run_id for run in await store.read_runs(selected)) == expected


async def test_a_time_range_holds_its_start_and_not_its_end(store: AnyStore) -> None:
    for number in range(4):
        ended = NOON + timedelta(hours=number)
        await store.record_run(replace(RUN, run_id=f"r{3 - number}", ended_at=ended))
    found = await store.read_runs(ALL, TimeRange(NOON + timedelta(hours=1), NOON + timedelta(hours=3)))
    assert [run.run_id for run in found] == ["r2", "r1"]
    assert [run.run_id for run in await store.read_runs(ALL, limit=1)] == ["r3"]


async def test_a_cell_has_one_run(store: AnyStore) -> None:
    cell = Cell("test-1", "control", "task-1")
    await store.record_run(replace(RUN, cell=cell))
    await store.record_run(replace(RUN, run_id="r-2", cell=cell))
    await store.record_run(
        replace(RUN, run_id="r-3", cell=replace(cell, replicate=1), ended_at=NOON - timedelta(seconds=1))
    )
    await store.record_run(replace(RUN, run_id="r-4", cell=replace(cell, test="test-2")))
    found = await store.cell_runs("test-1")
    assert [(run.run_id, run.steps) for run in found] == [("r-3", ()), ("r-2", ())]
    assert await store.read_run("r-1") is None


async def test_a_rating_is_a_part_of_the_quality(store: AnyStore) -> None:
    await store.record_run(RUN)
    await store.rate_run("t-1", 40, by="ann", detail="works, but hard to read")
    found = await store.read_run("r-1")
    assert found is not None
    gates, rating = found.quality_parts
    assert gates == RUN.quality_parts[0]
    assert rating == QualityPart("person:ann", 40, PEOPLES_WEIGHT, "works, but hard to read")
    assert found.quality == weighted(found.quality_parts) == pytest.approx((81.25 * 0.5 + 40 * 0.3) / 0.8)


async def test_people_share_one_weight_and_each_has_one_rating(store: AnyStore) -> None:
    await store.record_run(RUN)
    for score, by in ((10, "ann"), (90, "bob"), (20, "ann")):
        await store.rate_run("t-1", score, by=by)
    found = await store.read_run("r-1")
    assert found is not None
    people = {part.grader: (part.score, part.weight) for part in found.quality_parts[1:]}
    assert people == {"person:ann": (20, PEOPLES_WEIGHT / 2), "person:bob": (90, PEOPLES_WEIGHT / 2)}


async def test_recording_again_keeps_what_people_said(store: AnyStore) -> None:
    await store.record_run(RUN)
    await store.rate_run("t-1", 40, by="ann")
    rated = await store.read_run("r-1")
    await store.record_run(RUN)
    assert await store.read_run("r-1") == rated


async def test_the_newest_run_of_a_task_is_rated(store: AnyStore) -> None:
    await store.record_run(replace(RUN, run_id="new", ended_at=NOON + timedelta(hours=1)))
    await store.record_run(RUN)
    await store.rate_run("t-1", 0, by="ann")
    old, new = await store.read_runs(ALL)
    assert (len(old.quality_parts), len(new.quality_parts)) == (1, 2)
    newest = await store.newest_run("t-1")
    assert newest is not None
    assert (newest.run_id, newest.steps) == ("new", STEPS)
    assert await store.newest_run("t-9") is None


@pytest.mark.parametrize(("task", "score", "by"), [("t-9", 50, "ann"), ("t-1", 101, "ann"), ("t-1", 50, " ")])
async def test_a_rating_that_makes_no_sense_is_refused(
    store: AnyStore, task: str, score: float, by: str
) -> None:
    await store.record_run(RUN)
    with pytest.raises(StoreError):
        await store.rate_run(task, score, by=by)
    assert await store.read_run("r-1") == RUN


async def test_repositories_are_known_by_name(store: AnyStore) -> None:
    assert await store.known_repos() == []
    assert await store.latest_run() is None
    for number, repo in enumerate(("b/b", "a/a", "B/c", "b/b")):
        await store.record_run(replace(RUN, run_id=f"r{number}", repo=repo))
    assert await store.known_repos() == ["B/c", "a/a", "b/b"]


async def test_many_at_once_in_one_cell_leave_one(postgres: PostgresStore) -> None:
    cell = Cell("test-1", "control", "task-1")
    runs = [replace(RUN, run_id=f"r{number}", cell=cell) for number in range(10)]
    await asyncio.gather(*(postgres.record_run(run) for run in runs))
    assert len(await postgres.cell_runs("test-1")) == 1


async def test_ratings_at_once_are_all_kept(postgres: PostgresStore) -> None:
    await postgres.record_run(RUN)
    await asyncio.gather(
        *(postgres.rate_run("t-1", number * 10, by=f"p{number}") for number in range(8)),
        *(postgres.record_run(RUN) for _ in range(3)),
    )
    found = await postgres.read_run("r-1")
    assert found is not None
    assert len(found.quality_parts) == 9
    assert len(found.steps) == 2


async def test_a_reports_range_is_found_by_an_index(postgres: PostgresStore, dsn: str) -> None:
    await postgres.record_run(RUN)
    async with session(dsn) as connection:
        await connection.execute("SET enable_seqscan = off")
        rows = await connection.fetch(
            "EXPLAIN SELECT count(*) FROM run_metrics WHERE agent_id = 'a-1' AND ended_at >= now()"
        )
    assert any("run_metrics_agent" in row[0] for row in rows)


MERGED = replace(
    RUN,
    merged=MergedChange(
        RepoRef("github.com", "acme", "calc"), "main", "c" * 40, NOON, head_sha="d" * 40, pull_request="7"
    ),
)
KEPT = QualityPart("kept", 0.0, 0.5, "reverted")
TOMORROW = NOON + timedelta(days=1)


async def test_what_a_run_merged_is_open_until_it_is_settled(store: AnyStore) -> None:
    await store.record_run(RUN)
    assert await store.unsettled_runs(TOMORROW, limit=9) == ()
    await store.record_run(MERGED)
    assert await store.read_run("r-1") == MERGED
    assert await store.unsettled_runs(NOON, limit=9) == ()
    assert await store.unsettled_runs(TOMORROW, limit=9) == (replace(MERGED, steps=()),)
    assert await store.unsettled_runs(TOMORROW, limit=0) == ()
    await store.settle_run("r-1", KEPT)
    parts = (*RUN.quality_parts, KEPT)
    assert await store.read_run("r-1") == replace(MERGED, quality=weighted(parts), quality_parts=parts)
    assert await store.unsettled_runs(TOMORROW, limit=9) == ()


async def test_the_first_answer_stays_also_where_the_run_is_recorded_again(store: AnyStore) -> None:
    await store.record_run(MERGED)
    await store.settle_run("r-1", KEPT)
    settled = await store.read_run("r-1")
    await store.settle_run("r-1", replace(KEPT, score=100.0))
    await store.settle_run("r-1", None)
    await store.record_run(MERGED)
    assert await store.read_run("r-1") == settled
    assert await store.unsettled_runs(TOMORROW, limit=9) == ()


async def test_an_answer_that_never_comes_leaves_the_quality_alone(store: AnyStore) -> None:
    await store.record_run(MERGED)
    await store.settle_run("r-1", None)
    await store.settle_run("r-1", KEPT)
    await store.settle_run("r-2", KEPT)
    assert await store.read_run("r-1") == MERGED
    await store.record_run(MERGED)
    assert await store.unsettled_runs(TOMORROW, limit=9) == ()


async def test_the_longest_open_come_first(store: AnyStore) -> None:
    assert MERGED.merged is not None
    for number in (2, 3, 1):
        merged = replace(MERGED.merged, at=NOON - timedelta(days=number))
        await store.record_run(replace(MERGED, run_id=f"r-{number}", merged=merged, steps=()))
    found = await store.unsettled_runs(NOON - timedelta(days=1), limit=1)
    assert [run.run_id for run in found] == ["r-3"]
    found = await store.unsettled_runs(NOON - timedelta(days=1), limit=9)
    assert [run.run_id for run in found] == ["r-3", "r-2"]


async def test_an_answer_and_a_person_s_rating_do_not_lose_each_other(store: AnyStore) -> None:
    await store.record_run(MERGED)
    await asyncio.gather(store.rate_run("t-1", 50, by="ann"), store.settle_run("r-1", KEPT))
    run = await store.read_run("r-1")
    assert run is not None
    assert {part.grader for part in run.quality_parts} == {"gates", "kept", "person:ann"}
