"""The nightly search for changes that nobody announced, over all agents, metrics and task types at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tamma.analysis.changes.observations import (
    Measured,
    Observation,
    Observed,
    Series,
    level,
    observed,
    series,
)
from tamma.analysis.changes.points import LEAST_POINTS, Segmentation, change_p, change_points
from tamma.experiments.statistics.multiplicity import benjamini_hochberg
from tamma.model.analysis import ChangePoint
from tamma.model.experiment import Metric

FALSE_DISCOVERIES = 0.05
"""Of the series that are said to have changed, the share that may not have."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in one agent's metric on one type of task."""

    agent: str
    metric: Metric
    task_type: str
    runs: int
    points: int
    p: float | None
    """Of "the level never changed"; None where there are too few points."""
    p_adjusted: float | None
    """By Benjamini-Hochberg over everything that was looked at."""
    changes: tuple[ChangePoint, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return self.p_adjusted is not None and self.p_adjusted <= FALSE_DISCOVERIES


def scan(
    runs: Mapping[str, Sequence[Measured]], metrics: Iterable[Metric] = tuple(Metric)
) -> tuple[Finding, ...]:
    """Every series of these agents' runs, in the order of agents, metrics and task types.

    Whether a series changed is tested first, all tests held together; only then, and only where it did, is
    it asked where. A p of the place itself would be wrong: it was chosen for being the largest step.
    """
    looked_at = [
        (agent, found, task_type, items)
        for agent, made in runs.items()
        for found in (observed(made, metric) for metric in metrics)
        for task_type, items in _by_type(found).items()
    ]
    made_of = [series(items, found.metric) for _, found, _, items in looked_at]
    ps = [change_p(points.values) for points in made_of]
    # Too short for a test is not part of the family: it was never to be tested.
    adjusted = dict(
        zip(
            (index for index, p in enumerate(ps) if p is not None),
            benjamini_hochberg([p for p in ps if p is not None]),
            strict=True,
        )
    )
    return tuple(
        _finding(agent, found, task_type, items, points, ps[index], adjusted.get(index))
        for index, ((agent, found, task_type, items), points) in enumerate(
            zip(looked_at, made_of, strict=True)
        )
    )


def _finding(
    agent: str,
    found: Observed,
    task_type: str,
    items: Sequence[Observation],
    points: Series,
    p: float | None,
    p_adjusted: float | None,
) -> Finding:
    notes = found.left_out
    changes: tuple[ChangePoint, ...] = ()
    if p is None:
        notes += (f"{len(points.values)} of at least {LEAST_POINTS} points",)
    elif p_adjusted is not None and p_adjusted <= FALSE_DISCOVERIES:
        segmentation = change_points(points.values)
        changes = _changes(found.metric, points, segmentation, p_adjusted)
        notes += segmentation.notes
        if not changes:
            notes += ("the level changed, but not at one moment: rather a drift",)
    return Finding(
        agent, found.metric, task_type, len(items), len(points.values), p, p_adjusted, changes, notes
    )


def _changes(metric: Metric, points: Series, segmentation: Segmentation, p: float) -> tuple[ChangePoint, ...]:
    edges = [0, *segmentation.indices, len(points.values)]
    levels = [
        level([item for group in points.members[start:end] for item in group], metric)
        for start, end in pairwise(edges)
    ]
    return tuple(
        ChangePoint(points.at[index], before, after, p=p)
        for index, (before, after) in zip(segmentation.indices, pairwise(levels), strict=True)
    )


def _by_type(found: Observed) -> dict[str, list[Observation]]:
    types: dict[str, list[Observation]] = {}
    for item in found.values:
        types.setdefault(item.task_type, []).append(item)
    return dict(sorted(types.items()))
