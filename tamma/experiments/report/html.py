"""A report as one HTML file: no network, no script, light and dark, readable on a phone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tamma.experiments import wording
from tamma.experiments.report import words
from tamma.experiments.report.figures.agents import context, pareto
from tamma.experiments.report.figures.forest import forest
from tamma.experiments.report.figures.looks import boundary, sequence
from tamma.experiments.report.figures.tasks import slopes, spreads
from tamma.experiments.report.figures.trends import trends
from tamma.experiments.report.model import PairRow, Report, Won
from tamma.model.experiment import Metric, Mode
from tamma.pages.rendering import template

if TYPE_CHECKING:
    from tamma.experiments.report.figures.paper import Chart

_PACKAGE, _TEMPLATE = "tamma.experiments.report", "report.html.j2"
_INSTEAD = "--markdown, --csv and --json need nothing more"


def to_html(report: Report) -> str:
    """The whole file. The same report gives the same bytes.

    Raises ConfigError where the extra `reports` is not installed.
    """
    page = template(_PACKAGE, _TEMPLATE, needs=("matplotlib",), instead=_INSTEAD)
    return page.render(
        report=report,
        charts=_charts(report),
        trends=[_inline(chart) for chart in trends(report)],
        counts=_counts(report),
        tasks={won: [row for row in report.pairs if row.won == won] for won in ("win", "loss", "tie")},
        repeated=report.plan.replicates > 1,
        live=report.plan.mode is Mode.LIVE,
        extra=_extra(report),
        single_success=_single_success(report),
        words=words,
        signed=wording.signed,
        span=wording.span,
    )


def _charts(report: Report) -> SimpleNamespace:
    """By name; None where there is nothing to draw."""
    made = {
        "forest": forest(report),
        "boundary": boundary(report),
        "sequence": sequence(report),
        "slopes": slopes(report),
        "spreads": spreads(report),
        "pareto": pareto(report),
        "context": context(report),
    }
    return SimpleNamespace(**{name: _inline(chart) for name, chart in made.items()})


def _inline(chart: Chart | None) -> Any:
    """Its SVG, which the template must not escape again: matplotlib and `paper` have escaped its words."""
    from markupsafe import Markup

    return None if chart is None else Markup(chart.svg)  # noqa: S704 - see above


def _extra(report: Report) -> int:
    """Complete units that the last look did not see."""
    if report.evidence is None:
        return 0
    complete = len(report.pairs) or len(report.trials)
    return max(0, complete - report.evidence.units)


def _counts(report: Report) -> dict[Won, int]:
    return {won: sum(row.won == won for row in report.pairs) for won in ("win", "loss", "tie")}


def _single_success(report: Report) -> dict[str, int] | None:
    """How single runs of the same tasks ended: in both arms, in one, in none."""
    if not report.pairs or report.plan.replicates > 1 or report.plan.primary is not Metric.SUCCESS:
        return None
    return {
        "both": _solved(report.pairs, control=True, candidate=True),
        "candidate": _solved(report.pairs, control=False, candidate=True),
        "control": _solved(report.pairs, control=True, candidate=False),
        "neither": _solved(report.pairs, control=False, candidate=False),
    }


def _solved(pairs: tuple[PairRow, ...], *, control: bool, candidate: bool) -> int:
    return sum(
        (row.control.success > 0.5, row.candidate.success > 0.5) == (control, candidate) for row in pairs
    )
