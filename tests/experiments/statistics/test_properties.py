"""What must hold of every comparison, whatever the data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamma.experiments.statistics.bootstrap import (
    mean_difference,
    paired_mean_difference,
    paired_tail_difference,
    tail_difference,
)
from tamma.experiments.statistics.cost_per_success import Spending, cost_per_success, paired_cost_per_success
from tamma.experiments.statistics.mcnemar import PairedCounts, mcnemar
from tamma.experiments.statistics.means import paired_t, welch
from tamma.experiments.statistics.multiplicity import benjamini_hochberg, holm
from tamma.experiments.statistics.proportions import Counts, compare_rates, wilson
from tamma.experiments.statistics.ranks import mann_whitney, wilcoxon
from tamma.experiments.statistics.ratios import paired_ratio, ratio, trimmed_paired_ratio, trimmed_ratio
from tamma.experiments.statistics.trimmed import yuen, yuen_paired
from tamma.model.estimates import Comparison, Measure

Test = Callable[..., Comparison]
UNPAIRED: list[Test] = [welch, yuen, mann_whitney]
PAIRED: list[Test] = [paired_t, yuen_paired, wilcoxon]
RATIOS: list[Test] = [ratio, paired_ratio, trimmed_ratio, trimmed_paired_ratio]
DRAWN: list[Test] = [mean_difference, paired_mean_difference, tail_difference, paired_tail_difference]

numbers = st.one_of(
    st.none(),
    st.integers(-3, 3).map(float),
    st.floats(-1e6, 1e6),
    st.floats(-1e100, 1e100),
    st.sampled_from([1e-300, 5e-324, 0.1 + 0.2, 0.3]),
)
costs = st.one_of(st.floats(1e-3, 1e3), st.sampled_from([1.0, 2.0]))
arms = st.tuples(st.lists(numbers, max_size=12), st.lists(numbers, max_size=12))
pair_lists = st.lists(st.tuples(numbers, numbers), max_size=12)
cost_pairs = st.lists(st.tuples(costs, costs), min_size=2, max_size=12)
tables = st.tuples(st.integers(0, 25), st.integers(0, 25), st.integers(0, 25), st.integers(0, 25))


def sound(result: Comparison) -> None:
    """No NaN and no infinity anywhere, p is a probability, and the interval holds the estimate."""
    for value in _numbers(asdict(result)):
        assert math.isfinite(value)
    if result.p is not None:
        assert 0 <= result.p <= 1
    if result.interval is not None:
        assert result.estimate is not None
        assert result.interval.holds(result.estimate)
    if result.p is None and result.interval is None:
        assert result.cautions, "a result without test and interval says why"


def mirrored(forth: Comparison, back: Comparison) -> None:
    """Swapping the arms turns the effect round and leaves p."""
    assert _close(forth.p, back.p)
    if forth.estimate is None or back.estimate is None:
        assert forth.estimate == back.estimate
        return
    turn: dict[Measure, Callable[[float], float]] = {
        Measure.RATIO: lambda value: 1 / value,
        Measure.SUPERIORITY: lambda value: 1 - value,
    }
    turned = turn.get(forth.measure, lambda value: -value)
    assert forth.estimate == pytest.approx(turned(back.estimate), rel=1e-9, abs=1e-9)
    if forth.interval and back.interval and None not in (back.interval.low, back.interval.high):
        assert back.interval.low is not None
        assert forth.interval.high == pytest.approx(turned(back.interval.low), rel=1e-6, abs=1e-9)


def _numbers(tree: Any) -> list[float]:
    if isinstance(tree, dict):
        return [number for value in tree.values() for number in _numbers(value)]  # pyright: ignore
    if isinstance(tree, (list, tuple)):
        return [number for value in tree for number in _numbers(value)]  # pyright: ignore
    return [tree] if isinstance(tree, float) else []


def _close(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is second
    return math.isclose(first, second, rel_tol=1e-6, abs_tol=1e-12)


@pytest.mark.parametrize("test", UNPAIRED)
@given(arms)
@settings(max_examples=80, deadline=None)
def test_independent_arms(test: Test, values: tuple[list[float | None], list[float | None]]) -> None:
    control, treatment = values
    result = test(control=control, treatment=treatment)
    sound(result)
    mirrored(result, test(control=treatment, treatment=control))
    assert _close(result.p, test(control=control[::-1], treatment=treatment[::-1]).p)


@pytest.mark.parametrize("test", PAIRED)
@given(pair_lists)
@settings(max_examples=80, deadline=None)
def test_pairs(test: Test, values: list[tuple[float | None, float | None]]) -> None:
    control, treatment = [before for before, _ in values], [after for _, after in values]
    result = test(control=control, treatment=treatment)
    sound(result)
    mirrored(result, test(control=treatment, treatment=control))
    assert _close(result.p, test(control=control[::-1], treatment=treatment[::-1]).p)
    missing = sum(None in pair for pair in values)
    assert result.control.missing == result.treatment.missing == missing
    assert result.control.n == len(values) - missing


@pytest.mark.parametrize("test", RATIOS)
@given(cost_pairs, st.sampled_from([1e-6, 0.1, 60.0, 1e9]))
@settings(max_examples=60, deadline=None)
def test_ratios_know_no_unit(test: Test, values: list[tuple[float, float]], unit: float) -> None:
    control, treatment = [before for before, _ in values], [after for _, after in values]
    result = test(control=control, treatment=treatment)
    sound(result)
    mirrored(result, test(control=treatment, treatment=control))
    scaled = test(
        control=[value * unit for value in control], treatment=[value * unit for value in treatment]
    )
    assert scaled.estimate == pytest.approx(result.estimate, rel=1e-9)
    # A spread at the edge of rounding may be called one in one unit and none in another.
    if result.standard_error and result.standard_error > 1e-6:
        assert _close(scaled.p, result.p)


@pytest.mark.parametrize("test", DRAWN)
@given(cost_pairs, st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_bootstraps_depend_on_seed_and_tasks_alone(
    test: Test, values: list[tuple[float, float]], seed: int
) -> None:
    values = values * 3
    control, treatment = [before for before, _ in values], [after for _, after in values]
    result = test(control=control, treatment=treatment, seed=seed)
    sound(result)
    again = test(control=control[::-1], treatment=treatment[::-1], seed=seed)
    assert again.interval == result.interval


@given(st.lists(st.tuples(costs, st.booleans(), costs, st.booleans()), max_size=25), st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_cost_per_success(tasks: list[tuple[float, bool, float, bool]], seed: int) -> None:
    control = Spending([task[0] for task in tasks], [task[1] for task in tasks])
    treatment = Spending([task[2] for task in tasks], [task[3] for task in tasks])
    for test in (cost_per_success, paired_cost_per_success):
        result = test(control=control, treatment=treatment, seed=seed)
        sound(result)
        assert (result.estimate is None) is not (any(control.successes) and any(treatment.successes))


@given(tables)
@settings(max_examples=100, deadline=None)
def test_rates(table: tuple[int, int, int, int]) -> None:
    a, b, c, d = table
    control, treatment = Counts(a, a + b), Counts(c, c + d)
    result = compare_rates(control=control, treatment=treatment)
    sound(result)
    mirrored(result, compare_rates(control=treatment, treatment=control))
    failures = compare_rates(control=Counts(b, a + b), treatment=Counts(d, c + d))
    assert _close(result.p, failures.p)
    paired = mcnemar(PairedCounts(a, b, c, d))
    sound(paired)
    mirrored(paired, mcnemar(PairedCounts(a, c, b, d)))
    assert wilson(control).holds(a / (a + b) if a + b else 0.0)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=8))
def test_adjusted_ps_are_ordered_like_the_raw_ones(ps: list[float | None]) -> None:
    for adjust in (holm, benjamini_hochberg):
        adjusted = adjust(ps)
        known = [(raw, after) for raw, after in zip(ps, adjusted, strict=True) if raw is not None]
        assert [after is None for after in adjusted] == [raw is None for raw in ps]
        for raw, after in known:
            assert after is not None
            assert raw * (1 - 1e-12) <= after <= 1
        ordered = [after for _, after in sorted(known, key=lambda both: both[0])]
        assert ordered == sorted(ordered, key=lambda after: after or 0.0)
    assert all(
        one is None or other is None or one <= other + 1e-12
        for one, other in zip(benjamini_hochberg(ps), holm(ps), strict=True)
    )


def test_numpy_arrays_are_values_too() -> None:
    result = welch(control=np.array([1.0, 2.0, 4.0]), treatment=np.array([2.0, 3.0, 5.0]))
    assert result == welch(control=[1.0, 2.0, 4.0], treatment=[2.0, 3.0, 5.0])
    assert type(result.estimate) is float
