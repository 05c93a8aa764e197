"""What one success costs: all cost of an arm, its failures' too, over its successes; compared as a ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tamma.errors import BadFigures
from tamma.experiments.statistics.resampling import acceleration_of, bca, resampled_sums, resamples_for
from tamma.experiments.statistics.samples import ROUNDING, FloatArray, Values, checked_level, sample
from tamma.model.estimates import Arm, Caution, CautionKind, Comparison, Interval, Measure

FEW_SUCCESSES = 10
"""In an arm. Below it resamples hold widely different numbers of successes, and the interval is rough."""


@dataclass(frozen=True, slots=True)
class Spending:
    """Cost and outcome of an arm's tasks, in one order. A task that lacks either is left out of both.

    The outcome of a task that ran once is whether it succeeded. Of one that ran several times, which are not
    independent, it is the number of successes, and the cost is that of all its runs.
    """

    costs: Values
    successes: Sequence[int | None]


def cost_per_success(*, control: Spending, treatment: Spending, seed: int, level: float = 0.95) -> Comparison:
    """Treatment's cost per success over control's, of independent arms, with a BCa interval."""
    checked_level(level)
    before, lacking = _rows((control, "control"))
    after, lacking_too = _rows((treatment, "treatment"))
    base = _base("cost-per-success", before, lacking, after, lacking_too)
    if isinstance(base, Comparison):
        return base
    influences = _influence(after), -_influence(before)
    if not _varies(*influences):
        return base.without_interval()
    rng, resamples = np.random.default_rng(seed), resamples_for(max(len(before), len(after)))
    sums = [resampled_sums(rows, rng, resamples) for rows in (before, after)]
    return base.with_interval(_interval(sums[0], sums[1], base.estimate, acceleration_of(*influences), level))


def paired_cost_per_success(
    *, control: Spending, treatment: Spending, seed: int, level: float = 0.95
) -> Comparison:
    """`cost_per_success` where both arms ran the same tasks in the same order; pairs are resampled."""
    checked_level(level)
    rows, lacking = _rows((control, "control"), (treatment, "treatment"))
    before, after = rows[:, :2], rows[:, 2:]
    base = _base("paired-cost-per-success", before, lacking, after, lacking)
    if isinstance(base, Comparison):
        return base
    influence = _influence(after) - _influence(before)
    if not _varies(influence):
        return base.without_interval()
    sums = resampled_sums(rows, np.random.default_rng(seed), resamples_for(len(rows)))
    acceleration = acceleration_of(influence)
    return base.with_interval(_interval(sums[:, :2], sums[:, 2:], base.estimate, acceleration, level))


class _Base(NamedTuple):
    """A comparison that lacks its interval."""

    method: str
    control: Arm
    treatment: Arm
    estimate: float
    cautions: tuple[Caution, ...]

    def without_interval(self) -> Comparison:
        words = "tasks do not differ in what they add to cost per success: resamples would not, either"
        said = (*self.cautions, Caution(CautionKind.NO_SPREAD, words))
        return Comparison(
            self.method, Measure.RATIO, self.control, self.treatment, estimate=self.estimate, cautions=said
        )

    def with_interval(self, interval: Interval) -> Comparison:
        said = self.cautions
        if interval.high is None:
            words = "many resamples have no success in treatment: the interval has no upper end"
            said += (Caution(CautionKind.UNBOUNDED, words),)
        return Comparison(
            self.method,
            Measure.RATIO,
            self.control,
            self.treatment,
            estimate=self.estimate,
            interval=interval,
            cautions=said,
        )


def _base(
    method: str, before: FloatArray, lacking: int, after: FloatArray, lacking_too: int
) -> _Base | Comparison:
    """The estimate and what is to be said of it, or a result that says why there is none."""
    arms = _arm(before, lacking), _arm(after, lacking_too)
    said = _missing(arms[0], "control") + _missing(arms[1], "treatment")
    problem = _problem(before, "control") or _problem(after, "treatment")
    if problem:
        return Comparison(method, Measure.RATIO, *arms, cautions=(*said, problem))
    assert arms[0].value is not None
    assert arms[1].value is not None
    if not arms[0].value:
        words = "control cost nothing: nothing can be set in relation to it"
        return Comparison(method, Measure.RATIO, *arms, cautions=(*said, Caution(CautionKind.ZEROS, words)))
    fewest = int(min(np.sum(before[:, 1]), np.sum(after[:, 1])))
    if fewest < FEW_SUCCESSES:
        said += (Caution(CautionKind.SMALL, f"with {fewest} successes in an arm the interval is rough"),)
    return _Base(method, *arms, arms[1].value / arms[0].value, said)


def _problem(rows: FloatArray, name: str) -> Caution | None:
    if not len(rows):
        return Caution(
            CautionKind.EMPTY, f"{name} has no task with cost and outcome: there is nothing to compare"
        )
    if not np.any(rows[:, 1]):
        words = f"no task of {name} succeeded: what a success costs is unknown"
        return Caution(CautionKind.TIED, words)
    return None


def _interval(
    before: FloatArray, after: FloatArray, estimate: float, acceleration: float, level: float
) -> Interval:
    """From the resamples' sums of cost and successes.

    A resample without a success in treatment has an infinite ratio, one without any in control 0. Where
    neither arm has one, anything is possible: it counts low for the low end and high for the high one.
    """
    above, below = after[:, 0] * before[:, 1], before[:, 0] * after[:, 1]
    ratios = np.full(above.shape, math.inf)
    np.divide(above, below, out=ratios, where=below > 0)
    undefined = (above == 0) & (below == 0)
    return bca(
        np.where(undefined, 0.0, ratios), np.where(undefined, math.inf, ratios), estimate, acceleration, level
    )


def _influence(rows: FloatArray) -> FloatArray:
    """What each task changes in the logarithm of cost per success."""
    cost, successes = np.sum(rows, axis=0)
    return (rows[:, 0] / cost if cost else rows[:, 0]) - rows[:, 1] / successes


def _varies(*influences: FloatArray) -> bool:
    """Whether resamples differ by more than rounding. Influences are shares of about 1 / n."""
    return any(float(np.max(np.abs(influence))) * influence.size > ROUNDING for influence in influences)


def _arm(rows: FloatArray, lacking: int) -> Arm:
    cost, successes = np.sum(rows, axis=0)
    return Arm(len(rows), float(cost / successes) if successes else None, lacking)


def _missing(arm: Arm, name: str) -> tuple[Caution, ...]:
    if not arm.missing:
        return ()
    words = f"{arm.missing} of {arm.n + arm.missing} tasks of {name} lack cost or outcome and are left out"
    return (Caution(CautionKind.MISSING, words),)


def _rows(*arms: tuple[Spending, str]) -> tuple[FloatArray, int]:
    """Cost and successes in each of the arms, of the tasks that lack none; and how many lack some.

    Shape (tasks, 2 * arms), in an order that does not depend on that given.
    """
    lists = [values for arm, _ in arms for values in (arm.costs, arm.successes)]
    names = " and ".join(name for _, name in arms)
    lengths = [len(values) for values in lists]
    if len(set(lengths)) > 1:
        raise BadFigures(
            f"costs and outcomes of {names} must name the same tasks, but their numbers are {lengths!r}",
            hint="give None for what a task lacks",
        )
    present = [index for index, task in enumerate(zip(*lists, strict=True)) if None not in task]
    columns = [sample([values[index] for index in present], names).values for values in lists]
    rows = np.column_stack(columns)
    if np.any(rows < 0):
        raise BadFigures(
            f"a cost or a number of successes of {names} is {float(np.min(rows))!r}: both are 0 or more"
        )
    return rows[np.lexsort(tuple(rows.T))], lengths[0] - len(present)
