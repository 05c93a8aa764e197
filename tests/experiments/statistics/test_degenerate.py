"""Input that allows no answer gets words, input that cannot be gets an error: never NaN, never a warning."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from tamma.errors import BadFigures
from tamma.experiments.statistics import bootstrap, clusters, means, ranks, ratios, trimmed
from tamma.experiments.statistics.cost_per_success import Spending, cost_per_success, paired_cost_per_success
from tamma.experiments.statistics.mcnemar import PairedCounts, mcnemar, paired_counts
from tamma.experiments.statistics.multiplicity import benjamini_hochberg, holm
from tamma.experiments.statistics.proportions import Counts, compare_rates, newcombe, wilson
from tamma.experiments.statistics.samples import LARGEST
from tamma.experiments.statistics.srm import missingness, sample_ratio
from tamma.model.estimates import CautionKind, Comparison, Interval

Test = Callable[..., Comparison]
SEED = {"seed": 1}
UNPAIRED: dict[Test, dict[str, Any]] = {
    means.welch: {},
    trimmed.yuen: {},
    ranks.mann_whitney: {},
    ratios.ratio: {},
    ratios.trimmed_ratio: {},
    bootstrap.mean_difference: SEED,
    bootstrap.tail_difference: SEED,
}
PAIRED: dict[Test, dict[str, Any]] = {
    means.paired_t: {},
    trimmed.yuen_paired: {},
    ranks.wilcoxon: {},
    ratios.paired_ratio: {},
    ratios.trimmed_paired_ratio: {},
    bootstrap.paired_mean_difference: SEED,
    bootstrap.paired_tail_difference: SEED,
}
ALL = UNPAIRED | PAIRED
RANKS = (ranks.mann_whitney, ranks.wilcoxon)


def kinds(result: Comparison) -> list[CautionKind]:
    assert all(caution.words for caution in result.cautions)
    return [caution.kind for caution in result.cautions]


@pytest.mark.parametrize("test", ALL, ids=lambda test: test.__name__)
def test_empty_arms(test: Test) -> None:
    result = test(control=[], treatment=[], **ALL[test])
    assert CautionKind.EMPTY in kinds(result)
    assert (result.estimate, result.p, result.interval) == (None, None, None)
    missing = test(control=[None, None], treatment=[1.0, 2.0], **ALL[test])
    assert {CautionKind.EMPTY, CautionKind.MISSING} <= set(kinds(missing))
    assert missing.control.missing == 2
    assert missing.estimate is None


@pytest.mark.parametrize("test", [test for test in ALL if test not in RANKS], ids=lambda test: test.__name__)
def test_one_value_has_an_estimate_and_no_test(test: Test) -> None:
    result = test(control=[2.0], treatment=[4.0], **ALL[test])
    assert result.estimate in (2.0, pytest.approx(2.0))
    assert (result.p, result.interval) == (None, None)
    assert CautionKind.TOO_FEW in kinds(result)


@pytest.mark.parametrize("test", [test for test in ALL if test not in RANKS], ids=lambda test: test.__name__)
def test_no_spread_has_an_estimate_and_no_test(test: Test) -> None:
    # 0.1 has no exact binary fraction: what rounding makes of equal values is no spread either.
    result = test(control=[0.1] * 25, treatment=[0.3] * 25, **ALL[test])
    assert result.estimate in (pytest.approx(0.2), pytest.approx(3.0))
    assert (result.p, result.interval) == (None, None)
    assert CautionKind.NO_SPREAD in kinds(result)


def test_differences_that_are_equal_but_for_rounding_are_no_proof() -> None:
    control = [0.1, 0.2, 0.3, 0.7, 1.1, 1.3]
    treatment = [value + 0.1 for value in control]
    result = means.paired_t(control=control, treatment=treatment)
    assert result.estimate == pytest.approx(0.1)
    assert result.p is None
    assert CautionKind.NO_SPREAD in kinds(result)


def test_ranks_of_equal_values() -> None:
    for test in RANKS:
        result = test(control=[1.0] * 5, treatment=[1.0] * 5)
        assert result.p == 1
        assert result.estimate == result.measure.null
        assert kinds(result) == [CautionKind.TIED]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 2 * LARGEST])
@pytest.mark.parametrize("test", ALL, ids=lambda test: test.__name__)
def test_what_is_no_number_is_refused(test: Test, bad: float) -> None:
    with pytest.raises(BadFigures, match=r"value 2 of treatment is .*, which no measurement is") as caught:
        test(control=[1.0, 2.0, 3.0], treatment=[1.0, None, bad], **ALL[test])
    assert caught.value.hint
    assert "None" in caught.value.hint


@pytest.mark.parametrize("test", PAIRED, ids=lambda test: test.__name__)
def test_pairs_of_different_length_are_refused(test: Test) -> None:
    with pytest.raises(BadFigures, match="control has 2 values and treatment 3"):
        test(control=[1.0, 2.0], treatment=[1.0, 2.0, 3.0], **PAIRED[test])


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0, 95.0, math.nan])
def test_what_is_no_confidence_level_is_refused(level: float) -> None:
    for call in (
        lambda: means.welch(control=[1.0, 2.0], treatment=[1.0, 3.0], level=level),
        lambda: wilson(Counts(1, 2), level),
        lambda: mcnemar(PairedCounts(1, 1, 1, 1), level),
    ):
        with pytest.raises(BadFigures, match="confidence level"):
            call()


# --- ratios ---------------------------------------------------------------------------------------


def test_negative_costs_are_refused() -> None:
    with pytest.raises(BadFigures, match=r"1 values of control are negative, the first is -0\.5"):
        ratios.ratio(control=[1.0, -0.5], treatment=[1.0, 2.0])


def test_zeros_need_a_declared_floor() -> None:
    control, treatment = [0.0, 1.0, 2.0, 4.0], [1.0, 2.0, 4.0, 8.0]
    without = ratios.ratio(control=control, treatment=treatment)
    assert kinds(without) == [CautionKind.ZEROS]
    assert without.estimate is None
    floored = ratios.ratio(control=control, treatment=treatment, floor=0.5)
    assert CautionKind.FLOORED in kinds(floored)
    assert floored.estimate == pytest.approx(2.0)
    with pytest.raises(BadFigures, match="floor"):
        ratios.ratio(control=control, treatment=treatment, floor=0.0)


def test_a_ratio_without_an_upper_end_says_so() -> None:
    result = ratios.ratio(control=[1e-90, 1e90], treatment=[1.0, 1.0])
    assert CautionKind.UNBOUNDED in kinds(result)
    assert result.interval is not None
    assert result.interval.high is None


# --- rates ----------------------------------------------------------------------------------------


def test_all_fail_and_all_succeed() -> None:
    for successes in (0, 10):
        result = compare_rates(control=Counts(successes, 10), treatment=Counts(successes, 10))
        assert (result.estimate, result.p) == (0, 1)
        assert kinds(result) == [CautionKind.TIED]
        assert result.interval is not None
        assert result.interval.low is not None
        assert -0.3 < result.interval.low < 0


def test_rates_of_no_task() -> None:
    assert wilson(Counts(0, 0)) == Interval(0.0, 1.0, 0.95)
    assert newcombe(control=Counts(0, 0), treatment=Counts(1, 2)) == Interval(-1.0, 1.0, 0.95)
    result = compare_rates(control=Counts(0, 0, missing=3), treatment=Counts(1, 2))
    assert kinds(result) == [CautionKind.MISSING, CautionKind.EMPTY]
    assert (result.estimate, result.p) == (None, None)


@pytest.mark.parametrize("counts", [(3, 2), (-1, 2)])
def test_impossible_counts_are_refused(counts: tuple[int, int]) -> None:
    with pytest.raises(BadFigures, match="no counts of successes"):
        Counts(*counts)
    with pytest.raises(BadFigures, match="negative"):
        PairedCounts(1, -1, 0, 0)


def test_pairs_that_fared_alike() -> None:
    result = mcnemar(PairedCounts(both=5, only_treatment=0, only_control=0, neither=3))
    assert (result.estimate, result.p) == (0, 1)
    assert kinds(result) == [CautionKind.TIED]
    assert result.interval is not None
    assert result.interval.holds(0)
    assert kinds(mcnemar(PairedCounts(0, 0, 0, 0))) == [CautionKind.EMPTY]


def test_outcomes_are_counted_in_pairs() -> None:
    counts = paired_counts([True, True, False, False, None], [True, False, True, False, True])
    assert counts == PairedCounts(both=1, only_treatment=1, only_control=1, neither=1, missing=1)
    with pytest.raises(BadFigures, match="paired arms"):
        paired_counts([True], [True, False])


def test_test_and_interval_that_disagree_are_told() -> None:
    # Five wins and no loss: the exact p is 0.0625, while Newcombe's interval excludes 0.
    result = mcnemar(PairedCounts(both=0, only_treatment=5, only_control=0, neither=5))
    assert result.p == pytest.approx(0.0625)
    assert kinds(result) == [CautionKind.DISAGREEMENT]


# --- cost per success ------------------------------------------------------------------------------


@pytest.mark.parametrize("test", [cost_per_success, paired_cost_per_success])
def test_cost_per_success_without_success(test: Test) -> None:
    failing, winning = Spending([1.0, 2.0], [False, False]), Spending([1.0, 2.0], [True, True])
    result = test(control=winning, treatment=failing, seed=1)
    assert kinds(result) == [CautionKind.TIED]
    assert result.treatment.value is None
    free = test(control=Spending([0.0, 0.0], [True, True]), treatment=winning, seed=1)
    assert kinds(free) == [CautionKind.ZEROS]
    even = Spending([0.1] * 3, [True] * 3)
    same = test(control=even, treatment=Spending([0.3] * 3, [True] * 3), seed=1)
    assert same.estimate == pytest.approx(3.0)
    assert same.interval is None
    assert CautionKind.NO_SPREAD in kinds(same)
    empty = test(control=Spending([None, 1.0], [True, None]), treatment=winning, seed=1)
    assert CautionKind.EMPTY in kinds(empty)
    with pytest.raises(BadFigures, match="both are 0 or more"):
        test(control=Spending([-1.0, 2.0], [True, True]), treatment=winning, seed=1)
    with pytest.raises(BadFigures, match=r"\[2, 1"):
        test(control=Spending([1.0, 2.0], [True]), treatment=winning, seed=1)


def test_one_success_among_many_has_no_upper_end() -> None:
    one = Spending([1.0] * 30, [True] + [False] * 29)
    most = Spending([1.0] * 30, [True] * 25 + [False] * 5)
    result = cost_per_success(control=most, treatment=one, seed=1)
    assert result.estimate == pytest.approx(25)
    assert {CautionKind.SMALL, CautionKind.UNBOUNDED} == set(kinds(result))
    assert result.interval is not None
    assert result.interval.low is not None
    assert result.interval.low > 2
    assert result.interval.high is None


# --- tails, clusters, checks ------------------------------------------------------------------------


def test_tails_are_for_the_report_below_200_tasks() -> None:
    for n, wanted in ((19, [CautionKind.TOO_FEW, CautionKind.REPORT_ONLY]), (199, [CautionKind.REPORT_ONLY])):
        values = [float(value) for value in range(n)]
        for test in (bootstrap.tail_difference, bootstrap.paired_tail_difference):
            assert kinds(test(control=values, treatment=values[::-1], seed=1)) == wanted
    values = [float(value) for value in range(200)]
    result = bootstrap.tail_difference(control=values, treatment=values, seed=1)
    assert kinds(result) == []
    assert result.control.value == 189.0


def test_few_repositories_are_not_generalisable() -> None:
    names = [f"r{index % 7}" for index in range(28)]
    values = [float(index % 5) for index in range(28)]
    for result in (
        clusters.clustered(
            control=values,
            treatment=values[::-1],
            control_repositories=names,
            treatment_repositories=names,
        ),
        clusters.clustered_pairs(control=values, treatment=values[::-1], repositories=names),
    ):
        assert CautionKind.NOT_GENERALISABLE in kinds(result)
        assert result.df == 6


def test_one_repository_has_no_standard_error() -> None:
    one = ["r"] * 4
    result = clusters.clustered_pairs(control=[1, 2, 3, 4], treatment=[2, 2, 5, 4], repositories=one)
    assert result.estimate == pytest.approx(0.75)
    assert kinds(result) == [CautionKind.NOT_GENERALISABLE, CautionKind.TOO_FEW]
    with pytest.raises(BadFigures, match="4 pairs name 3 repositories"):
        clusters.clustered_pairs(control=[1, 2, 3, 4], treatment=[2, 2, 5, 4], repositories=one[1:])
    apart = clusters.clustered(
        control=[1, 2], treatment=[2, 3], control_repositories=["a", "b"], treatment_repositories=["c", "c"]
    )
    assert CautionKind.TOO_FEW in kinds(apart)


def test_a_split_is_not_judged_on_a_handful() -> None:
    few = sample_ratio((9, 0), (0.5, 0.5))
    assert (few.p, few.alarm) == (None, False)
    assert sample_ratio((0, 0), (1, 1)).alarm is False
    assert sample_ratio((10, 1, 10), (1, 0, 1)).alarm is True
    for observed, planned in (((1,), (1,)), ((1, 2), (1,)), ((-1, 2), (1, 1)), ((1, 2), (0, 0))):
        with pytest.raises(BadFigures):
            sample_ratio(observed, planned)


def test_a_metric_that_one_arm_loses_raises_the_alarm() -> None:
    lost = missingness(control=Counts(100, 100), treatment=Counts(80, 100))
    assert lost.alarm
    assert lost.words.startswith(
        "the metric is missing for 0 of 100 tasks of control and 20 of 100 of treatment"
    )
    assert not missingness(control=Counts(98, 100), treatment=Counts(95, 100)).alarm
    assert not missingness(control=Counts(0, 0), treatment=Counts(95, 100)).alarm


def test_no_tests_and_impossible_ps() -> None:
    for adjust in (holm, benjamini_hochberg):
        assert adjust([]) == ()
        assert adjust([None]) == (None,)
        # A comparison without a test was still meant to be one of the family.
        assert adjust([0.01, None]) == (0.02, None)
        for bad in (math.nan, -0.1, 1.1):
            with pytest.raises(BadFigures, match="p-value 1"):
                adjust([0.5, bad])
