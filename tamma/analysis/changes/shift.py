"""Before and after a known moment, compared within each task type.

A week with more of the hard tasks looks like a worse agent (Simpson's paradox). So each task type is
compared with itself, and the differences are averaged with the weights of Mantel and Haenszel (1959), n0 n1
/ (n0 + n1); types that only one side worked on say nothing and are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tamma.analysis.changes.observations import Observation, Observed, level
from tamma.experiments.statistics.distributions import chi_square_above, student_quantile, student_two_sided
from tamma.experiments.statistics.proportions import Counts, wilson
from tamma.model.analysis import Direction, Interval
from tamma.model.experiment import Metric

FEW = 10
"""Runs on a side under which the figures are rough."""
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class TypeShift:
    """One task type on both sides, in the metric's unit."""

    task_type: str
    runs_before: int
    runs_after: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Shift:
    """How a metric changed, after against before, at the same mix of tasks."""

    metric: Metric
    runs_before: int
    """That were compared."""
    runs_after: int
    estimate: float | None
    """After minus before for success and quality; after over before for cost and duration."""
    interval: Interval | None
    p: float | None
    """Two-sided."""
    crude: float | None
    """The same without regard to task types: what a changed mix alone would have shown."""
    types: tuple[TypeShift, ...]
    left_out: tuple[str, ...]
    """Task types of one side alone."""
    method: str = ""
    notes: tuple[str, ...] = ()
    confidence: float = 0.95

    @property
    def direction(self) -> Direction:
        """Better or worse where p says so, else unclear."""
        null = 1.0 if self.metric.is_ratio else 0.0
        if self.estimate is None or self.p is None or self.p > 1 - self.confidence or self.estimate == null:
            return Direction.UNCLEAR
        return Direction.BETTER if (self.estimate > null) == self.metric.more_is_better else Direction.WORSE


@dataclass(frozen=True, slots=True)
class _Type:
    """The values of one task type on both sides, on the metric's scale."""

    before: tuple[float, ...]
    after: tuple[float, ...]

    @property
    def weight(self) -> float:
        return len(self.before) * len(self.after) / (len(self.before) + len(self.after))

    @property
    def difference(self) -> float:
        return _mean(self.after) - _mean(self.before)


def shift(found: Observed, boundary: datetime, *, confidence: float = 0.95) -> Shift:
    """The change at `boundary`, which belongs to what comes after."""
    before = [item for item in found.values if item.at < boundary]
    after = [item for item in found.values if item.at >= boundary]
    return compare(found.metric, before, after, confidence=confidence, notes=found.left_out)


def week_against_week(found: Observed, end: datetime, *, confidence: float = 0.95) -> Shift:
    """The seven days before `end` against the seven before those, on matched task types."""
    after = [item for item in found.values if end - _WEEK <= item.at < end]
    before = [item for item in found.values if end - 2 * _WEEK <= item.at < end - _WEEK]
    return compare(found.metric, before, after, confidence=confidence, notes=found.left_out)


def compare(
    metric: Metric,
    before: Sequence[Observation],
    after: Sequence[Observation],
    *,
    confidence: float = 0.95,
    notes: tuple[str, ...] = (),
) -> Shift:
    """Two sets of runs of one metric, at the same mix of task types."""
    both = sorted({item.task_type for item in before} & {item.task_type for item in after})
    left_out = tuple(sorted({item.task_type for item in (*before, *after)} - set(both)))
    sides = {
        task_type: (
            [item for item in before if item.task_type == task_type],
            [item for item in after if item.task_type == task_type],
        )
        for task_type in both
    }
    types = tuple(
        TypeShift(name, len(old), len(new), level(old, metric), level(new, metric))
        for name, (old, new) in sides.items()
    )
    runs = sum(found.runs_before for found in types), sum(found.runs_after for found in types)
    strata = [_Type(_scaled(old, metric), _scaled(new, metric)) for old, new in sides.values()]
    crude = _crude(metric, before, after)
    if not strata:
        words = "no task type was worked on both before and after: nothing can be compared"
        return Shift(metric, 0, 0, None, None, None, crude, (), left_out, "", (*notes, words), confidence)
    if metric is Metric.SUCCESS:
        estimate, interval, p, method, said = _rates(strata, confidence)
    else:
        estimate, interval, p, method, said = _means(strata, confidence)
    if min(runs) < FEW:
        said += (f"{runs[0]} runs before and {runs[1]} after are few",)
    if metric.is_ratio:
        estimate = math.exp(estimate)
        interval = interval and Interval(_exp(interval.low), _exp(interval.high))
    return Shift(
        metric, *runs, estimate, interval, p, crude, types, left_out, method, (*notes, *said), confidence
    )


_Answer = tuple[float, Interval | None, float | None, str, tuple[str, ...]]


def _means(strata: Sequence[_Type], confidence: float) -> _Answer:
    """Welch's t test within types: each side has one variance, pooled over its types (Satterthwaite's df).

    With one type it is Welch's test.
    """
    method = "stratified Welch t"
    total = math.fsum(found.weight for found in strata)
    estimate = math.fsum(found.weight * found.difference for found in strata) / total
    parts: list[tuple[float, int]] = []
    for side in (0, 1):
        groups = [(found.before, found.after)[side] for found in strata]
        df = sum(len(group) - 1 for group in groups)
        if not df:
            words = "one run of each task type on a side has no spread: two of some type at least"
            return estimate, None, None, method, (words,)
        variance = math.fsum(_squares(group) for group in groups) / df
        share = math.fsum(
            (found.weight / total) ** 2 / len(group) for found, group in zip(strata, groups, strict=True)
        )
        parts.append((variance * share, df))
    whole = parts[0][0] + parts[1][0]
    if whole == 0.0:
        return (
            estimate,
            None,
            None,
            method,
            ("all runs of a type are equal: with no spread there is no test",),
        )
    # As shares of their sum, whose squares neither under- nor overflow.
    df = 1 / math.fsum((part / whole) ** 2 / count for part, count in parts)
    error = math.sqrt(whole)
    half = student_quantile((1 + confidence) / 2, df) * error
    p = student_two_sided(estimate / error, df)
    return estimate, Interval(estimate - half, estimate + half), p, method, ()


def _rates(strata: Sequence[_Type], confidence: float) -> _Answer:
    """The Mantel-Haenszel difference of rates: the p of Cochran-Mantel-Haenszel, without correction.

    The interval squares and adds the types' Wilson intervals (Zou, Huang & Zhang 2009); with one type it is
    Newcombe's. The p is of the conditional test, so that at the edge the two may differ.
    """
    method = "Cochran-Mantel-Haenszel"
    total = math.fsum(found.weight for found in strata)
    estimate = math.fsum(found.weight * found.difference for found in strata) / total
    down = up = 0.0
    for found in strata:
        share = (found.weight / total) ** 2
        (old, old_low, old_high), (new, new_low, new_high) = (
            _rate(side, confidence) for side in (found.before, found.after)
        )
        down += share * ((new - new_low) ** 2 + (old_high - old) ** 2)
        up += share * ((new_high - new) ** 2 + (old - old_low) ** 2)
    interval = Interval(max(-1.0, estimate - math.sqrt(down)), min(1.0, estimate + math.sqrt(up)))
    variance = math.fsum(_hypergeometric_variance(found) for found in strata)
    if not variance:
        return estimate, interval, 1.0, method, ("all runs of each task type ended alike",)
    # The sum of weighted differences is the sum of (successes after - expected).
    p = chi_square_above((estimate * total) ** 2 / variance, 1)
    return estimate, interval, p, method, ()


def _hypergeometric_variance(found: _Type) -> float:
    old, new = len(found.before), len(found.after)
    successes = math.fsum(found.before) + math.fsum(found.after)
    whole = old + new
    return old * new * successes * (whole - successes) / (whole**2 * (whole - 1))


def _rate(values: Sequence[float], confidence: float) -> tuple[float, float, float]:
    counts = Counts(round(math.fsum(values)), len(values))
    interval = wilson(counts, confidence)
    assert interval.low is not None
    assert interval.high is not None
    return counts.successes / counts.n, interval.low, interval.high


def _crude(metric: Metric, before: Sequence[Observation], after: Sequence[Observation]) -> float | None:
    if not before or not after:
        return None
    old, new = level(before, metric), level(after, metric)
    return new / old if metric.is_ratio else new - old


def _scaled(items: Sequence[Observation], metric: Metric) -> tuple[float, ...]:
    return tuple(math.log(item.value) if metric.is_ratio else item.value for item in items)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _squares(values: Sequence[float]) -> float:
    if min(values) == max(values):  # equal values may differ from their own mean by a rounding
        return 0.0
    mean = _mean(values)
    return math.fsum((value - mean) ** 2 for value in values)


def _exp(value: float) -> float:
    """An interval of two runs may reach beyond all floats."""
    return math.exp(min(value, 700.0))
