"""Tasks and trials one by one: slopes from control to candidate, and how costs and times are distributed."""

from __future__ import annotations

import math
from typing import Any

from tamma.experiments.outcomes import value_of
from tamma.experiments.report import words
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
from tamma.experiments.report.model import PairRow, Report
from tamma.model.experiment import Arm, Metric

MOST_LINES = 250
"""More cannot be told apart."""
_COLOURS = {"win": GOOD, "loss": BAD, "tie": MUTED}


def slopes(report: Report) -> Chart | None:
    """Each task's quality (its cost where nothing was graded) under control and candidate."""
    metric = Metric.QUALITY if report.value_metric is Metric.QUALITY else Metric.COST
    values = [(row, _value(row, metric)) for row in report.pairs]
    pairs = [(row, both) for row, both in values if both is not None]
    if not pairs:
        return None
    step = math.ceil(len(pairs) / MOST_LINES)
    with Sheet(2.9) as figure:
        (axis,) = axes(figure)
        for row, both in pairs[::step]:
            axis.plot([0, 1], both, color=_COLOURS[row.won], linewidth=0.8, alpha=0.45)
        means = [math.fsum(both[side] for _, both in pairs) / len(pairs) for side in (0, 1)]
        axis.plot([0, 1], means, color=INK, linewidth=2.6, marker="o", markersize=6)
        if metric is Metric.COST:
            axis.set_yscale("log")
            _plain_log(axis, "y")
        axis.set(xlim=(-0.12, 1.12), xticks=[0, 1], xticklabels=["control", "candidate"])
        axis.set_ylabel("quality" if metric is Metric.QUALITY else "dollars a task")
        axis.grid(axis="y", color=GRID, linewidth=0.6)
        return finish(
            figure,
            "slopes",
            f"{words.title(metric)} of each task in both arms",
            f"Mean {words.value(metric, means[0])} under control, {words.value(metric, means[1])} under the "
            f"candidate, over {len(pairs)} tasks; {len(pairs[::step])} are drawn.",
        )


def spreads(report: Report) -> Chart | None:
    """The share of trials that cost, and took, at most so much."""
    metrics = [metric for metric in (Metric.COST, Metric.DURATION) if _columns(report, metric)]
    if not metrics:
        return None
    with Sheet(2.1 * len(metrics)) as figure:
        said: list[str] = []
        for axis, metric in zip(axes(figure, len(metrics), left=0.72, below=0.35), metrics, strict=True):
            said += _ecdf(axis, metric, _columns(report, metric))
        return finish(figure, "spreads", "How costs and times are distributed", "; ".join(said))


def _ecdf(axis: Any, metric: Metric, columns: dict[Arm, list[float]]) -> list[str]:
    said: list[str] = []
    unit, scale = _unit(metric, [value for values in columns.values() for value in values])
    for arm, colour in ((Arm.CONTROL, CONTROL), (Arm.CANDIDATE, CANDIDATE)):
        ordered = columns.get(arm, [])
        if not ordered:
            continue
        n = len(ordered)
        # Hundreds of steps look like thousands.
        marks = sorted({*range(0, n, max(1, n // 300)), n - 1})
        axis.plot(
            [ordered[mark] / scale for mark in marks],
            [(mark + 1) / n * 100 for mark in marks],
            color=colour,
            linewidth=1.8,
            drawstyle="steps-post",
            label=arm.value,
        )
        p50, p95 = (ordered[max(0, math.ceil(round(share * n, 9)) - 1)] for share in (0.5, 0.95))
        axis.plot(
            [p50 / scale, p95 / scale], [50, 95], linestyle="none", marker="o", color=colour, markersize=5
        )
        said.append(
            f"{words.title(metric)} of {arm.value}: median {words.value(metric, p50)}, "
            f"p95 {words.value(metric, p95)}"
        )
    axis.set_xscale("log")
    _plain_log(axis, "x")
    axis.set(ylim=(0, 103), yticks=[0, 50, 95], yticklabels=["0 %", "50 %", "95 %"])
    axis.set_title(f"{words.title(metric)}: share of trials at most ({unit})", loc="left")
    axis.grid(color=GRID, linewidth=0.6)
    axis.legend(loc="lower right", handlelength=1.2)
    return said


def _columns(report: Report, metric: Metric) -> dict[Arm, list[float]]:
    """Positive values, ascending: nothing else is on a logarithmic scale."""
    found: dict[Arm, list[float]] = {}
    for trial in report.trials:
        value = value_of(trial, metric)
        if value is not None and value > 0:
            found.setdefault(trial.arm, []).append(value)
    return {arm: sorted(values) for arm, values in found.items()}


def _plain_log(axis: Any, which: str) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    scale = axis.xaxis if which == "x" else axis.yaxis
    low, high = sorted(axis.get_xlim() if which == "x" else axis.get_ylim())
    decades = math.log10(high / low) if low > 0 else 1.0
    scale.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)))
    scale.set_major_formatter(_plain)
    scale.set_minor_locator(NullLocator())


def _plain(value: float, _place: int) -> str:
    return f"{value:g}"


def _unit(metric: Metric, values: list[float]) -> tuple[str, float]:
    """In what the values are shown, and by what they are divided for it."""
    if metric is Metric.COST:
        return "dollars", 1.0
    middle = sorted(values)[len(values) // 2]
    if middle < 90_000:
        return "seconds", 1_000.0
    return ("minutes", 60_000.0) if middle < 5_400_000 else ("hours", 3_600_000.0)


def _value(row: PairRow, metric: Metric) -> tuple[float, float] | None:
    if metric is Metric.QUALITY:
        before, after = row.control.quality, row.candidate.quality
    else:
        before, after = row.control.cost_usd, row.candidate.cost_usd
    if before is None or after is None or (metric is Metric.COST and min(before, after) <= 0):
        return None
    return before, after
