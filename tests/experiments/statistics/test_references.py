"""Published and independently recomputed results, to the digits in which they are published."""

from __future__ import annotations

import pytest

from tamma.experiments.statistics.mcnemar import PairedCounts, mcnemar_p, newcombe_paired
from tamma.experiments.statistics.means import Moments, paired_t, welch, welch_of_moments
from tamma.experiments.statistics.multiplicity import benjamini_hochberg, holm
from tamma.experiments.statistics.power import (
    Goal,
    means_tasks,
    paired_rates_spread,
    paired_tasks,
    rates_tasks,
)
from tamma.experiments.statistics.proportions import Counts, compare_rates, fisher_p, newcombe, wilson
from tamma.experiments.statistics.ranks import wilcoxon
from tamma.experiments.statistics.srm import sample_ratio
from tamma.experiments.statistics.trimmed import yuen, yuen_paired
from tamma.model.estimates import Interval

SLEEP_1 = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
SLEEP_2 = (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4)
"""R's `sleep`: hours gained with two drugs by the same ten people (Student, 1908)."""
YUEN_A = (56, 128.6, 12, 123.8, 64.34, 78, 763.3)
YUEN_B = (1.1, 2.9, 4.2)
BEFORE = (
    83.8,
    83.3,
    86.0,
    82.5,
    86.7,
    79.6,
    76.9,
    94.2,
    73.4,
    80.5,
    81.6,
    82.1,
    77.6,
    83.5,
    89.9,
    86.0,
    87.3,
)
AFTER = (
    95.2,
    94.3,
    91.5,
    91.9,
    100.3,
    76.7,
    76.8,
    101.6,
    94.9,
    75.2,
    77.8,
    95.5,
    90.7,
    92.5,
    93.8,
    91.7,
    98.0,
)
"""R's `anorexia` (MASS), family therapy: weights of 17 patients, in pounds."""


def digits(value: float | None, places: int) -> float:
    assert value is not None
    return round(value, places)


def ends(interval: Interval | None, places: int) -> tuple[float, float]:
    assert interval is not None
    return digits(interval.low, places), digits(interval.high, places)


def test_welch_from_sums_is_that_of_gbstats() -> None:
    control = Moments.of_sums(1396.87, 52377.9767, 3407)
    treatment = Moments.of_sums(2422.7, 134698.29, 3461)
    result = welch_of_moments(control=control, treatment=treatment)
    assert digits(result.estimate, 5) == 0.29
    assert ends(result.interval, 5) == (0.04538, 0.53462)
    assert digits(result.p, 5) == 0.02016


def test_welch_and_paired_t_are_those_of_r() -> None:
    result = welch(control=SLEEP_2, treatment=SLEEP_1)
    assert digits(result.statistic, 5) == -1.86081
    assert digits(result.df, 4) == 17.7765
    assert digits(result.p, 5) == 0.07939
    assert ends(result.interval, 4) == (-3.3655, 0.2055)
    paired = paired_t(control=SLEEP_2, treatment=SLEEP_1)
    assert digits(paired.statistic, 5) == -4.06213
    assert paired.df == 9
    assert digits(paired.p, 8) == 0.00283289
    assert ends(paired.interval, 4) == (-2.4599, -0.7001)
    assert paired.effect is not None
    assert (paired.effect.name, round(paired.effect.value, 4)) == ("d-z", -1.2846)


def test_wilcoxon_is_exact_with_ties() -> None:
    # All nine pairs that differ favour one arm: two of the 2**9 ways to sign the ranks are as extreme.
    result = wilcoxon(control=SLEEP_2, treatment=SLEEP_1)
    assert result.p == pytest.approx(2 / 2**9)
    assert (result.estimate, result.statistic) == (-1.0, 0.0)


@pytest.mark.parametrize(
    ("treatment", "control", "expected"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
    ],
)
def test_newcombe(
    treatment: tuple[int, int], control: tuple[int, int], expected: tuple[float, float]
) -> None:
    assert ends(newcombe(treatment=Counts(*treatment), control=Counts(*control)), 4) == expected


@pytest.mark.parametrize(
    ("successes", "n", "expected"), [(81, 263, (0.2553, 0.3662)), (17, 20, (0.6396, 0.9476))]
)
def test_wilson(successes: int, n: int, expected: tuple[float, float]) -> None:
    assert ends(wilson(Counts(successes, n)), 4) == expected


def test_fisher() -> None:
    assert digits(fisher_p(control=Counts(3, 4), treatment=Counts(1, 4)), 6) == 0.485714


def test_barnard_is_that_of_the_paper_on_it() -> None:
    # Mehta and Senchaudhuri (2003): 7 of 15 infected after the vaccine, 12 of 15 after placebo.
    result = compare_rates(treatment=Counts(7, 15), control=Counts(12, 15))
    assert digits(result.p, 4) == 0.0682
    assert digits(result.statistic, 3) == -1.894


def test_mcnemar() -> None:
    assert mcnemar_p(150, 86) == pytest.approx(3.7159e-5, rel=1e-5)
    assert mcnemar_p(86, 150) == mcnemar_p(150, 86)


def test_the_paired_interval_is_that_of_fagerland_lydersen_and_laake() -> None:
    # Airway hyper-responsiveness before and after a transplantation, 21 children; their table of intervals.
    counts = PairedCounts(both=1, only_treatment=1, only_control=7, neither=12)
    assert ends(newcombe_paired(counts), 3) == (-0.507, -0.026)


def test_yuen_with_pooled_variances_is_that_of_yuen_and_dixon() -> None:
    result = yuen(treatment=YUEN_A, control=YUEN_B, equal_variances=True)
    assert digits(result.statistic, 6) == 3.446388
    assert result.df == 6
    assert digits(result.p, 7) == 0.0136934


def test_yuen_is_that_of_r() -> None:
    result = yuen(treatment=YUEN_A, control=YUEN_B)
    assert digits(result.statistic, 9) == 4.591598691
    assert digits(result.p, 9) == 0.009989093


def test_paired_yuen_is_that_of_wilcox() -> None:
    result = yuen_paired(control=AFTER, treatment=BEFORE)
    assert digits(result.estimate, 5) == -8.56364
    assert ends(result.interval, 4) == (-13.5469, -3.5804)
    assert (digits(result.statistic, 3), result.df) == (-3.829, 10)
    assert digits(result.p, 5) == 0.00332


@pytest.mark.parametrize(
    ("observed", "p", "alarm"), [((821588, 815482), 1.8218e-6, True), ((1000, 900), 0.0217815, False)]
)
def test_sample_ratio(observed: tuple[int, int], p: float, alarm: bool) -> None:
    found = sample_ratio(observed, (0.5, 0.5))
    assert found.p == pytest.approx(p, rel=5e-6)
    assert found.alarm is alarm


def test_adjusted_p_values_are_those_of_r() -> None:
    # p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm" and "BH")
    ps = (0.01, 0.02, 0.03, 0.04, 0.05)
    assert holm(ps) == pytest.approx((0.05, 0.08, 0.09, 0.09, 0.09))
    assert benjamini_hochberg(ps) == pytest.approx((0.05,) * 5)
    mixed = (0.04, 0.001, 0.2, 0.012)
    assert holm(mixed) == pytest.approx((0.08, 0.004, 0.2, 0.036))
    assert benjamini_hochberg(mixed) == pytest.approx((0.04 * 4 / 3, 0.004, 0.2, 0.024))


def test_sample_sizes_are_those_of_r() -> None:
    # power.t.test(delta = .5), the same of 1 with power = .9, power.prop.test(p1 = .5, p2 = .75, power = .9)
    assert digits(means_tasks(0.5), 3) == 63.766
    assert digits(means_tasks(1, Goal(power=0.9)), 4) == 22.0211
    assert digits(rates_tasks(0.5, 0.75, Goal(power=0.9)), 3) == 76.707


def test_pairs_halve_the_runs() -> None:
    # Ten points more than 0.6, where two runs of one task correlate by 0.46.
    spread = paired_rates_spread(0.6, 0.7, icc=0.46)
    assert round(paired_tasks(0.1 / spread)) == 193
    assert round(rates_tasks(0.6, 0.7)) == 356
