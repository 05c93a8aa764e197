"""CUPED: the part of a metric that was known before assignment is taken out, which narrows the interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import starmap

import numpy as np

from tamma.errors import BadFigures
from tamma.experiments.statistics.means import Moments, welch, welch_of_moments
from tamma.experiments.statistics.samples import ROUNDING, FloatArray, Sample, Values, has_spread, sample
from tamma.model.estimates import Caution, CautionKind, Comparison

FEW = 20
"""Tasks in an arm, below which estimating the slope costs about what it gains."""


@dataclass(frozen=True, slots=True)
class Covariate:
    """What was known of each task before it was assigned an arm: its size, its cost with an earlier config.

    Raises BadFigures where a value was measured after its task's assignment: the arm may have changed it, and
    adjusting for it would take the effect itself out. Times are all with or all without zone.
    """

    values: Values
    measured_at: Sequence[datetime]
    assigned_at: Sequence[datetime]

    def __post_init__(self) -> None:
        lengths = len(self.values), len(self.measured_at), len(self.assigned_at)
        if len(set(lengths)) > 1:
            raise BadFigures(f"a covariate has one value and two times a task, not {lengths!r}")
        late = [
            index
            for index, (measured, assigned) in enumerate(zip(self.measured_at, self.assigned_at, strict=True))
            if measured > assigned
        ]
        if late:
            at = late[0]
            raise BadFigures(
                f"{len(late)} values of the covariate were measured after assignment, first value {at}: "
                f"{self.measured_at[at]} after {self.assigned_at[at]}",
                hint="adjust only for what was known before a task was given to an arm",
            )


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The adjusted comparison; `slope` of metric on covariate, and the share of the variance that is left."""

    comparison: Comparison
    slope: float
    variance_left: float


def cuped(
    *,
    control: Values,
    treatment: Values,
    control_covariate: Covariate,
    treatment_covariate: Covariate,
    level: float = 0.95,
) -> Adjusted:
    """Welch's t test of the metric minus slope * (covariate - its overall mean).

    Deng, Xu, Kohavi and Walker (2013), with the slope from both arms' pooled within-arm products, for which
    one degree of freedom is paid. A missing covariate is replaced by the mean of all: the task stays in.
    """
    outcomes = sample(control, "control"), sample(treatment, "treatment")
    given = (control, control_covariate, "control"), (treatment, treatment_covariate, "treatment")
    known = tuple(starmap(_known, given))
    everything = np.concatenate([values[~np.isnan(values)] for values in known])
    plain = welch(control=control, treatment=treatment, level=level)
    size = float(np.max(np.abs(everything), initial=0.0))
    # Arms that each hold one value of the covariate say nothing about the slope.
    varies = any(has_spread(values[~np.isnan(values)], size) for values in known)
    if plain.standard_error is None or not varies:
        words = "the covariate does not vary within an arm, or the metric allows no test: nothing is adjusted"
        caution = Caution(CautionKind.NO_SPREAD, words)
        return Adjusted(replace(plain, cautions=(*plain.cautions, caution)), 0.0, 1.0)
    covariates = [np.where(np.isnan(values), np.mean(everything), values) for values in known]
    return _adjusted(plain, outcomes, (covariates[0], covariates[1]), level)


def _adjusted(
    plain: Comparison,
    outcomes: tuple[Sample, Sample],
    covariates: tuple[FloatArray, FloatArray],
    level: float,
) -> Adjusted:
    residuals = [(_centred(y.values), _centred(x)) for y, x in zip(outcomes, covariates, strict=True)]
    spread = sum(float(np.sum(x**2)) for _, x in residuals)
    together = sum(float(np.sum(y * x)) for y, x in residuals)
    slope = together / spread
    middle = float(np.mean(np.concatenate(covariates)))
    before = sum(float(np.sum(y**2)) for y, _ in residuals)
    after = sum(float(np.sum((y - slope * x) ** 2)) for y, x in residuals)
    # What rounding leaves of a metric that the covariate explains whole is no spread.
    left = after / before if after > ROUNDING * before else 0.0
    tasks = outcomes[0].n + outcomes[1].n
    paid = (tasks - 2) / (tasks - 3) if tasks > 3 else 1.0
    moments: list[Moments] = []
    for outcome, covariate in zip(outcomes, covariates, strict=True):
        adjusted = Moments.of(Sample(outcome.name, outcome.values - slope * (covariate - middle)))
        moments.append(Moments(adjusted.n, adjusted.mean, adjusted.variance * paid if left else 0.0))
    result = welch_of_moments(control=moments[0], treatment=moments[1], level=level)
    said = tuple(caution for caution in plain.cautions if caution not in result.cautions) + result.cautions
    fewest = min(outcome.n for outcome in outcomes)
    if fewest < FEW:
        said += (Caution(CautionKind.SMALL, f"with {fewest} tasks in an arm the slope is itself uncertain"),)
    comparison = replace(
        result,
        method="cuped-welch-t",
        control=replace(plain.control, value=result.control.value),
        treatment=replace(plain.treatment, value=result.treatment.value),
        cautions=said,
    )
    return Adjusted(comparison, slope, left)


def _known(values: Values, covariate: Covariate, name: str) -> FloatArray:
    """The covariate of each task that has an outcome; NaN, which nobody outside sees, where it is missing."""
    if len(values) != len(covariate.values):
        raise BadFigures(
            f"{name} has {len(values)} outcomes and {len(covariate.values)} values of the covariate"
        )
    # Refuses what is no number before NaN gets its meaning here.
    sample(covariate.values, f"the covariate of {name}")
    kept = (x for y, x in zip(values, covariate.values, strict=True) if y is not None)
    return np.array([np.nan if x is None else x for x in kept], dtype=np.float64)


def _centred(values: FloatArray) -> FloatArray:
    return values - np.mean(values)
