"""Runs of two agents, or of two times, compared within task types and repositories.

Nobody drew who got which task: agents may have had different ones. So each stratum is compared with itself,
and what only one side worked on is left out. What is left is still observed, not assigned: it suggests what
to test.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from tamma.analysis.changes.observations import observed
from tamma.analysis.changes.shift import Shift, TypeShift, compare
from tamma.analysis.words import change_of
from tamma.experiments.statistics.clusters import GENERALISES_FROM
from tamma.experiments.statistics.multiplicity import benjamini_hochberg
from tamma.model.analysis import AgentComparison, ComparisonResult, Interval, MetricDifference, TimeRange
from tamma.model.experiment import Metric
from tamma.model.measured import RunValues

FALSE_DISCOVERIES = 0.05
"""Of the differences that are said to be there, the share that may not be."""


def stratum(run: RunValues) -> str:
    """What makes runs comparable: the type of task and the repository."""
    return f"{run.task_type} in {run.repo}"


def kind(run: RunValues) -> str:
    """The type of task alone, where no repository was worked on by both."""
    return run.task_type


def differences(
    before: Sequence[RunValues], after: Sequence[RunValues], *, by_repository: bool = True
) -> tuple[MetricDifference, ...]:
    """`after` against `before` on every metric, within strata, held together by Benjamini and Hochberg."""
    of = stratum if by_repository else kind
    shifts = [
        compare(metric, observed(before, metric, of).values, observed(after, metric, of).values)
        for metric in Metric
    ]
    return held_together([tuple(map(difference, shifts))])[0]


def held_together(
    families: Sequence[tuple[MetricDifference, ...]],
) -> tuple[tuple[MetricDifference, ...], ...]:
    """The same, their p-values adjusted over all of them. What could not be tested is no part of it."""
    ps = [each.p for family in families for each in family if each.p is not None]
    adjusted = iter(benjamini_hochberg(ps))
    return tuple(
        tuple(each if each.p is None else _adjusted(each, next(adjusted)) for each in family)
        for family in families
    )


def difference(found: Shift) -> MetricDifference:
    """A shift as a difference whose positive side is the better one; ratios as shares."""
    a, b = _levels(found)
    value, interval = found.estimate, found.interval
    if found.metric.is_ratio:
        value = None if value is None else 1 - value
        interval = interval and Interval(1 - interval.high, 1 - interval.low)
    return MetricDifference(
        metric=found.metric.value,
        a=a,
        b=b,
        difference=value,
        interval=interval,
        p=found.p,
        p_adjusted=None,
        significant=False,
        method=f"{found.method}, {len(found.types)} strata" if found.method else "",
        problem="; ".join(found.notes),
        runs_a=found.runs_before,
        runs_b=found.runs_after,
    )


def comparison(
    names: tuple[str, str], sides: tuple[Sequence[RunValues], Sequence[RunValues]], time_range: TimeRange
) -> ComparisonResult:
    """Two agents over the same time."""
    a, b = sides
    shared = {stratum(run) for run in a} & {stratum(run) for run in b}
    by_repository = bool(shared)
    found = differences(a, b, by_repository=by_repository)
    of = stratum if by_repository else kind
    both = sorted({of(run) for run in a} & {of(run) for run in b})
    repositories = len({run.repo for run in (*a, *b) if of(run) in both})
    warnings: list[str] = ["observed, not assigned: it suggests what to test, it proves nothing"]
    if both and not by_repository:
        warnings.append(
            "no repository was worked on by both: the repositories' own difficulty is in the figures"
        )
    if both and repositories < GENERALISES_FROM:
        warnings.append(f"{repositories} repositories: it holds for these, not for others")
    return ComparisonResult(
        *names,
        time_range,
        len(a),
        len(b),
        found,
        ", ".join(both),
        _summary(names, found),
        tuple(warnings),
    )


def cross_table(runs: Mapping[str, Sequence[RunValues]]) -> tuple[AgentComparison, ...]:
    """Every pair of agents on every metric, all held together by Benjamini and Hochberg."""
    pairs = list(combinations(sorted(runs), 2))
    families = held_together([differences(runs[first], runs[second]) for first, second in pairs])
    return tuple(
        AgentComparison(
            agent=second,
            against=first,
            metric=each.metric,
            difference=each.difference,
            interval=each.interval,
            p_adjusted=each.p_adjusted,
            significant=each.significant,
        )
        for (first, second), family in zip(pairs, families, strict=True)
        for each in family
        if each.p is not None
    )


def _adjusted(found: MetricDifference, p: float | None) -> MetricDifference:
    return replace(found, p_adjusted=p, significant=p is not None and p <= FALSE_DISCOVERIES)


def _levels(found: Shift) -> tuple[float | None, float | None]:
    """Both sides at the same mix of strata, so that their difference is the estimate."""
    if not found.types:
        return None, None
    weights = [_weight(each) for each in found.types]
    sides: list[float] = []
    for values in ([each.before for each in found.types], [each.after for each in found.types]):
        scaled = [math.log(value) for value in values] if found.metric.is_ratio else values
        total = math.fsum(w * value for w, value in zip(weights, scaled, strict=True)) / math.fsum(weights)
        sides.append(math.exp(total) if found.metric.is_ratio else total)
    return sides[0], sides[1]


def _weight(found: TypeShift) -> float:
    return found.runs_before * found.runs_after / (found.runs_before + found.runs_after)


def _summary(names: tuple[str, str], found: Sequence[MetricDifference]) -> str:
    if all(each.difference is None for each in found):
        return f"{names[0]} and {names[1]} worked on no common type of task: they cannot be compared"
    told = [change_of(each) for each in found if each.significant]
    if not told:
        return f"nothing tells {names[0]} and {names[1]} apart in these runs"
    return f"{names[1]} against {names[0]}: {'; '.join(told)}"
