"""What was known after every few units: the always-valid view of the primary metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tamma.experiments.looking import watched
from tamma.experiments.methods import Sample, effect_on, on_scale, paired_counts, sample_of
from tamma.experiments.outcomes import Table, UnitRow
from tamma.experiments.report.model import Running, SequencePoint
from tamma.model.experiment import ABTestPlan, Metric

POINTS = 60
"""Moments that are shown, at most."""
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def running(plan: ABTestPlan, planned: int, table: Table) -> Running | None:
    """In the order of completion; None of nothing."""
    sample, order = sample_of(table, plan.primary), _by_completion(table)
    total = len(order)
    if not total:
        return None
    counts = sorted({max(1, round(total * (step + 1) / POINTS)) for step in range(POINTS)})
    wins = plan.primary is Metric.SUCCESS and sample.paired and sample.single
    alpha = 1.0 - plan.confidence_level
    found = [
        point
        for count in counts
        if (point := _point(_first(sample, order[:count]), (count, planned), alpha, wins=wins))
    ]
    return Running("wins" if wins else "effect", tuple(found)) if found else None


def _point(sample: Sample, counted: tuple[int, int], alpha: float, *, wins: bool) -> SequencePoint | None:
    count, planned = counted
    if wins:
        return _wins(sample, count, alpha)
    control = [each for each in on_scale(sample, sample.control) if each is not None]
    candidate = [each for each in on_scale(sample, sample.candidate) if each is not None]
    if not control or not candidate:
        return None
    apart = sum(candidate) / len(candidate) - sum(control) / len(control)
    return SequencePoint(count, effect_on(sample.metric, apart), *watched(sample, planned, alpha))


def _wins(sample: Sample, count: int, alpha: float) -> SequencePoint | None:
    from tamma.experiments.sequential.evidence import paired_evidence

    pairs = paired_counts(sample)
    apart = pairs.only_treatment + pairs.only_control
    if not apart:
        return None
    found = paired_evidence(pairs.only_treatment, pairs.only_control, alpha=alpha)
    return SequencePoint(count, pairs.only_treatment / apart, found.low, found.high)


def _by_completion(table: Table) -> list[tuple[int | None, int | None]]:
    """Units as they were completed: their places among the values of control and of candidate."""
    if table.units == len(table.control):
        ends = [
            max(_end(before), _end(after))
            for before, after in zip(table.control, table.candidate, strict=True)
        ]
        return [(index, index) for index in sorted(range(len(ends)), key=lambda index: (ends[index], index))]
    units = [(_end(row), row.unit, index, None) for index, row in enumerate(table.control)]
    others = [(_end(row), row.unit, None, index) for index, row in enumerate(table.candidate)]
    joint = sorted([*units, *others], key=lambda each: each[:2])
    return [(before, after) for _, _, before, after in joint]


def _end(row: UnitRow) -> datetime:
    return max(each.ended_at or _BEFORE_ALL for each in row.outcomes)


def _first(sample: Sample, places: Sequence[tuple[int | None, int | None]]) -> Sample:
    return replace(
        sample,
        control=[sample.control[before] for before, _ in places if before is not None],
        candidate=[sample.candidate[after] for _, after in places if after is not None],
    )
