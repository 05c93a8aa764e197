"""Boundaries: published values, an independent integration, and looks that do not keep to the plan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamma.errors import ConfigError
from tamma.experiments.looks import due_look
from tamma.experiments.sequential.spending import FARTHEST, boundaries, boundary_now, plan_looks, spent
from tamma.experiments.sequential.walk import crossing
from tamma.model.looks import Bound, DueLook

FIFTHS = (0.2, 0.4, 0.6, 0.8, 1.0)


def test_the_boundaries_of_five_equal_looks_are_the_published_ones() -> None:
    assert boundaries(FIFTHS) == pytest.approx((4.8769, 3.3570, 2.6803, 2.2898, 2.0310), abs=5e-5)


def test_one_look_is_the_fixed_test() -> None:
    assert boundaries([1.0]) == pytest.approx([1.959964], abs=1e-6)


# Jennison & Turnbull (2000), tables 2.1 and 2.3: C_P and C_B for a two-sided alpha of .05.
@pytest.mark.parametrize(("looks", "pocock", "obrien_fleming"), [(2, 2.178, 1.977), (5, 2.413, 2.040)])
def test_published_constants_of_other_designs_have_an_error_of_alpha(
    looks: int, pocock: float, obrien_fleming: float
) -> None:
    times = [(index + 1) / looks for index in range(looks)]
    flat = crossing(times, [pocock] * looks).total
    falling = crossing(times, [obrien_fleming / math.sqrt(time) for time in times]).total
    assert (flat, falling) == pytest.approx((0.05, 0.05), abs=1.2e-4)


@pytest.mark.parametrize("times", [FIFTHS, (0.1, 0.35, 0.4, 0.9, 1.0), (0.5, 0.55, 1.0), (0.3, 1.0, 1.3)])
@pytest.mark.parametrize("drift", [0.0, 2.5])
def test_crossing_agrees_with_another_integration(times: Sequence[float], drift: float) -> None:
    bounds = boundaries([time / times[-1] for time in times])
    walked = crossing(times, bounds, drift)
    assert walked.total == pytest.approx(1 - _inside_by_scipy(times, bounds, drift), abs=3e-5)


def _inside_by_scipy(times: Sequence[float], bounds: Sequence[float], drift: float) -> float:
    """The probability of a box of the multivariate normal distribution, by quasi-Monte Carlo."""
    import numpy as np
    from scipy import stats

    normal = cast("Any", stats).multivariate_normal
    corner = np.array(bounds)
    correlation = [[math.sqrt(min(a, b) / max(a, b)) for a in times] for b in times]
    mean = [drift * math.sqrt(time) for time in times]
    return float(
        normal.cdf(corner, mean=mean, cov=correlation, lower_limit=-corner, abseps=1e-6, maxpts=40_000, rng=7)
    )


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=6, unique=True).map(sorted),
    st.sampled_from([0.01, 0.05, 0.1]),
)
def test_any_looks_have_an_error_of_alpha(counts: list[int], alpha: float) -> None:
    plan = plan_looks(counts[-1], counts, alpha)
    times = [look.units / counts[-1] for look in plan]
    walked = crossing(times, [look.boundary for look in plan])
    assert walked.total == pytest.approx(alpha, abs=1e-8)
    assert walked.above == pytest.approx(walked.below, abs=1e-10)
    so_far = 0.0
    for time, above, below in zip(times[:-1], walked.above, walked.below, strict=False):
        so_far += above + below
        assert so_far == pytest.approx(spent(alpha, time), abs=1e-8)


def test_close_looks_are_as_exact_as_others() -> None:
    times = [0.5, 0.5001, 1.0]
    bounds = boundaries(times)
    assert crossing(times, bounds).total == pytest.approx(0.05, abs=1e-8)


def test_no_boundary_is_farther_than_8() -> None:
    assert boundaries([0.01, 1.0])[0] == FARTHEST
    assert boundaries([0.0001, 1.0])[0] == FARTHEST


def test_a_plan_has_its_looks_in_order() -> None:
    plan = plan_looks(120, 3)
    assert [(look.number, look.units) for look in plan] == [(1, 40), (2, 80), (3, 120)]
    assert [look.boundary for look in plan] == list(boundaries([1 / 3, 2 / 3, 1.0]))


def followed(planned: int, counts: Sequence[int], *, ended: bool = False) -> list[Bound]:
    """The looks taken where this many units were completed whenever somebody asked; those that count."""
    plan = plan_looks(planned)
    taken: list[Bound] = []
    for asked, count in enumerate(counts, 1):
        due = due_look(plan, taken, count, ended=ended and asked == len(counts))
        if due is not None:
            taken = [*due.prior, Bound(due.units, boundary_now(due, planned))]
    return taken


def error_of(planned: int, taken: Sequence[Bound]) -> float:
    return crossing([look.units / planned for look in taken], [look.boundary for look in taken]).total


def test_looks_on_time_have_the_planned_boundaries() -> None:
    taken = followed(100, range(1, 101))
    assert [look.units for look in taken] == [20, 40, 60, 80, 100]
    assert [look.boundary for look in taken] == pytest.approx(boundaries(FIFTHS))


@pytest.mark.parametrize(
    ("counts", "ended"),
    [
        ([23, 47, 61, 88, 100], False),  # late
        ([70, 100], False),  # two missed
        ([20, 40, 60, 80, 131], False),  # more units than planned
        ([140], False),  # all at once
        ([20, 40, 55], True),  # the money ran out
        ([20, 40, 40], True),  # it ran out right after a look
        ([20, 99, 100], False),
    ],
)
def test_looks_that_do_not_keep_to_the_plan_spend_exactly_alpha(counts: list[int], ended: bool) -> None:
    taken = followed(100, counts, ended=ended)
    assert taken[-1].units == counts[-1]
    assert error_of(100, taken) == pytest.approx(0.05, abs=1e-8)


def test_a_look_that_could_make_no_test_leaves_its_alpha_to_the_next() -> None:
    plan = plan_looks(100)
    expected = DueLook(3, 60, False, 0, ())
    assert due_look(plan, [Taken(20, None), Taken(40, None)], 60) == expected
    assert boundary_now(expected, 100) == boundaries([0.6, 1.0])[0]


def test_more_units_than_planned_keep_the_earlier_boundaries_and_move_the_last() -> None:
    on_time, over = followed(100, [20, 40, 60, 80, 100]), followed(100, [20, 40, 60, 80, 150])
    assert over[:-1] == on_time[:-1]
    # The last statistic hangs less on the earlier ones: more of what lies beyond a boundary is new there.
    assert over[-1].boundary > on_time[-1].boundary


def test_nothing_is_left_after_the_last_look() -> None:
    due = DueLook(2, 140, True, 0, (Bound(100, 1.96),))
    with pytest.raises(ConfigError, match="the look at 100 of 100 units spent all of the alpha"):
        boundary_now(due, 100)


@dataclass(frozen=True, slots=True)
class Taken:
    units: int
    boundary: float | None


@pytest.mark.parametrize(
    ("fractions", "said"),
    [
        ([0.5, 0.5, 1.0], "look 2 is at 0.5 of the information and the one before at 0.5"),
        ([0.5, 0.4], "look 2 is at 0.4"),
        ([0.0, 1.0], "look 1 is at 0.0"),
        ([-0.1, 1.0], "look 1 is at -0.1"),
        ([float("nan")], "look 1 is at nan"),
        ([0.5, float("inf")], "look 2 is at inf"),
        ([], "0 looks"),
    ],
)
def test_looks_that_cannot_be_are_refused_in_words(fractions: list[float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        boundaries(fractions)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.05, float("nan")])
def test_an_alpha_that_is_no_probability_is_refused(alpha: float) -> None:
    with pytest.raises(ConfigError, match="alpha is"):
        plan_looks(100, 5, alpha)


def test_a_plan_that_nobody_can_follow_is_refused() -> None:
    with pytest.raises(ConfigError, match="an experiment of 0 units"):
        plan_looks(0)
    with pytest.raises(ConfigError, match="5 looks at 3 units: there can be 1 to 3"):
        plan_looks(3)
    with pytest.raises(ConfigError, match="the looks are at"):
        plan_looks(100, [20, 80])
