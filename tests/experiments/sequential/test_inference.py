"""What may be said at a stop and at a look, and what looking costs."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamma.errors import BadFigures
from tamma.experiments.looks import nominal_p
from tamma.experiments.sequential.inference import at_look, at_stop, equivalent_se
from tamma.experiments.sequential.normal import quantile, root, two_sided, upper
from tamma.experiments.sequential.power import cost, cost_of_bounds
from tamma.experiments.sequential.spending import plan_looks, spent
from tamma.experiments.sequential.walk import crossing
from tamma.model.looks import Bound

PLAN = plan_looks(100)
PRIOR = [Bound(look.units, look.boundary) for look in PLAN]
FIFTHS = [0.2, 0.4, 0.6, 0.8, 1.0]


def test_a_stop_at_the_first_look_is_a_fixed_test() -> None:
    found = at_stop((), 20, 0.5, 0.1)
    assert (found.low, found.high) == pytest.approx((0.5 - 0.1959964, 0.5 + 0.1959964), abs=1e-6)
    assert found.median_unbiased == pytest.approx(0.5, abs=1e-8)
    assert found.p == pytest.approx(two_sided(5.0))


@pytest.mark.parametrize("number", range(5))
def test_at_the_boundary_the_p_is_what_was_spent(number: int) -> None:
    look = PLAN[number]
    found = at_stop(PRIOR[:number], look.units, look.boundary * 0.1, 0.1)
    assert found.p == pytest.approx(spent(0.05, look.units / 100), rel=1e-6)


def test_at_the_last_boundary_the_interval_touches_0() -> None:
    assert at_stop(PRIOR[:4], 100, PLAN[4].boundary, 1.0).low == pytest.approx(0.0, abs=1e-7)


def test_an_effect_seen_late_is_shrunk_and_one_below_mirrors_one_above() -> None:
    up = at_stop(PRIOR[:4], 100, 0.204, 0.1)
    down = at_stop(PRIOR[:4], 100, -0.204, 0.1)
    assert 0.0 < up.low < up.median_unbiased < up.estimate < up.high
    assert (down.low, down.median_unbiased, down.high) == pytest.approx(
        (-up.high, -up.median_unbiased, -up.low), abs=1e-8
    )
    assert down.p == pytest.approx(up.p)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 4), st.floats(-6, 6), st.sampled_from([0.01, 1.0, 300.0]))
def test_interval_p_and_estimate_say_the_same(number: int, z: float, se: float) -> None:
    found = at_stop(PRIOR[:number], PLAN[number].units, z * se, se)
    assert found.low < found.median_unbiased < found.high
    assert 0.0 <= found.p <= 1.0
    if abs(found.p - 0.05) > 1e-6:
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_the_ends_of_the_interval_are_where_they_belong() -> None:
    """Under the low end, an outcome as high has probability alpha/2; checked by walking in the plan's own
    time.
    """
    found = at_stop(PRIOR[:2], 60, 0.3, 0.1)
    bounds = [PLAN[0].boundary, PLAN[1].boundary, 3.0]
    for end, chance in ((found.low, 0.025), (found.median_unbiased, 0.5), (found.high, 0.975)):
        drift = end / 0.1 / math.sqrt(0.6)
        assert sum(crossing([0.2, 0.4, 0.6], bounds, drift).above) == pytest.approx(chance, abs=1e-7)


def test_the_repeated_interval_excludes_0_just_where_the_boundary_is_crossed() -> None:
    bound = PLAN[2].boundary
    over, under = at_look(bound, bound * 1.001, 1.0), at_look(bound, bound * 0.999, 1.0)
    assert over.low > 0 > under.low
    assert over.p < nominal_p(bound) < under.p


def test_the_se_of_a_t_test_is_that_of_the_normal_test_with_its_p() -> None:
    found = equivalent_se(2.0, 0.7, 0.03)
    assert two_sided(2.0 / found) == pytest.approx(0.03)
    assert (
        equivalent_se(0.0, 0.7, 0.03) == equivalent_se(2.0, 0.7, 1.0) == equivalent_se(2.0, 0.7, 0.0) == 0.7
    )


@pytest.mark.parametrize("se", [0.0, -1.0, float("nan"), float("inf")])
def test_an_estimate_without_a_standard_error_is_refused(se: float) -> None:
    with pytest.raises(BadFigures, match="says nothing"):
        at_stop((), 20, 0.1, se)
    with pytest.raises(BadFigures, match="says nothing"):
        at_look(4.9, 0.1, se)


@pytest.mark.parametrize("z", [30.0, 1e3, 1e7])
def test_an_effect_beyond_all_tables_has_an_interval(z: float) -> None:
    """What bounds it is that the look before was not crossed."""
    found = at_stop(PRIOR[:1], 40, z, 1.0)
    assert 1.0 < found.low < found.median_unbiased < found.high
    assert found.p == pytest.approx(spent(0.05, 0.2), rel=1e-6)


def test_a_stop_needs_more_units_than_the_look_before() -> None:
    with pytest.raises(BadFigures, match="the look before had 40 units, the last one 40"):
        at_stop(PRIOR[:2], 40, 0.1, 0.1)


# Jennison & Turnbull (2000), tables 2.2 and 2.4: R for alpha .05 and power .9.
@pytest.mark.parametrize(
    ("bounds", "published"),
    [([2.413] * 5, 1.207), ([2.040 / math.sqrt(time) for time in FIFTHS], 1.026)],
)
def test_the_inflation_is_the_published_one(bounds: list[float], published: float) -> None:
    assert cost_of_bounds(FIFTHS, bounds, alpha=0.05, wanted=0.9).inflation == pytest.approx(
        published, abs=8e-4
    )


def test_looking_costs_little_at_most_and_saves_a_quarter_on_average() -> None:
    found = cost(FIFTHS, wanted=0.8)
    assert 1.0 < found.inflation < 1.03
    assert found.expected < 0.85
    assert found.inflation - 0.01 < found.expected_without_effect < found.inflation
    assert cost([1.0]).inflation == pytest.approx(1.0)


def test_a_power_that_cannot_be_planned_for_is_refused() -> None:
    for wanted in (0.05, 1.0):
        with pytest.raises(BadFigures, match="cannot be planned for"):
            cost(FIFTHS, wanted=wanted)


def test_tails_are_exact_far_out() -> None:
    assert upper(10.0) == pytest.approx(7.619853e-24, rel=1e-6)
    assert quantile(upper(20.0)) == pytest.approx(20.0)


def test_a_root_needs_a_change_of_sign() -> None:
    assert root(lambda x: x**3 - 2, 0, 5) == pytest.approx(2 ** (1 / 3))
    assert root(lambda x: x, 0, 5) == 0
    assert root(lambda x: x - 5, 0, 5) == 5
    with pytest.raises(ValueError, match="no change of sign"):
        root(lambda x: x + 1, 0, 5)
