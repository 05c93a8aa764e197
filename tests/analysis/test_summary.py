"""The figures of a report against known answers, and their intervals against simulation."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from decimal import Decimal

import pytest

from tamma.analysis.figures.summary import cost_per_success, mean, notes, rate, summary
from tamma.model.agent import AgentId, AgentPin, ConfigHash
from tamma.model.measured import RunSums, merged
from tamma.store.memory_reports import sums_of_run
from tests.analysis.made import END, run, runs

PIN = AgentPin(AgentId("a"), "shop", 1, ConfigHash("sha256:1"))


def sums(costs: list[float], successes: list[bool]) -> RunSums:
    return merged(
        sums_of_run(run(PIN, END, success, cost_usd=Decimal(str(cost))))
        for cost, success in zip(costs, successes, strict=True)
    )


def test_six_figures_and_what_stands_behind_them() -> None:
    made = [
        run(PIN, END, True, duration_ms=1000, cost_usd=Decimal("0.10"), quality=80.0),
        run(PIN, END, True, duration_ms=2000, cost_usd=Decimal("0.20"), quality=None),
        run(PIN, END, False, duration_ms=3000, cost_usd=Decimal("0.30"), quality=40.0, error_type="tests"),
        run(
            PIN,
            END,
            False,
            duration_ms=9000,
            unpriced_calls=1,
            cost_usd=Decimal("0.05"),
            quality=None,
            error_type="",
        ),
    ]
    found = summary(merged(map(sums_of_run, made)), hours=8)
    assert found.success_rate.value == 0.5
    assert found.average_duration.value == 3750
    assert (found.duration_p50, found.duration_p95) == (2000, 9000)
    assert found.average_cost.value == pytest.approx(0.2)
    assert found.cost_per_success.value == pytest.approx(0.3)
    assert found.average_quality.value == 60
    assert found.throughput == 0.5
    assert found.context_efficiency == 0.5
    assert found.success_per_1k_tokens == 0.5
    assert (found.total_cost, found.total_tokens, found.unpriced_runs) == (Decimal("0.65"), 4000, 1)
    assert found.errors == {"tests": 1, "unknown": 1}
    assert notes(found) == (
        "4 runs: the intervals are rough",
        "1 of 4 runs have calls of unknown price: no mean has them",
        "2 of 4 runs were graded",
    )


def test_intervals_are_those_of_the_textbooks() -> None:
    found = rate(81, 263).interval  # Newcombe 1998, the reference case of Wilson's interval
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    data = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]  # R's sleep data, shifted above 0
    shifted = [value + 5 for value in data]
    interval = mean(math.fsum(shifted), math.fsum(value**2 for value in shifted), 10).interval
    assert interval is not None
    assert (interval.low, interval.high) == (pytest.approx(4.4702, abs=1e-3), pytest.approx(7.0298, abs=1e-3))


def test_nothing_is_claimed_of_no_run_or_of_one() -> None:
    empty = summary(RunSums(), hours=1)
    assert (empty.success_rate.value, empty.average_cost.value, empty.throughput) == (None, None, None)
    assert (empty.duration_p50, empty.cost_per_success.value, empty.truncation_rate) == (None, None, None)
    single = summary(sums_of_run(run(PIN, END)), hours=1)
    assert single.success_rate.value == 1
    for figure in (
        single.success_rate,
        single.average_cost,
        single.average_duration,
        single.cost_per_success,
    ):
        assert figure.interval is None
    assert notes(single) == ("one run: there is no spread, and nothing can be compared",)
    failed = summary(sums([0.1, 0.2], [False, False]), hours=1)
    assert failed.cost_per_success.value is None


def test_cost_per_success_covers_the_truth_as_often_as_it_says() -> None:
    source, covered, trials = random.Random(7), 0, 1500
    truth = 0.1 * math.exp(0.5**2 / 2) / 0.6
    for _ in range(trials):
        found = cost_per_success(
            _sums(
                [0.1 * source.lognormvariate(0, 0.5) for _ in range(60)],
                [source.random() < 0.6 for _ in range(60)],
            )
        )
        assert found.interval is not None
        covered += found.interval.low <= truth <= found.interval.high
    assert 0.935 <= covered / trials <= 0.975


def _sums(costs: list[float], successes: list[bool]) -> RunSums:
    """Without the way over runs: a simulation makes many."""
    return RunSums(
        priced=len(costs),
        priced_successes=sum(successes),
        priced_usd=math.fsum(costs),
        priced_squares=math.fsum(cost**2 for cost in costs),
        priced_success_usd=math.fsum(cost for cost, good in zip(costs, successes, strict=True) if good),
    )


def test_merging_groups_is_summing_their_runs() -> None:
    made = runs(PIN, 50)
    halves = [merged(map(sums_of_run, made[:20])), merged(map(sums_of_run, made[20:]))]
    together, parts = summary(merged(map(sums_of_run, made)), 1), summary(merged(halves), 1)
    assert parts.duration_p95 == together.duration_p95
    assert parts.average_cost.value == pytest.approx(together.average_cost.value)
    assert parts.total_cost == together.total_cost
    assert replace(merged([]), errors={}) == RunSums()
