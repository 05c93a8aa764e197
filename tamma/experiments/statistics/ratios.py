"""Cost and duration on the log scale: ratios of geometric means.

Costs and durations are skewed to the right and effects on them are multiplicative, so a test on logarithms
is sharper, and its estimate reads as "treatment costs 0.8 of control". It speaks of the typical task. Budgets
pay means, so report `bootstrap.mean_difference` beside it.

Negative values are refused. A zero has no logarithm, and neither leaving zeros out (those are the tasks that
an arm did best or lost at once) nor adding an arbitrary constant is honest. Either a floor is declared, the
smallest amount that counts (a hundredth of a cent, a second), and smaller values are raised to it, or there
is no ratio.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tamma.errors import BadFigures
from tamma.experiments.statistics.means import paired_t, welch
from tamma.experiments.statistics.samples import LARGEST, Values, sample
from tamma.experiments.statistics.trimmed import yuen, yuen_paired
from tamma.model.estimates import Arm, Caution, CautionKind, Comparison, Interval, Measure

SMALLEST = 1 / LARGEST
"""Positive values below it are refused as no measurement."""
HIGHEST_LOG = 700.0
"""exp() of more overflows: that side is not bounded in any useful sense."""


def ratio(
    *, control: Values, treatment: Values, level: float = 0.95, floor: float | None = None
) -> Comparison:
    """Welch's t test on logarithms: treatment's geometric mean over control's."""
    return _on_logs("log-welch-t", welch, control, treatment, level, floor)


def paired_ratio(
    *, control: Values, treatment: Values, level: float = 0.95, floor: float | None = None
) -> Comparison:
    """The t test of log ratios of pairs: the geometric mean of `treatment[i] / control[i]`."""
    return _on_logs("log-paired-t", paired_t, control, treatment, level, floor)


def trimmed_ratio(
    *, control: Values, treatment: Values, level: float = 0.95, floor: float | None = None
) -> Comparison:
    """Yuen's test on logarithms, as sensitivity beside `ratio`."""
    return _on_logs("log-yuen", yuen, control, treatment, level, floor)


def trimmed_paired_ratio(
    *, control: Values, treatment: Values, level: float = 0.95, floor: float | None = None
) -> Comparison:
    """Yuen's paired test on logarithms, as sensitivity beside `paired_ratio`."""
    return _on_logs("log-yuen-paired", yuen_paired, control, treatment, level, floor)


def exponentiated(result: Comparison, method: str) -> Comparison:
    """A comparison of logarithms as one of ratios. Its standard error stays that of the logarithm."""
    interval = result.interval
    return replace(
        result,
        method=method,
        measure=Measure.RATIO,
        control=_exp_arm(result.control),
        treatment=_exp_arm(result.treatment),
        estimate=None if result.estimate is None else _exp(result.estimate),
        interval=interval and Interval(_exp(interval.low), _exp(interval.high), interval.level),
        cautions=result.cautions + _unbounded(interval),
    )


def _on_logs(
    method: str,
    test: Callable[..., Comparison],
    control: Values,
    treatment: Values,
    level: float,
    floor: float | None,
) -> Comparison:
    if floor is not None and not SMALLEST <= floor <= LARGEST:
        raise BadFigures(f"the floor of a ratio must be above 0, not {floor!r}")
    before, said = logarithms(control, "control", floor)
    after, more = logarithms(treatment, "treatment", floor)
    said += more
    if before is None or after is None:
        arms = _without_ratio(control, "control"), _without_ratio(treatment, "treatment")
        return Comparison(method, Measure.RATIO, *arms, cautions=said)
    result = exponentiated(test(control=before, treatment=after, level=level), method)
    return replace(result, cautions=(*said, *result.cautions))


def logarithms(
    values: Values, name: str, floor: float | None = None
) -> tuple[list[float | None] | None, tuple[Caution, ...]]:
    """The logarithms, missing ones still missing, and what is to be said; None for zeros without a floor.

    For a test of another module on the log scale, whose result `exponentiated` brings back.
    """
    present = sample(values, name).values
    negative = present[present < 0]
    if negative.size:
        raise BadFigures(
            f"{negative.size} values of {name} are negative, the first is {float(negative[0])!r}",
            hint="costs and durations are 0 or more; mend what recorded them",
        )
    lowest = floor or 0.0
    below = int(np.count_nonzero((present < lowest) | (present == 0)))
    if below and floor is None:
        words = (
            f"{below} of {present.size} values of {name} are 0: without a declared floor there is no ratio"
        )
        return None, (Caution(CautionKind.ZEROS, words),)
    tiny = present[(present > 0) & (present < SMALLEST)]
    if tiny.size and floor is None:
        raise BadFigures(f"a value of {name} is {float(tiny[0])!r}, which no measurement is")
    said: tuple[Caution, ...] = ()
    if below:
        words = f"{below} of {present.size} values of {name} are below the floor {lowest:g} and raised to it"
        said = (Caution(CautionKind.FLOORED, words),)
    return [None if value is None else math.log(max(float(value), lowest)) for value in values], said


def _without_ratio(values: Values, name: str) -> Arm:
    """The arm whose zeros have no logarithm: its geometric mean would be 0."""
    found = sample(values, name)
    return Arm(found.n, None, found.missing)


def _exp(log: float | None) -> float | None:
    return None if log is None or log > HIGHEST_LOG else math.exp(log)


def _exp_arm(arm: Arm) -> Arm:
    return replace(arm, value=_exp(arm.value))


def _unbounded(interval: Interval | None) -> tuple[Caution, ...]:
    if interval is None or interval.high is None or interval.high <= HIGHEST_LOG:
        return ()
    return (Caution(CautionKind.UNBOUNDED, "the ratio's upper end is beyond any number: too few values"),)
