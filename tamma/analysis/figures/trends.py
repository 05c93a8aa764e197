"""How the metrics of agents went over time, where they changed, and what is known to have changed then.

Three questions, and the p-values of each are held together over all agents and metrics: has the second half
of the range another level than the first; did a known boundary change the level; did the level change at a
moment that nobody announced. All compare within task types, so that another mix of work is no regression.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from tamma.analysis.boundaries import Boundary
from tamma.analysis.changes.observations import observed
from tamma.analysis.changes.scan import Finding, scan
from tamma.analysis.changes.shift import compare
from tamma.analysis.figures.comparing import difference, held_together
from tamma.analysis.figures.summary import mean, rate
from tamma.analysis.words import change_of, level
from tamma.model.analysis import (
    ChangePoint,
    Direction,
    Estimate,
    MetricDifference,
    TimeRange,
    TrendAnalysis,
    TrendPoint,
)
from tamma.model.experiment import Metric
from tamma.model.measured import RunGroup, RunSums, RunValues, sampled

FLAT = {Metric.SUCCESS: 0.05, Metric.QUALITY: 5.0, Metric.COST: 0.10, Metric.DURATION: 0.10}
"""A trend is flat where its change is proved to be smaller than this: points, points of 100, shares."""
NEAR = timedelta(days=1)
"""A change that is found so near to a known boundary, or within a point of it, is put down to it."""


@dataclass(frozen=True, slots=True)
class Course:
    """One agent's runs in time: the values one by one, the sums by part of the range, what is known."""

    agent: str
    runs: Sequence[RunValues]
    groups: Sequence[RunGroup]
    boundaries: Sequence[Boundary] = ()


def trends(
    courses: Sequence[Course], time_range: TimeRange, parts: int
) -> Mapping[str, tuple[TrendAnalysis, ...]]:
    """Of each agent every metric, in the order of `Metric`."""
    halves = held_together([_halves(course, time_range) for course in courses])
    known = _at_boundaries(courses)
    found: defaultdict[tuple[str, Metric], list[Finding]] = defaultdict(list)
    for each in scan({course.agent: course.runs for course in courses}):
        found[each.agent, each.metric].append(each)
    return {
        course.agent: tuple(
            _trend(
                course,
                metric,
                time_range,
                parts,
                half,
                known[course.agent, metric],
                found[course.agent, metric],
            )
            for metric, half in zip(Metric, family, strict=True)
        )
        for course, family in zip(courses, halves, strict=True)
    }


def direction(found: MetricDifference) -> Direction:
    """Better or worse where it is proved, flat where it is proved to be little, else unclear."""
    if found.difference is None:
        return Direction.UNCLEAR
    if found.significant:
        return Direction.BETTER if found.difference > 0 else Direction.WORSE
    bound, interval = FLAT[Metric(found.metric)], found.interval
    if interval is not None and -bound < interval.low and interval.high < bound:
        return Direction.FLAT
    return Direction.UNCLEAR


def points(
    groups: Sequence[RunGroup], metric: Metric, time_range: TimeRange, parts: int
) -> tuple[TrendPoint, ...]:
    """The metric's mean in each part of the range, with its interval; None in a part without runs."""
    length = (time_range.end - time_range.start) / parts
    made: list[TrendPoint] = []
    for part in range(parts):
        sums = sampled(groups, part=part)
        found = _estimate(sums, metric)
        ends = (found.interval.low, found.interval.high) if found.interval else (None, None)
        made.append(TrendPoint(time_range.start + part * length, sums.runs, found.value, *ends))
    return tuple(made)


def _estimate(sums: RunSums, metric: Metric) -> Estimate:
    match metric:
        case Metric.SUCCESS:
            return rate(sums.successes, sums.runs)
        case Metric.QUALITY:
            return mean(sums.quality, sums.quality_squares, sums.graded, most=100.0)
        case Metric.COST:
            return mean(sums.priced_usd, sums.priced_squares, sums.priced)
        case Metric.DURATION:
            return mean(sums.duration_ms, sums.duration_squares, sums.runs)


def _halves(course: Course, time_range: TimeRange) -> tuple[MetricDifference, ...]:
    middle = time_range.start + (time_range.end - time_range.start) / 2
    return tuple(_around(course.runs, metric, Boundary(middle, ""), None, None) for metric in Metric)


def _around(
    runs: Sequence[RunValues],
    metric: Metric,
    boundary: Boundary,
    before: Boundary | None,
    after: Boundary | None,
) -> MetricDifference:
    """The change at a boundary, over the runs between its neighbours."""
    values = [
        each
        for each in observed(runs, metric).values
        if (before is None or each.at >= before.at) and (after is None or each.at < after.at)
    ]
    sides = (
        [each for each in values if each.at < boundary.at],
        [each for each in values if each.at >= boundary.at],
    )
    return difference(compare(metric, *sides))


def _at_boundaries(
    courses: Sequence[Course],
) -> Mapping[tuple[str, Metric], tuple[tuple[Boundary, MetricDifference], ...]]:
    """The change at each known boundary, the p-values of all agents and metrics held together."""
    keys = [(course, metric) for course in courses for metric in Metric]
    families = held_together(
        [
            tuple(
                _around(course.runs, metric, each, before, after)
                for before, each, after in _with_neighbours(course.boundaries)
            )
            for course, metric in keys
        ]
    )
    return {
        (course.agent, metric): tuple(zip(course.boundaries, family, strict=True))
        for (course, metric), family in zip(keys, families, strict=True)
    }


def _with_neighbours(
    found: Sequence[Boundary],
) -> Iterable[tuple[Boundary | None, Boundary, Boundary | None]]:
    between = (None, *found, None)
    return zip(between, found, between[2:], strict=False)


def _trend(
    course: Course,
    metric: Metric,
    time_range: TimeRange,
    parts: int,
    half: MetricDifference,
    known: Sequence[tuple[Boundary, MetricDifference]],
    scanned: Sequence[Finding],
) -> TrendAnalysis:
    changes: list[ChangePoint] = []
    alerts: list[str] = []
    for boundary, found in known:
        if found.significant and found.a is not None and found.b is not None:
            changes.append(ChangePoint(boundary.at, found.a, found.b, boundary.words, found.p_adjusted))
            if direction(found) is Direction.WORSE:
                alerts.append(f"{course.agent}: {change_of(found)} when {boundary.words}, {_day(boundary)}")
    notes: list[str] = []
    for each in scanned:
        for change in each.changes:
            cause = _cause(change, course.boundaries)
            if cause and any(known.known_cause == cause for known in changes):
                continue  # it is the boundary's own change, found again
            changes.append(replace(change, known_cause=cause))
            if (change.after < change.before) == metric.more_is_better:
                alerts.append(_found(course.agent, metric, each.task_type, changes[-1]))
        notes += [f"{each.task_type}: {note}" for note in each.notes]
    if not alerts and direction(half) is Direction.WORSE:
        middle = time_range.start + (time_range.end - time_range.start) / 2
        alerts.append(f"{course.agent}: {change_of(half)} since {middle:%Y-%m-%d}, against the time before")
    return TrendAnalysis(
        agent=course.agent,
        metric=metric.value,
        time_range=time_range,
        points=points(course.groups, metric, time_range, parts),
        direction=direction(half),
        change_points=tuple(sorted(changes, key=lambda change: change.at)),
        alerts=tuple(alerts),
        notes=tuple(notes),
        change=half,
    )


def _cause(change: ChangePoint, known: Sequence[Boundary]) -> str:
    near = [each for each in known if abs(each.at - change.at) <= NEAR]
    return min(near, key=lambda each: abs(each.at - change.at)).words if near else ""


def _found(agent: str, metric: Metric, task_type: str, change: ChangePoint) -> str:
    why = "nothing is known to have changed then"
    if change.known_cause:
        why = f"near to when {change.known_cause}"
    return (
        f"{agent}: {metric.value} of {task_type} went from {level(metric, change.before)} to "
        f"{level(metric, change.after)} about {change.at:%Y-%m-%d}; {why}"
    )


def _day(boundary: Boundary) -> str:
    return f"{boundary.at:%Y-%m-%d %H:%M} UTC"
