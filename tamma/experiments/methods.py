"""Which method decides about which metric.

    metric           paired                             live
    success          exact McNemar, Newcombe's paired   Barnard or score test, Newcombe's interval
                     interval; repeated: t on units     (repeated units do not occur)
    quality          paired t (d_z)                     Welch's t (Hedges' g)
    cost, duration   t on log ratios                    Welch's t on logarithms

What others say is in `beside`. numpy and scipy are loaded by the functions that need them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tamma.experiments.outcomes import Table
from tamma.model.estimates import CautionKind, Comparison, Interval, Measure
from tamma.model.experiment import Arm, Metric, Mode
from tamma.model.verdict import Effect

if TYPE_CHECKING:
    from tamma.experiments.statistics.mcnemar import PairedCounts
    from tamma.experiments.statistics.proportions import Counts

FLOORS = {Metric.COST: 0.0001, Metric.DURATION: 1000.0}
"""A hundredth of a cent and a second: smaller amounts do not matter, and nothing has no logarithm."""
_MOST_LOG = 700.0
"""exp of more is no float."""
_SILENCING = {
    CautionKind.EMPTY,
    CautionKind.TOO_FEW,
    CautionKind.NO_SPREAD,
    CautionKind.ZEROS,
}
"""Cautions that say why there is no interval."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One metric of both arms: of the same units in the same order where they are paired."""

    metric: Metric
    paired: bool
    single: bool
    """Every unit ran once in each arm, so that a success is yes or no."""
    control: Sequence[float | None]
    candidate: Sequence[float | None]
    repos: tuple[tuple[str, ...], tuple[str, ...]]
    """Of each arm's values."""


def sample_of(table: Table, metric: Metric) -> Sample:
    """The values of one metric, one a unit."""
    return Sample(
        metric,
        table.mode is Mode.PAIRED,
        all(len(row.outcomes) == 1 for row in table.rows),
        table.values[Arm.CONTROL, metric],
        table.values[Arm.CANDIDATE, metric],
        (tuple(row.repo for row in table.control), tuple(row.repo for row in table.candidate)),
    )


def at_worst(table: Table, metric: Metric) -> Sample | None:
    """The same with every unit that has an arm: what is missing of the candidate is as bad as the worst that
    was seen, of the control as good as the best (of successes: failed, solved). Pairs that lack both stay
    out. None where nothing is missing, or nothing was seen.

    What is lost, or takes for ever, is seldom a random part: an arm that fails by crashing would look better
    for it.
    """
    sample = sample_of(table, metric)
    seen = [value for value in (*sample.control, *sample.candidate) if value is not None]
    if not seen:
        return None
    values: dict[Arm, list[float | None]] = {}
    for arm in Arm:
        rows = [unit[arm] for unit in table.partial if arm in unit]
        values[arm] = [*table.values[arm, metric], *(row.value(metric) if row else None for row in rows)]
    if sample.paired:
        pairs = zip(values[Arm.CONTROL], values[Arm.CANDIDATE], strict=True)
        some = [pair for pair in pairs if pair != (None, None)]
        values = {arm: [pair[place] for pair in some] for place, arm in enumerate(Arm)}
    if None not in (*values[Arm.CONTROL], *values[Arm.CANDIDATE]):
        return None
    least, most = (0.0, 1.0) if metric is Metric.SUCCESS else (min(seen), max(seen))
    best, worst = (most, least) if metric.more_is_better else (least, most)
    return replace(
        sample,
        control=[best if value is None else value for value in values[Arm.CONTROL]],
        candidate=[worst if value is None else value for value in values[Arm.CANDIDATE]],
    )


def compare(sample: Sample, level: float) -> Comparison:
    """The comparison that decides, candidate against control, with an interval at `level`."""
    from tamma.experiments.statistics import mcnemar, means, proportions, ratios

    before, after = sample.control, sample.candidate
    if sample.metric.is_ratio:
        test = ratios.paired_ratio if sample.paired else ratios.ratio
        return test(control=before, treatment=after, level=level, floor=FLOORS[sample.metric])
    if sample.metric is Metric.SUCCESS and sample.single:
        if sample.paired:
            return mcnemar.mcnemar(paired_counts(sample), level)
        return proportions.compare_rates(control=counts(before), treatment=counts(after), level=level)
    return (means.paired_t if sample.paired else means.welch)(control=before, treatment=after, level=level)


def effect_of(sample: Sample, found: Comparison, *, p: float | None, beside: tuple[str, ...] = ()) -> Effect:
    """A comparison as an effect: signed so that positive is better, ratios as shares saved."""
    low, high = ends(found.interval)
    estimate = found.estimate
    if found.measure is Measure.RATIO:
        estimate, low, high = saved(estimate), saved(high), saved(low)
    size = None if found.effect is None else found.effect.value
    n = found.control.n if sample.paired else found.control.n + found.treatment.n
    return Effect(
        sample.metric,
        estimate,
        low,
        high,
        p,
        n,
        method=found.method,
        control=found.control.value,
        candidate=found.treatment.value,
        missing_control=_missing(sample.control),
        missing_candidate=_missing(sample.candidate),
        problem="; ".join(each.words for each in found.cautions if each.kind in _SILENCING),
        # Less is better of ratios; g and d_z count what is more.
        standardised=-size if size is not None and sample.metric.is_ratio else size,
        sensitivity=beside,
    )


def standard_error(sample: Sample, found: Comparison) -> float | None:
    """On the scale of the test (the logarithm of ratios); None where it is unknown or 0."""
    if found.standard_error is not None:
        return found.standard_error or None
    if sample.metric is not Metric.SUCCESS or found.estimate is None:
        return None
    if sample.paired:
        tasks = paired_counts(sample)
        apart = tasks.only_treatment + tasks.only_control
        squared = (apart - (tasks.only_treatment - tasks.only_control) ** 2 / tasks.n) / tasks.n**2
    else:
        squared = sum(_binomial_variance(counts(values)) for values in (sample.control, sample.candidate))
    return math.sqrt(squared) if squared > 0 else None


def effect_on(metric: Metric, on_scale: float) -> float:
    """From the scale of the test, candidate less control, to an effect: positive is better."""
    return 1.0 - math.exp(min(on_scale, _MOST_LOG)) if metric.is_ratio else on_scale


def on_test_scale(found: Comparison) -> float | None:
    """The estimate as the test sees it, candidate less control: the logarithm of a ratio."""
    if found.estimate is None or found.measure is not Measure.RATIO:
        return found.estimate
    return math.log(found.estimate) if found.estimate > 0 else None


def on_scale(sample: Sample, values: Sequence[float | None]) -> list[float | None]:
    """On the scale of the test: logarithms of what is compared as a ratio."""
    if not sample.metric.is_ratio:
        return list(values)
    floor = FLOORS[sample.metric]
    return [None if value is None else math.log(max(value, floor)) for value in values]


def paired_counts(sample: Sample) -> PairedCounts:
    """Single successes of the same tasks, counted."""
    from tamma.experiments.statistics import mcnemar

    return mcnemar.paired_counts(_flags(sample.control), _flags(sample.candidate))


def counts(values: Sequence[float | None]) -> Counts:
    """Single successes of one arm, counted."""
    from tamma.experiments.statistics.proportions import Counts

    flags = [flag for flag in _flags(values) if flag is not None]
    return Counts(sum(flags), len(flags), len(values) - len(flags))


def _flags(values: Sequence[float | None]) -> list[bool | None]:
    return [None if value is None else value > 0.5 for value in values]


def _binomial_variance(arm: Counts) -> float:
    rate = arm.rate
    return rate * (1 - rate) / arm.n if rate is not None else 0.0


def _missing(values: Sequence[float | None]) -> int:
    return sum(value is None for value in values)


def ends(interval: Interval | None) -> tuple[float | None, float | None]:
    """Low and high; None where a side is not bounded, or nothing is."""
    return (None, None) if interval is None else (interval.low, interval.high)


def saved(ratio: float | None) -> float | None:
    """A ratio of what should be small as an effect: 0.9 is a tenth saved."""
    return None if ratio is None else 1.0 - ratio
