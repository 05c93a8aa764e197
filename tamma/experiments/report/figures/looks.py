"""The evidence over the tasks: the boundary with the looks that were taken, and the always-valid sequence."""

from __future__ import annotations

from typing import Any

from tamma.experiments.report.figures.paper import (
    BAD,
    CANDIDATE,
    CONTROL,
    GOOD,
    GRID,
    INK,
    MUTED,
    Chart,
    Sheet,
    axes,
    finish,
)
from tamma.experiments.report.model import Report, Running
from tamma.model.experiment import Metric
from tamma.model.verdict import Look

_SHOWN = 6.0
"""Boundaries beyond are drawn here: the first look's is often at 8."""


def boundary(report: Report) -> Chart | None:
    """How strong the evidence is at each look, against how strong it must be."""
    if not report.looks_planned:
        return None
    with Sheet(2.7) as figure:
        (axis,) = axes(figure)
        bounds = _bounds(report)
        units = [unit for unit, _ in bounds]
        for sign, colour in ((1, GOOD), (-1, BAD)):
            heights = [sign * min(bound, _SHOWN) for _, bound in bounds]
            axis.plot(units, heights, color=colour, linewidth=1.4, marker="_", markersize=10)
            axis.fill_between(units, heights, sign * 7.0, color=colour, alpha=0.10, linewidth=0)
        taken = [(look.units, look.z) for look in report.looks if look.z is not None]
        if taken:
            heights = [max(-6.8, min(6.8, z)) for _, z in taken]
            axis.plot(
                [unit for unit, _ in taken], heights, color=CANDIDATE, linewidth=1.6, marker="o", markersize=6
            )
        axis.axhline(0.0, color=INK, linewidth=1.0)
        # From the first look to the right; a single one stands at the right edge already.
        side = "left" if units[0] <= max(units) / 2 else "right"
        axis.text(units[0], 6.85, "the candidate is better", va="top", ha=side, color=GOOD, fontsize=10)
        axis.text(units[0], -6.85, "the candidate is worse", va="bottom", ha=side, color=BAD, fontsize=10)
        axis.set(ylim=(-7, 7), xlim=(0, max(units) * 1.04), xlabel="tasks", ylabel="strength of evidence (z)")
        axis.grid(color=GRID, linewidth=0.6)
        said = "; ".join(map(_said, report.looks))
        return finish(
            figure, "boundary", "Strength of the evidence at each look", said or "No look was taken yet."
        )


def sequence(report: Report) -> Chart | None:
    """What was known after each task, right however often one looks."""
    if report.running is None:
        return None
    with Sheet(2.5) as figure:
        (axis,) = axes(figure)
        _sequence(axis, report, report.running)
        last = report.running.points[-1]
        what = "share of the decided tasks that the candidate won" if _wins(report) else "difference"
        return finish(
            figure,
            "sequence",
            "What was known after each task",
            f"After {last.units} tasks: {what} {last.estimate:.3g}"
            + (
                "" if last.low is None or last.high is None else f", likely {last.low:.3g} to {last.high:.3g}"
            ),
        )


def _sequence(axis: Any, report: Report, running: Running) -> None:
    scale = 1.0 if report.plan.primary is Metric.QUALITY else 100.0
    points = running.points
    banded = [point for point in points if point.low is not None and point.high is not None]
    units = [point.units for point in banded]
    axis.fill_between(
        units,
        [(point.low or 0.0) * scale for point in banded],
        [(point.high or 0.0) * scale for point in banded],
        color=CANDIDATE,
        alpha=0.18,
        linewidth=0,
    )
    axis.plot(
        [point.units for point in points],
        [point.estimate * scale for point in points],
        color=CANDIDATE,
        linewidth=1.8,
    )
    axis.axhline(50.0 if _wins(report) else 0.0, color=INK, linewidth=1.0)
    for look in report.looks:
        axis.axvline(look.units, color=CONTROL, linewidth=0.9, linestyle=(0, (3, 2)))
    if report.looks:
        axis.text(
            report.looks[0].units,
            1.01,
            " looks",
            transform=axis.get_xaxis_transform(),
            color=MUTED,
            fontsize=10,
        )
    axis.grid(color=GRID, linewidth=0.6)
    what = "candidate's wins, %" if _wins(report) else _unit(report.plan.primary)
    axis.set(xlabel="tasks completed", ylabel=what, xlim=(0, points[-1].units * 1.02))
    if _wins(report):
        axis.set_ylim(0, 100)


def _said(look: Look) -> str:
    if look.z is None or look.boundary is None:
        return f"look {look.number} after {look.units} tasks: no test"
    return f"look {look.number} after {look.units} tasks: {look.z:.2f} of ±{look.boundary:.2f}"


def _wins(report: Report) -> bool:
    return report.running is not None and report.running.of == "wins"


def _unit(metric: Metric) -> str:
    return "better by, %" if metric.is_ratio else "better by, points"


def _bounds(report: Report) -> list[tuple[int, float]]:
    """The boundaries that were used, and for looks to come those that are planned."""
    taken = [(look.units, look.boundary) for look in report.looks if look.boundary is not None]
    reached = max((units for units, _ in taken), default=0)
    return taken + [(look.units, look.boundary) for look in report.looks_planned if look.units > reached]
