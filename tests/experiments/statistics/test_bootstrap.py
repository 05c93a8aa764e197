"""Bootstrap intervals against scipy's, and against what is known of the data."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from scipy import stats as untyped

from tamma.experiments.statistics.bootstrap import (
    mean_difference,
    paired_mean_difference,
    paired_tail_difference,
    tail_difference,
)
from tamma.experiments.statistics.cost_per_success import Spending, cost_per_success, paired_cost_per_success
from tamma.model.estimates import Interval
from tests.support.pace import effort

stats = cast(Any, untyped)


def skewed(seed: int, n: int, shift: float = 0.0) -> list[float]:
    return np.random.default_rng(seed).lognormal(shift, 1.0, n).tolist()


def near(found: Interval | None, expected: Any, tolerance: float) -> None:
    assert found is not None
    assert found.low == pytest.approx(float(expected.low), abs=tolerance)
    assert found.high == pytest.approx(float(expected.high), abs=tolerance)


def test_mean_difference_is_scipys_bca() -> None:
    def difference(a: Any, b: Any, axis: int) -> Any:
        return a.mean(axis=axis) - b.mean(axis=axis)

    control, treatment = skewed(1, 60), skewed(2, 45, 0.5)
    found = mean_difference(control=control, treatment=treatment, seed=3)
    # 9,999 resamples leave a Monte Carlo error of about a fiftieth of the interval's width.
    expected = stats.bootstrap(
        (treatment, control),
        difference,
        method="BCa",
        n_resamples=9999,
        rng=np.random.default_rng(4),
    ).confidence_interval
    near(found.interval, expected, 0.04 * float(expected.high - expected.low))


def test_paired_mean_difference_is_scipys_bca() -> None:
    control, treatment = np.array(skewed(5, 50)), np.array(skewed(6, 50, 0.5))
    found = paired_mean_difference(control=control, treatment=treatment, seed=3)
    expected = stats.bootstrap(
        (treatment - control,), np.mean, method="BCa", n_resamples=9999, rng=np.random.default_rng(4)
    ).confidence_interval
    near(found.interval, expected, 0.04 * float(expected.high - expected.low))


def test_cost_per_success_is_scipys_bca() -> None:
    costs = np.array(skewed(7, 80)), np.array(skewed(8, 80, 0.2))
    rng = np.random.default_rng(9)
    won = rng.random(80) < 0.6, rng.random(80) < 0.7

    def statistic(cost_t: Any, won_t: Any, cost_c: Any, won_c: Any, axis: int) -> Any:
        treatment = cost_t.sum(axis=axis) / won_t.sum(axis=axis)
        return treatment / (cost_c.sum(axis=axis) / won_c.sum(axis=axis))

    found = paired_cost_per_success(
        control=Spending(costs[0], won[0].tolist()), treatment=Spending(costs[1], won[1].tolist()), seed=3
    )
    expected = stats.bootstrap(
        (costs[1], won[1], costs[0], won[0]),
        statistic,
        paired=True,
        method="BCa",
        n_resamples=9999,
        rng=np.random.default_rng(4),
    ).confidence_interval
    near(found.interval, expected, 0.04 * float(expected.high - expected.low))


def test_runs_of_one_task_are_resampled_together() -> None:
    rng = np.random.default_rng(16)
    # Every task does in all of its five runs what it does in one: five times the runs say nothing more.
    once = Spending(rng.lognormal(0, 1, 60), (rng.random(60) < 0.6).tolist())
    other = Spending(rng.lognormal(0.3, 1, 60), (rng.random(60) < 0.6).tolist())
    single = cost_per_success(control=once, treatment=other, seed=1)
    control, treatment = (
        Spending([(cost or 0) * 5 for cost in arm.costs], [(won or 0) * 5 for won in arm.successes])
        for arm in (once, other)
    )
    repeated = cost_per_success(control=control, treatment=treatment, seed=1)
    assert repeated.estimate == pytest.approx(single.estimate)
    assert single.interval is not None
    assert repeated.interval is not None
    assert repeated.interval.low == pytest.approx(single.interval.low)
    assert repeated.interval.high == pytest.approx(single.interval.high)


def test_tails_are_those_of_real_resamples() -> None:
    control, treatment = skewed(10, 300), skewed(11, 300, 0.3)
    rng = np.random.default_rng(12)
    drawn = [
        np.quantile(rng.choice(values, (4000, 300)), 0.95, axis=1, method="inverted_cdf")
        for values in (treatment, control)
    ]
    low, high = np.quantile(drawn[0] - drawn[1], [0.025, 0.975])
    found = tail_difference(control=control, treatment=treatment, seed=3).interval
    assert found is not None
    assert found.low == pytest.approx(low, abs=0.05 * (high - low))
    assert found.high == pytest.approx(high, abs=0.05 * (high - low))


def test_paired_tails_are_those_of_real_resamples() -> None:
    control = np.array(skewed(13, 250))
    treatment = control * 1.1 + np.array(skewed(14, 250)) / 10
    rng = np.random.default_rng(15)
    drawn = rng.integers(0, 250, (4000, 250))
    tails = [
        np.quantile(values[drawn], 0.95, axis=1, method="inverted_cdf") for values in (treatment, control)
    ]
    low, high = np.quantile(tails[0] - tails[1], [0.025, 0.975])
    found = paired_tail_difference(control=control, treatment=treatment, seed=3).interval
    assert found is not None
    assert found.low == pytest.approx(low, abs=0.06 * (high - low))
    assert found.high == pytest.approx(high, abs=0.06 * (high - low))


def test_tiny_and_huge_units_do_not_matter() -> None:
    control, treatment = np.array(skewed(1, 40)), np.array(skewed(2, 40))
    plain = mean_difference(control=control, treatment=treatment, seed=1).interval
    assert plain is not None
    assert plain.low is not None
    for unit in (1e-120, 1e90):
        found = mean_difference(control=control * unit, treatment=treatment * unit, seed=1).interval
        assert found is not None
        assert found.low == pytest.approx(plain.low * unit)


def test_another_seed_draws_other_resamples() -> None:
    control, treatment = skewed(1, 30), skewed(2, 30)
    first, second = (mean_difference(control=control, treatment=treatment, seed=seed) for seed in (1, 2))
    assert first.interval != second.interval
    assert first.estimate == second.estimate


def test_ten_thousand_tasks_take_little() -> None:
    control, treatment = skewed(1, 10_000), skewed(2, 10_000)
    won = [value < 1.5 for value in control]
    spending = Spending(control, won), Spending(treatment, won)
    for call in (
        lambda: mean_difference(control=control, treatment=treatment, seed=1),
        lambda: paired_tail_difference(control=control, treatment=treatment, seed=1),
        lambda: cost_per_success(control=spending[0], treatment=spending[1], seed=1),
    ):
        assert effort(call) < 40
