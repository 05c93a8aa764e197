"""Metrics over time, with the points where they changed."""

from __future__ import annotations

from tamma.experiments.report.figures.paper import CANDIDATE, GRID, INK, Chart, Sheet, axes, finish
from tamma.experiments.report.model import Report
from tamma.model.analysis import TrendAnalysis

_CAUSE = 34
"""Characters of a cause that fit beside its line."""


def trends(report: Report) -> tuple[Chart, ...]:
    """One chart a metric that is given."""
    found = (_trend(number, trend) for number, trend in enumerate(report.trends, 1))
    return tuple(chart for chart in found if chart is not None)


def _trend(number: int, trend: TrendAnalysis) -> Chart | None:
    points = [(each, each.value) for each in trend.points if each.value is not None]
    if not points:
        return None
    with Sheet(2.3) as figure:
        (axis,) = axes(figure)
        banded = [(each.start, each.low, each.high) for each, _ in points if each.low is not None]
        axis.fill_between(
            [start for start, _, _ in banded],
            [low for _, low, _ in banded],
            [high for _, _, high in banded],
            color=CANDIDATE,
            alpha=0.18,
            linewidth=0,
        )
        axis.plot(
            [each.start for each, _ in points],
            [value for _, value in points],
            color=CANDIDATE,
            linewidth=1.6,
            marker="o",
            markersize=3.5,
        )
        for change in trend.change_points:
            axis.axvline(change.at, color=INK, linewidth=1.0, linestyle=(0, (3, 2)))
            axis.text(
                change.at,
                1.01,
                f" {change.known_cause or 'changed'}"[:_CAUSE],
                transform=axis.get_xaxis_transform(),
                fontsize=10,
            )
        axis.grid(color=GRID, linewidth=0.6)
        axis.set_ylabel(trend.metric)
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(maxticks=6)
        axis.xaxis.set_major_locator(locator)
        axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        said = "; ".join(
            f"{change.at:%Y-%m-%d}: from {change.before:.3g} to {change.after:.3g} "
            f"({change.known_cause or 'no known cause'})"
            for change in trend.change_points
        )
        title = f"{trend.metric} of {trend.agent} over time"
        return finish(figure, f"trend-{number}", title, said or "No change of level was found.")
