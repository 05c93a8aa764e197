"""Yuen's tests of trimmed means: the largest and the smallest fifth of an arm do not decide."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tamma.experiments.statistics.samples import (
    FloatArray,
    Values,
    checked_level,
    has_spread,
    nothing_to_compare,
    pairs,
    sample,
)
from tamma.experiments.statistics.student import t_test
from tamma.model.estimates import Caution, CautionKind, Comparison, Measure

TRIM = 0.2
"""The share cut off at each end: Wilcox's recommendation."""


def yuen(
    *, control: Values, treatment: Values, level: float = 0.95, equal_variances: bool = False
) -> Comparison:
    """Yuen's (1974) test of the difference in 20 % trimmed means of independent arms.

    With `equal_variances` the winsorised variances are pooled, as Yuen and Dixon (1973) did before.
    """
    checked_level(level)
    first, second = sample(control, "control"), sample(treatment, "treatment")
    said = first.cautions() + second.cautions()
    if empty := nothing_to_compare(first, second):
        return Comparison("yuen", Measure.DIFFERENCE, first.arm(), second.arm(), cautions=(*said, *empty))
    before, after = _trim(first.values), _trim(second.values)
    arms = first.arm(before.mean), second.arm(after.mean)
    difference = after.mean - before.mean
    if problem := _untestable(min(before.kept, after.kept), before.error + after.error > 0):
        return Comparison("yuen", Measure.DIFFERENCE, *arms, estimate=difference, cautions=(*said, problem))
    error, df = (_pooled if equal_variances else _separate)(before, after)
    return t_test(
        "yuen",
        arms,
        difference,
        standard_error=error,
        df=df,
        level=level,
        cautions=said,
    )


def yuen_paired(*, control: Values, treatment: Values, level: float = 0.95) -> Comparison:
    """Yuen's test for pairs: the difference of the arms' trimmed means, not the trimmed mean difference.

    Wilcox, Introduction to Robust Estimation and Hypothesis Testing, section 5.9: `yuend`.
    """
    checked_level(level)
    tasks = pairs(control, treatment)
    said = tasks.cautions()
    if not tasks.n:
        empty = Caution(CautionKind.EMPTY, "no task has a value in both arms: nothing can be compared")
        return Comparison("yuen-paired", Measure.DIFFERENCE, *tasks.arms(), cautions=(*said, empty))
    before, after = _trim(tasks.control), _trim(tasks.treatment)
    arms = tasks.arms(before.mean, after.mean)
    difference = after.mean - before.mean
    # The variance of the difference of the winsorised values holds both variances and the covariance.
    apart = after.winsorised - before.winsorised
    size = float(np.max(np.abs([tasks.control, tasks.treatment])))
    if problem := _untestable(before.kept, before.kept < 2 or has_spread(apart, size)):
        return Comparison(
            "yuen-paired", Measure.DIFFERENCE, *arms, estimate=difference, cautions=(*said, problem)
        )
    error = math.sqrt(_squared_error(apart, before.kept))
    return t_test(
        "yuen-paired",
        arms,
        difference,
        standard_error=error,
        df=before.kept - 1,
        level=level,
        cautions=said,
    )


class _Trimmed(NamedTuple):
    """`kept` values make the mean; `error` is its squared standard error, 0 where there is no spread."""

    mean: float
    kept: int
    error: float
    winsorised: FloatArray


def _trim(values: FloatArray) -> _Trimmed:
    n = values.size
    cut = math.floor(TRIM * n)
    kept = n - 2 * cut
    ordered = np.sort(values)
    winsorised = np.clip(values, ordered[cut], ordered[n - cut - 1])
    size = float(np.max(np.abs(values)))
    error = _squared_error(winsorised, kept) if kept > 1 and has_spread(winsorised, size) else 0.0
    return _Trimmed(float(np.mean(ordered[cut : n - cut])), kept, error, winsorised)


def _separate(before: _Trimmed, after: _Trimmed) -> tuple[float, float]:
    """Standard error and Welch's degrees of freedom."""
    squared = before.error + after.error
    weight = before.error / squared
    return math.sqrt(squared), 1 / (weight**2 / (before.kept - 1) + (1 - weight) ** 2 / (after.kept - 1))


def _pooled(before: _Trimmed, after: _Trimmed) -> tuple[float, float]:
    """Standard error and degrees of freedom under equal variances."""
    df = before.kept + after.kept - 2
    squares = sum(trim.error * trim.kept * (trim.kept - 1) for trim in (before, after))
    return math.sqrt(squares / df * (1 / before.kept + 1 / after.kept)), df


def _squared_error(winsorised: FloatArray, kept: int) -> float:
    return float(np.var(winsorised, ddof=1)) * (winsorised.size - 1) / (kept * (kept - 1))


def _untestable(kept: int, varies: bool) -> Caution | None:
    if kept < 2:
        return Caution(CautionKind.TOO_FEW, "fewer than two values are left after trimming: there is no test")
    if not varies:
        return Caution(CautionKind.NO_SPREAD, "what trimming leaves has no spread: there is no test")
    return None
