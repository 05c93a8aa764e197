"""Tests of means: Welch's for independent arms, the t test of differences for pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tamma.errors import BadFigures
from tamma.experiments.statistics.distributions import hedges_correction
from tamma.experiments.statistics.samples import (
    LEAST_VARIANCE,
    Pairs,
    Sample,
    Values,
    checked_level,
    nothing_to_compare,
    pairs,
    sample,
)
from tamma.experiments.statistics.student import t_test
from tamma.model.estimates import Arm, Caution, CautionKind, Comparison, Effect, Measure


@dataclass(frozen=True, slots=True)
class Moments:
    """Size, mean and variance (n - 1 in the denominator) of one arm: all that Welch's test reads."""

    n: int
    mean: float
    variance: float

    def __post_init__(self) -> None:
        if self.n < 1 or not math.isfinite(self.mean) or not 0 <= self.variance < math.inf:
            raise BadFigures(f"these are no moments of a sample: {self!r}")

    @classmethod
    def of_sums(cls, total: float, squares: float, n: int) -> Moments:
        """From the sum of the values and the sum of their squares."""
        if n < 1:
            raise BadFigures(f"moments need at least one value, not {n!r}")
        spread = squares - total**2 / n
        # Equal values can come out a rounding below 0.
        if spread < -1e-9 * max(squares, 0.0):
            raise BadFigures(f"no {n!r} values sum to {total!r} and their squares to {squares!r}")
        return cls(n, total / n, max(spread, 0.0) / (n - 1) if n > 1 else 0.0)

    @classmethod
    def of(cls, values: Sample) -> Moments:
        varies = values.varies
        return cls(
            values.n, float(np.mean(values.values)), float(np.var(values.values, ddof=1)) if varies else 0.0
        )


def welch(*, control: Values, treatment: Values, level: float = 0.95) -> Comparison:
    """Welch's t test of the difference in means, unequal variances; the effect size is Hedges' g."""
    first, second = sample(control, "control"), sample(treatment, "treatment")
    said = first.cautions() + second.cautions()
    if empty := nothing_to_compare(first, second):
        return Comparison("welch-t", Measure.DIFFERENCE, first.arm(), second.arm(), cautions=(*said, *empty))
    result = welch_of_moments(control=Moments.of(first), treatment=Moments.of(second), level=level)
    return _replaced(result, first.arm(), second.arm(), said)


def welch_of_moments(*, control: Moments, treatment: Moments, level: float = 0.95) -> Comparison:
    """Welch's t test from summary statistics.

    Welch (1947), with Satterthwaite's degrees of freedom. With no spread in either arm, or fewer than two
    values in one, the difference stands alone.
    """
    checked_level(level)
    arms = Arm(control.n, control.mean), Arm(treatment.n, treatment.mean)
    difference = treatment.mean - control.mean
    problem = _untestable(control, treatment)
    if problem:
        return Comparison("welch-t", Measure.DIFFERENCE, *arms, estimate=difference, cautions=(problem,))
    shares = control.variance / control.n, treatment.variance / treatment.n
    error = math.sqrt(sum(shares))
    # As shares of their sum: squares of the variances themselves would under- or overflow.
    weights = shares[0] / sum(shares), shares[1] / sum(shares)
    df = 1 / (weights[0] ** 2 / (control.n - 1) + weights[1] ** 2 / (treatment.n - 1))
    return t_test(
        "welch-t",
        arms,
        difference,
        standard_error=error,
        df=df,
        level=level,
        effect=Effect("hedges-g", hedges_g(control, treatment)),
        cautions=_small(min(control.n, treatment.n)),
    )


def hedges_g(control: Moments, treatment: Moments) -> float:
    """The difference in pooled standard deviations, without Cohen's d's bias in small samples.

    Hedges (1981), with the exact correction. At least two values an arm, and some spread.
    """
    df = control.n + treatment.n - 2
    pooled = (control.variance * (control.n - 1) + treatment.variance * (treatment.n - 1)) / df
    return hedges_correction(df) * (treatment.mean - control.mean) / math.sqrt(pooled)


def paired_t(*, control: Values, treatment: Values, level: float = 0.95) -> Comparison:
    """The t test of the differences `treatment[i] - control[i]`; the effect size is d_z, mean over SD."""
    return paired_t_of(pairs(control, treatment), level)


def paired_t_of(tasks: Pairs, level: float = 0.95) -> Comparison:
    """`paired_t` of pairs that are already matched."""
    checked_level(level)
    arms, said = tasks.arms(), tasks.cautions()
    problem = unpairable(tasks)
    if problem and problem.kind is CautionKind.EMPTY:
        return Comparison("paired-t", Measure.DIFFERENCE, *arms, cautions=(*said, problem))
    differences = tasks.differences
    mean = float(np.mean(differences))
    if problem:
        return Comparison("paired-t", Measure.DIFFERENCE, *arms, estimate=mean, cautions=(*said, problem))
    spread = float(np.std(differences, ddof=1))
    error = spread / math.sqrt(tasks.n)
    return t_test(
        "paired-t",
        arms,
        mean,
        standard_error=error,
        df=tasks.n - 1,
        level=level,
        effect=Effect("d-z", mean / spread),
        cautions=(*said, *_small(tasks.n)),
    )


def repeated_pairs(control: Sequence[Values], treatment: Sequence[Values]) -> Pairs:
    """K runs a task, averaged: one list of runs a task in each arm, the same tasks in the same order.

    Runs of one task are not independent, tasks are; hence the test on task means (`paired_t_of`). Tasks may
    have different numbers of runs; a task without any value in an arm is missing.
    """
    return pairs(_task_means(control, "control"), _task_means(treatment, "treatment"))


def unpairable(tasks: Pairs) -> Caution | None:
    """Why no t test of the differences exists, if none does."""
    if not tasks.n:
        return Caution(CautionKind.EMPTY, "no task has a value in both arms: nothing can be compared")
    if tasks.n == 1:
        return Caution(
            CautionKind.TOO_FEW, "one pair has no spread that a test could be made of: two at least"
        )
    if not tasks.varies:
        words = f"all {tasks.n} differences are equal: with no spread there is no test and no interval"
        return Caution(CautionKind.NO_SPREAD, words)
    return None


SMALL = 10
"""Values in an arm, or pairs. Below it a t test leans on normal data, which costs and scores are not."""


def _small(n: int) -> tuple[Caution, ...]:
    if n >= SMALL:
        return ()
    words = f"with {n} values the t test holds only if the values are near to normal"
    return (Caution(CautionKind.SMALL, words),)


def _untestable(control: Moments, treatment: Moments) -> Caution | None:
    if min(control.n, treatment.n) < 2:
        words = (
            f"arms of {control.n} and {treatment.n} values: an arm of one value has no spread, two at least"
        )
        return Caution(CautionKind.TOO_FEW, words)
    if max(control.variance, treatment.variance) <= LEAST_VARIANCE:
        words = "all values of each arm are equal: with no spread there is no test and no interval"
        return Caution(CautionKind.NO_SPREAD, words)
    return None


def _task_means(tasks: Sequence[Values], name: str) -> list[float | None]:
    return [sample(runs, f"task {index} of {name}").mean for index, runs in enumerate(tasks)]


def _replaced(result: Comparison, control: Arm, treatment: Arm, said: tuple[Caution, ...]) -> Comparison:
    return replace(result, control=control, treatment=treatment, cautions=(*said, *result.cautions))
