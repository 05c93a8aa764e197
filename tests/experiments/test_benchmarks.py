"""A benchmark's figures: rates with honest intervals, pairs by task, missing cells counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tamma.experiments.benchmarks import BenchReport, effective_size, report, wilson_at
from tamma.model.agent import TaskType
from tamma.model.bench import BenchArm, BenchId, BenchRecord, BenchRequest, BenchState
from tamma.model.ids import TaskId
from tamma.model.metrics import Cell, RunKind, RunMetrics
from tamma.model.suite import SuiteHash, SuiteRef

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def run(arm: str, unit: str, replicate: int, *, success: bool, **changes: object) -> RunMetrics:
    """One trial's measurements."""
    made = RunMetrics(
        run_id=f"{arm}/{unit}/{replicate}", task_id=TaskId("t"), kind=RunKind.BENCH, agent=None, provider="p",
        model="m", served_models=("m-1",), repo="r", issue=unit, task_type=TaskType.CODE_GENERATION,
        started_at=NOW, ended_at=NOW, duration_ms=60_000, waiting_ms=0, turns=5, input_tokens=1,
        output_tokens=1, cache_read_tokens=0, cost_usd=Decimal("0.50"), unpriced_calls=0, success=success,
        error_type="" if success else "hidden-tests", quality=90.0 if success else 20.0,
        cell=Cell("b", arm, unit, replicate),
    )  # fmt: skip
    return replace(made, **changes)  # pyright: ignore[reportArgumentType] - fields by name


def figures(runs: list[RunMetrics], tasks: int, repeats: int = 1) -> BenchReport:
    """The report of arms `a` and `b`."""
    ref = SuiteRef("s", SuiteHash("h"), tasks)
    request = BenchRequest(BenchId("b"), ref, (BenchArm("a"), BenchArm("b")), repeats)
    return report(BenchRecord(request, BenchState.COMPLETED, NOW), runs, [f"u{n}" for n in range(tasks)])


def test_rates_have_wilsons_interval() -> None:
    found = figures([run("a", f"u{n}", 0, success=n < 17) for n in range(20)], 20)
    a, b = found.arms
    assert (a.solved, a.ended, a.success, a.missing) == (17, 20, 0.85, 0)
    assert a.interval is not None
    assert (a.interval.low, a.interval.high) == pytest.approx((0.6396, 0.9476), abs=1e-4)
    assert a.cost_usd == 10
    assert a.cost_per_success == Decimal(10) / 17
    assert (b.ended, b.missing, b.success, b.interval) == (0, 20, None, None)
    assert any("b: 20 of 20 trials are missing" in note for note in found.notes)


def test_repeats_of_one_task_are_not_as_good_as_tasks() -> None:
    # Four repeats that always agree say no more than one.
    assert effective_size([(4, 4)] * 10 + [(0, 4)] * 10) == pytest.approx(20, rel=0.06)
    assert effective_size([(2, 4)] * 20) == 20
    mixed = effective_size([(3, 4), (1, 4)] * 10)
    assert 20 < mixed <= 80
    assert wilson_at(0.5, 20, 0.95).low == pytest.approx(0.2993, abs=1e-3)


def test_two_agents_are_compared_on_the_same_tasks() -> None:
    runs = [run("a", f"u{n}", 0, success=n < 4) for n in range(20)]
    runs += [run("b", f"u{n}", 0, success=n < 14, cost_usd=Decimal("1.00")) for n in range(18)]
    (pair,) = figures(runs, 20).pairs
    assert (pair.tasks, pair.wins, pair.losses) == (18, 10, 0)
    assert pair.success is not None
    assert pair.success.p == pytest.approx(2 / 2**10)
    assert pair.success_p == pair.success.p
    assert pair.cost is not None
    assert pair.cost.estimate == pytest.approx(2.0)
    assert pair.quality is not None
    assert pair.quality.estimate == pytest.approx(70 * 10 / 18)


def test_repeats_are_averaged_by_task() -> None:
    runs = [run("a", f"u{n}", k, success=k == 0) for n in range(6) for k in range(2)]
    runs += [run("b", f"u{n}", k, success=k == 0 or n < 3) for n in range(6) for k in range(2)]
    found = figures(runs, 6, repeats=2)
    assert found.pairs[0].success is not None
    assert found.pairs[0].success.method == "paired-t"
    assert found.pairs[0].success.estimate == pytest.approx(0.25)
    assert found.tasks[0].cells == ((1, 2), (2, 2))


def test_broken_tasks_count_for_nobody() -> None:
    runs = [run("a", "u0", 0, success=False, error_type="broken-task"), run("a", "u1", 0, success=True)]
    a = figures(runs, 2).arms[0]
    assert (a.ended, a.missing, a.unfit, a.success) == (1, 1, 1, 1.0)


def test_unknown_prices_make_no_cost() -> None:
    runs = [run("a", "u0", 0, success=True, unpriced_calls=1), run("b", "u0", 0, success=True)]
    found = figures(runs, 1)
    assert found.arms[0].cost_usd is None
    assert found.arms[0].cost_per_success is None
    assert found.pairs[0].cost is None
    assert "one task says nothing about others" in found.notes


def test_a_benchmark_without_any_run_has_a_report() -> None:
    found = figures([], 3)
    assert [arm.ended for arm in found.arms] == [0, 0]
    assert found.pairs[0].success_p in (None, 1.0)
