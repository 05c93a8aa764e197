"""The effect within task types and repositories, success by how full the window was: exploratory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from tamma.experiments.methods import Sample, compare, effect_of, sample_of
from tamma.experiments.outcomes import Table, UnitRow
from tamma.experiments.report.arms import rate
from tamma.experiments.report.model import ContextBin, GroupRow
from tamma.model.experiment import ABTestPlan, Arm

_Name = Callable[[UnitRow], str]
Kind = Literal["task type", "repository"]
MOST_GROUPS = 30
"""Repositories shown: the largest ones."""
_EDGES = (0.0, 0.25, 0.5, 0.75, 1.0)


def group_rows(plan: ABTestPlan, table: Table) -> tuple[GroupRow, ...]:
    """Task types, then repositories, the largest first. Their p-values are held together by
    Benjamini-Hochberg: one of many groups always looks special.
    """
    from tamma.experiments.statistics.multiplicity import benjamini_hochberg

    sample = sample_of(table, plan.primary)
    found = [
        *_rows("task type", sample, _places(table, _task_type), plan.confidence_level),
        *_rows("repository", sample, _places(table, _repo), plan.confidence_level),
    ]
    adjusted = benjamini_hochberg([row.p for row in found])
    return tuple(replace(row, p=p) for row, p in zip(found, adjusted, strict=True))


def context_bins(table: Table) -> tuple[ContextBin, ...]:
    """Success by quarters of the context window; empty where no window is known."""
    found: list[ContextBin] = []
    for arm, rows in ((Arm.CONTROL, table.control), (Arm.CANDIDATE, table.candidate)):
        trials = [
            (min(each.context_efficiency, 1.0), each.success)
            for row in rows
            for each in row.outcomes
            if each.context_efficiency is not None
        ]
        for low, high in pairwise(_EDGES):
            inside = [won for used, won in trials if low < used <= high or used == low == 0.0]
            if inside:
                found.append(ContextBin(arm, low, high, len(inside), rate(sum(inside), len(inside), 0.95)))
    return tuple(found)


Places = dict[str, tuple[list[int], list[int]]]
"""By the group's name, where its units are among the values of control and of candidate."""


def _places(table: Table, name: _Name) -> Places:
    found: Places = defaultdict(lambda: ([], []))
    for side, rows in enumerate((table.control, table.candidate)):
        for index, row in enumerate(rows):
            found[name(row)][side].append(index)
    return found


def _rows(kind: Kind, sample: Sample, places: Places, level: float) -> Iterable[GroupRow]:
    largest = sorted(places, key=lambda name: (-sum(map(len, places[name])), name))[:MOST_GROUPS]
    for name in largest:
        before, after = places[name]
        part = replace(
            sample,
            control=[sample.control[index] for index in before],
            candidate=[sample.candidate[index] for index in after],
            repos=(tuple(sample.repos[0][index] for index in before), ()),
        )
        found = compare(part, level)
        effect = effect_of(part, found, p=found.p)
        yield GroupRow(
            kind,
            name,
            effect.n,
            effect.control,
            effect.candidate,
            effect.estimate,
            effect.low,
            effect.high,
            effect.p,
        )


def _task_type(row: UnitRow) -> str:
    return row.outcomes[0].task_type.value


def _repo(row: UnitRow) -> str:
    return row.repo or "-"
