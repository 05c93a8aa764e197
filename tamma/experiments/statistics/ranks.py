"""Rank tests, as sensitivity beside the t tests: do a few extreme values carry the result?"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from tamma.experiments.statistics.distributions import normal_cdf
from tamma.experiments.statistics.samples import (
    ROUNDING,
    FloatArray,
    Values,
    nothing_to_compare,
    pairs,
    sample,
)
from tamma.model.estimates import Caution, CautionKind, Comparison, Measure

FEW = 8
"""Below it an asymptotic rank test is poor; scipy computes exact ones up to here, where there are no ties."""
FEW_PAIRS = 50
"""Up to here scipy computes exact p. Beyond, the normal approximation needs no `scipy.stats`, whose loading
takes longer than all tests of 10,000 tasks together."""


def mann_whitney(*, control: Values, treatment: Values) -> Comparison:
    """The Mann-Whitney test; the estimate is the chance that treatment lies above control, null 0.5.

    p is exact for small arms without ties, else asymptotic with corrections for ties and continuity.
    """
    first, second = sample(control, "control"), sample(treatment, "treatment")
    # The arms' values are medians: means are not what ranks compare.
    arms = first.arm(_median(first.values)), second.arm(_median(second.values))
    said = first.cautions() + second.cautions()
    if empty := nothing_to_compare(first, second):
        return Comparison("mann-whitney", Measure.SUPERIORITY, *arms, cautions=(*said, *empty))
    together = np.concatenate([first.values, second.values])
    if np.ptp(together) == 0:
        words = "all values of both arms are equal: ranks cannot tell them apart"
        tied = Caution(CautionKind.TIED, words)
        return Comparison(
            "mann-whitney", Measure.SUPERIORITY, *arms, estimate=0.5, p=1.0, cautions=(*said, tied)
        )
    statistic, p = _rank_sum(first.values, second.values)
    if min(first.n, second.n) < FEW and np.unique(together).size < together.size:
        said += (Caution(CautionKind.SMALL, f"ties in an arm of fewer than {FEW} values: p is approximate"),)
    return Comparison(
        "mann-whitney",
        Measure.SUPERIORITY,
        *arms,
        estimate=statistic / (first.n * second.n),
        p=min(1.0, p),
        statistic=statistic,
        cautions=said,
    )


def wilcoxon(*, control: Values, treatment: Values) -> Comparison:
    """Wilcoxon's signed-rank test of the pairs; the estimate is the matched-pairs rank-biserial correlation.

    Pairs without a difference are left out, as Wilcoxon did. The statistic is the sum of the ranks that
    favour treatment. p is exact for few pairs, else asymptotic with corrections for ties and continuity.
    """
    tasks = pairs(control, treatment)
    arms, said = tasks.arms(_median(tasks.control), _median(tasks.treatment)), tasks.cautions()
    if not tasks.n:
        words = "no task has a value in both arms: nothing can be compared"
        empty = Caution(CautionKind.EMPTY, words)
        return Comparison("wilcoxon", Measure.RANK_BISERIAL, *arms, cautions=(*said, empty))
    size = max(float(np.max(np.abs(tasks.control))), float(np.max(np.abs(tasks.treatment))))
    # 0.3 - 0.2 and 0.2 - 0.1 are a tie that binary fractions hide.
    differences = np.round(tasks.differences / (size or 1.0) / ROUNDING)
    differences = differences[differences != 0]
    if not differences.size:
        words = f"no pair of {tasks.n} differs: ranks cannot tell the arms apart"
        tied = Caution(CautionKind.TIED, words)
        return Comparison(
            "wilcoxon", Measure.RANK_BISERIAL, *arms, estimate=0.0, p=1.0, cautions=(*said, tied)
        )
    ranks, ties = _ranked(np.abs(differences))
    above, all_ranks = float(np.sum(ranks[differences > 0])), float(np.sum(ranks))
    p = _signed_ranks(differences, above, ties)
    return Comparison(
        "wilcoxon",
        Measure.RANK_BISERIAL,
        *arms,
        estimate=2 * above / all_ranks - 1,
        p=min(1.0, p),
        statistic=above,
        cautions=said,
    )


def _rank_sum(first: FloatArray, second: FloatArray) -> tuple[float, float]:
    """U of `second` over `first`, and its two-sided p."""
    n, m = first.size, second.size
    ranks, ties = _ranked(np.concatenate([second, first]))
    above = float(np.sum(ranks[:m])) - m * (m + 1) / 2
    if min(n, m) <= FEW and not ties:
        return above, float(_stats().mannwhitneyu(second, first).pvalue)
    whole = n + m
    variance = n * m / 12 * (whole + 1 - ties / (whole * (whole - 1)))
    return above, _normal_p(above - n * m / 2, variance)


def _signed_ranks(differences: FloatArray, above: float, ties: float) -> float:
    """The two-sided p of the ranks' sum `above`; no difference is 0."""
    n = differences.size
    if n <= FEW_PAIRS:
        return float(_stats().wilcoxon(differences, correction=True).pvalue)
    return _normal_p(above - n * (n + 1) / 4, n * (n + 1) * (2 * n + 1) / 24 - ties / 48)


def _normal_p(apart: float, variance: float) -> float:
    """Two-sided, corrected for continuity."""
    if variance <= 0:
        return 1.0
    return 2 * normal_cdf(-max(abs(apart) - 0.5, 0.0) / math.sqrt(variance))


def _ranked(values: FloatArray) -> tuple[FloatArray, float]:
    """Mean ranks, and the sum of t^3 - t over the groups of t equal values."""
    _, places, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    ranks = (ends - (sizes - 1) / 2)[places]
    return ranks, float(np.sum(sizes.astype(np.float64) ** 3 - sizes))


def _median(values: Any) -> float | None:
    return float(np.median(values)) if values.size else None


def _stats() -> Any:
    from scipy import stats

    return cast(Any, stats)
