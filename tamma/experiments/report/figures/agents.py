"""Configurations and their use of the context window: what they cost against what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamma.experiments.report import words
from tamma.experiments.report.figures.paper import (
    CANDIDATE,
    CONTROL,
    GRID,
    INK,
    MUTED,
    Chart,
    Sheet,
    axes,
    finish,
)
from tamma.experiments.report.model import ConfigPoint, Report
from tamma.model.experiment import Arm, Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLOURS = {Arm.CONTROL: CONTROL, Arm.CANDIDATE: CANDIDATE, None: MUTED}
_NAME = 28
"""Characters of a name that fit beside its point."""


def pareto(report: Report) -> Chart | None:
    """Configurations by cost and result; the line joins those that no other one beats in both."""
    points = report.configs
    if len(points) < 2:
        return None
    scale = 1.0 if report.value_metric is Metric.QUALITY else 100.0
    with Sheet(2.6) as figure:
        (axis,) = axes(figure)
        front = frontier(points)
        axis.plot(
            [point.cost_usd for point in front],
            [point.value * scale for point in front],
            color=INK,
            linewidth=1.2,
            linestyle=(0, (4, 2)),
        )
        middle = (min(p.cost_usd for p in points) + max(p.cost_usd for p in points)) / 2
        for point in points:
            place = (point.cost_usd, point.value * scale)
            axis.plot(*place, linestyle="none", marker="o", markersize=8, color=_COLOURS[point.arm])
            right = point.cost_usd <= middle
            axis.annotate(
                point.name[:_NAME],
                place,
                xytext=(8, -10) if right else (-8, 10),
                textcoords="offset points",
                ha="left" if right else "right",
                va="center",
                fontsize=10,
            )
        axis.margins(x=0.12, y=0.25)
        axis.grid(color=GRID, linewidth=0.6)
        axis.xaxis.set_major_formatter(_dollars)
        axis.set(
            xlabel="mean cost a task",
            ylabel="mean quality" if report.value_metric is Metric.QUALITY else "tasks solved, %",
        )
        said = "; ".join(
            f"{point.name}: {words.money(point.cost_usd)}, {words.value(report.value_metric, point.value)}"
            for point in points
        )
        return finish(figure, "pareto", "What each configuration costs and gives", said)


def _dollars(value: float, _place: int) -> str:
    return f"${value:g}"


def frontier(points: Sequence[ConfigPoint]) -> list[ConfigPoint]:
    """Those that no other one beats in cost and value, by rising cost."""
    front: list[ConfigPoint] = []
    for point in sorted(points, key=lambda each: (each.cost_usd, -each.value)):
        if not front or point.value > front[-1].value:
            front.append(point)
    return front


def context(report: Report) -> Chart | None:
    """Success by how full the window was; only trials whose window is known."""
    if not report.context:
        return None
    edges = sorted({(each.low, each.high) for each in report.context})
    with Sheet(2.4) as figure:
        (axis,) = axes(figure)
        for shift, arm in ((-0.19, Arm.CONTROL), (0.19, Arm.CANDIDATE)):
            bins = [each for each in report.context if each.arm is arm and each.success.value is not None]
            places = [edges.index((each.low, each.high)) + shift for each in bins]
            heights = [(each.success.value or 0.0) * 100 for each in bins]
            axis.bar(places, heights, width=0.34, color=_COLOURS[arm], label=arm.value)
            for place, each in zip(places, bins, strict=True):
                if each.success.interval:
                    low, high = each.success.interval.low * 100, each.success.interval.high * 100
                    axis.plot([place, place], [low, high], color=INK, linewidth=1.1)
        axis.set(
            ylim=(0, 100),
            xticks=range(len(edges)),
            xticklabels=[f"{low * 100:.0f} to {high * 100:.0f} %" for low, high in edges],
            xlabel="context window used, at most",
            ylabel="solved, %",
        )
        axis.grid(axis="y", color=GRID, linewidth=0.6)
        axis.set_axisbelow(True)
        figure.legend(loc="upper right", ncols=2, handlelength=1.2)
        said = "; ".join(
            f"{each.arm.value}, {each.low:.0%} to {each.high:.0%} of the window: "
            f"{words.percent(each.success.value)} of {each.trials} solved"
            for each in report.context
        )
        return finish(figure, "context", "Success by how full the context window was", said)
