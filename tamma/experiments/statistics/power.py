"""How many tasks a test needs, what power it has, and the smallest effect that it can detect.

Numbers of tasks are per arm, or pairs. They are not rounded here; `tasks()` rounds up. `sides=1` is for
guardrails: the effect is then the distance from the limit to where treatment truly stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

from tamma.errors import BadFigures
from tamma.experiments.statistics.distributions import (
    noncentral_student_cdf,
    normal_cdf,
    normal_quantile,
    student_quantile,
)

Sides = Literal[1, 2]

MOST_TASKS = 1e9
"""No test is that large: an effect that needs more cannot be tested."""
NORMAL_FROM = 1e4
"""Degrees of freedom, from which Student's t and the normal distribution give the same power to 4 digits."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What is asked of a test: the chance of a false alarm and that of seeing an effect that is there."""

    alpha: float = 0.05
    power: float = 0.8
    sides: Sides = 2

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 0.5 or not self.alpha < self.power < 1:
            raise BadFigures(f"alpha must lie in (0, 0.5), power between alpha and 1: {self!r}")

    @property
    def critical(self) -> float:
        """The normal quantile that a statistic must exceed."""
        return normal_quantile(1 - self.alpha / self.sides)


def tasks(exact: float) -> int:
    """Whole tasks: a hair above a whole number, which is the solver's, is not another task."""
    return math.ceil(exact - 1e-6)


# --- means: effects in standard deviations ---------------------------------------------------------


def means_power(effect: float, n: float, goal: Goal = Goal()) -> float:
    """Power of the t test of two arms of `n` tasks; `effect` in standard deviations of a task (Cohen's d)."""
    return _t_power(effect * math.sqrt(n / 2), 2 * n - 2, goal)


def means_tasks(effect: float, goal: Goal = Goal()) -> float:
    """Tasks per arm, exact by the noncentral t distribution."""
    return _smallest_n(lambda n: means_power(_size(effect), n, goal), goal)


def means_detectable(n: float, goal: Goal = Goal()) -> float:
    """The smallest effect, in standard deviations, that two arms of `n` tasks detect with the power asked."""
    return _smallest_effect(lambda effect: means_power(effect, _enough(n), goal), goal)


def paired_power(effect: float, n: float, goal: Goal = Goal()) -> float:
    """Power of the paired t test; `effect` in standard deviations of a pair's difference (d_z)."""
    return _t_power(effect * math.sqrt(n), n - 1, goal)


def paired_tasks(effect: float, goal: Goal = Goal()) -> float:
    """Pairs, exact by the noncentral t distribution."""
    return _smallest_n(lambda n: paired_power(_size(effect), n, goal), goal)


def paired_detectable(n: float, goal: Goal = Goal()) -> float:
    """The smallest effect, in standard deviations of a difference, that `n` pairs detect."""
    return _smallest_effect(lambda effect: paired_power(effect, _enough(n), goal), goal)


# --- rates ----------------------------------------------------------------------------------------


def rates_power(control: float, treatment: float, n: float, goal: Goal = Goal()) -> float:
    """Power of the score test of two arms of `n` tasks."""
    pooled, separate = _rate_spreads(control, treatment)
    gap = abs(treatment - control) * math.sqrt(_enough(n))
    power = normal_cdf((gap - goal.critical * pooled) / separate)
    # The chance to be significant in the wrong direction.
    return power + (normal_cdf((-gap - goal.critical * pooled) / separate) if goal.sides == 2 else 0.0)


def rates_tasks(control: float, treatment: float, goal: Goal = Goal()) -> float:
    """Tasks per arm for the score test: Fleiss, Statistical Methods for Rates and Proportions, without
    continuity correction."""
    pooled, separate = _rate_spreads(control, treatment)
    if control == treatment:
        raise BadFigures(f"no number of tasks shows a difference between {control!r} and {treatment!r}")
    root = goal.critical * pooled + normal_quantile(goal.power) * separate
    return (root / (treatment - control)) ** 2


def rates_detectable(control: float, n: float, goal: Goal = Goal()) -> float | None:
    """The smallest rise of the rate that two arms of `n` tasks detect; None where not even a rise to 1 is."""
    most = 1 - control
    top = control + most * (1 - 1e-9)
    if most <= 0 or rates_power(control, top, n, goal) < goal.power:
        return None
    return _root(
        lambda rise: rates_power(control, control + rise, n, goal) - goal.power, 1e-9 * most, top - control
    )


def paired_rates_spread(control: float, treatment: float, *, icc: float, repeats: int = 1) -> float:
    """The standard deviation of a task's difference in success, of the means of `repeats` runs in each arm.

    `icc` is the correlation of two runs of one task, in one arm or in two: what tasks differ by. Needed for
    `paired_tasks(effect / spread)`. With more repeats only the runs' own share of the variance shrinks.
    """
    if not 0 <= icc < 1 or repeats < 1:
        raise BadFigures(f"icc must lie in [0, 1) and repeats be 1 or more: {icc!r}, {repeats!r}")
    _rate_spreads(control, treatment)
    before, after = control * (1 - control), treatment * (1 - treatment)
    within = icc + (1 - icc) / repeats
    shared = 2 * icc * math.sqrt(before * after)
    return math.sqrt((before + after) * within - shared)


def rate_guardrail_tasks(rate: float, tolerated: float, goal: Goal) -> float:
    """Tasks per arm to prove that a success rate fell by less than `tolerated`, if both truly are `rate`."""
    if not 0 < rate < 1 or not 0 < tolerated < 1:
        raise BadFigures(f"rate and tolerated loss must lie between 0 and 1: {rate!r}, {tolerated!r}")
    root = goal.critical + normal_quantile(goal.power)
    return 2 * rate * (1 - rate) * (root / tolerated) ** 2


# --- solving --------------------------------------------------------------------------------------


def _t_power(noncentrality: float, df: float, goal: Goal) -> float:
    if df >= NORMAL_FROM:
        above = normal_cdf(noncentrality - goal.critical)
        return above + (normal_cdf(-noncentrality - goal.critical) if goal.sides == 2 else 0.0)
    critical = student_quantile(1 - goal.alpha / goal.sides, df)
    above = 1 - noncentral_student_cdf(critical, df, noncentrality)
    return above + (noncentral_student_cdf(-critical, df, noncentrality) if goal.sides == 2 else 0.0)


def _rate_spreads(control: float, treatment: float) -> tuple[float, float]:
    """Standard deviations of a difference of one task an arm: under one common rate, and under the two."""
    if not 0 < control < 1 or not 0 < treatment < 1:
        raise BadFigures(f"rates must lie between 0 and 1: {control!r}, {treatment!r}")
    middle = (control + treatment) / 2
    separate = control * (1 - control) + treatment * (1 - treatment)
    return math.sqrt(2 * middle * (1 - middle)), math.sqrt(separate)


def _size(effect: float) -> float:
    if not 0 < abs(effect) < math.inf:
        raise BadFigures(f"no number of tasks shows an effect of {effect!r}")
    return abs(effect)


def _enough(n: float) -> float:
    if not 2 <= n <= MOST_TASKS:
        raise BadFigures(f"a test needs from 2 to {MOST_TASKS:g} tasks per arm, not {n!r}")
    return n


def _smallest_n(power: Callable[[float], float], goal: Goal) -> float:
    """From 2, below which there is no t test."""
    if power(2.0) >= goal.power:
        return 2.0
    if power(MOST_TASKS) < goal.power:
        raise BadFigures(
            f"more than {MOST_TASKS:g} tasks would be needed", hint="state a larger minimum effect"
        )
    log = _root(lambda log: power(math.exp(log)) - goal.power, math.log(2.0), math.log(MOST_TASKS))
    return math.exp(log)


def _smallest_effect(power: Callable[[float], float], goal: Goal) -> float:
    high = 1.0
    while power(high) < goal.power:
        high *= 2
    return _root(lambda effect: power(effect) - goal.power, 0.0, high)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    from scipy import optimize

    return float(cast(Any, optimize).brentq(function, low, high, xtol=1e-10, rtol=1e-12))
