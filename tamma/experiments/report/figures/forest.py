"""Every metric's difference with its interval, and the lines that it is held against."""

from __future__ import annotations

from typing import Any

from tamma.experiments.report import words
from tamma.experiments.report.figures.paper import BAD, CANDIDATE, GOOD, GRID, INK, Chart, Sheet, axes, finish
from tamma.experiments.report.model import Report
from tamma.experiments.wording import finite
from tamma.model.verdict import Effect


def forest(report: Report) -> Chart | None:
    """One row a metric, each on its own scale: points, or percent of what is compared as a ratio."""
    if report.evidence is None:
        return None
    shown = [report.evidence.primary, *report.evidence.secondary]
    known = {effect.metric for effect in shown}
    shown += [each.effect for each in report.evidence.guardrails if each.effect.metric not in known]
    shown = [effect for effect in shown if finite(effect.estimate) is not None]
    if not shown:
        return None
    with Sheet(0.25 + 1.0 * len(shown)) as figure:
        for axis, effect in zip(axes(figure, len(shown), left=0.2, below=0.3), shown, strict=True):
            _row(axis, effect, report)
        said = "; ".join(
            f"{words.title(each.metric)}: {words.seen(each)}, likely {words.interval(each)}" for each in shown
        )
        return finish(figure, "forest", "How much better the candidate is, metric by metric", said)


def _row(axis: Any, effect: Effect, report: Report) -> None:
    evidence = report.evidence
    assert evidence is not None
    scale = 100.0 if effect.metric.is_ratio or effect.metric.value == "success" else 1.0
    estimate, low, high = (
        None if (value := finite(each)) is None else value * scale
        for each in (effect.estimate, effect.low, effect.high)
    )
    assert estimate is not None
    least = evidence.minimum_effect * scale if effect.metric is evidence.primary.metric else None
    margins = [
        -each.guardrail.margin * scale
        for each in evidence.guardrails
        if each.guardrail.metric is effect.metric
    ]
    ends = [value for value in (0.0, estimate, low, high, least, *margins) if value is not None]
    reach = max(max(ends) - min(ends), 1e-9)
    left, right = min(ends) - 0.08 * reach, max(ends) + 0.08 * reach
    axis.axvline(0.0, color=INK, linewidth=1.0)
    if least is not None:
        axis.axvline(least, color=GOOD, linewidth=1.2, linestyle=(0, (4, 2)))
    for margin in margins:
        axis.axvline(margin, color=BAD, linewidth=1.2, linestyle=(0, (1, 1.5)))
    axis.plot(
        [left if low is None else low, right if high is None else high],
        [0, 0],
        color=CANDIDATE,
        linewidth=2.4,
    )
    axis.plot([estimate], [0], marker="o", color=CANDIDATE, markersize=6)
    axis.set(xlim=(left, right), ylim=(-1, 1), yticks=[])
    axis.spines["left"].set_visible(False)
    axis.grid(axis="x", color=GRID, linewidth=0.6)
    axis.set_axisbelow(True)
    axis.set_title(f"{words.title(effect.metric)}: {words.seen(effect)}", loc="left")
    axis.xaxis.set_major_formatter(_percent if effect.metric.is_ratio else _points)


def _percent(value: float, _place: int) -> str:
    return f"{value:+g} %" if value else "0"


def _points(value: float, _place: int) -> str:
    return f"{value:+g}" if value else "0"
