"""Analyses as rows of tables. Pure; numbers are rounded for people, JSON has them whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tamma.analysis.words import NAMES, change_of, effect, level, percent, time_of, usd
from tamma.model.analysis import (
    AgentComparison,
    ComparisonResult,
    Estimate,
    MetricDifference,
    MetricSummary,
    OptimizationRecommendation,
    PerformanceReport,
    TimeRange,
    TrendAnalysis,
)
from tamma.model.experiment import Metric

NONE = "-"
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A title, a table, and what is said below it."""

    title: str
    heads: Row = ()
    rows: tuple[Row, ...] = ()
    lines: tuple[str, ...] = ()


def range_words(found: TimeRange) -> str:
    return f"{found.start:%Y-%m-%d %H:%M} to {found.end:%Y-%m-%d %H:%M} UTC"


def overview(reports: Sequence[PerformanceReport]) -> Sheet:
    """One line an agent."""
    heads = ("AGENT", "RUNS", "SUCCESS", "QUALITY", "COST", "PER SUCCESS", "P50", "P95", "BEFORE")
    rows = tuple(
        (
            each.agent,
            str(each.metrics.runs),
            _rate(each.metrics.success_rate),
            _number(each.metrics.average_quality.value, "{:.0f}"),
            _usd(each.metrics.average_cost.value),
            _usd(each.metrics.cost_per_success.value),
            _time(each.metrics.duration_p50),
            _time(each.metrics.duration_p95),
            _before(each),
        )
        for each in reports
    )
    return Sheet("Agents", heads, rows)


def report_sheets(found: PerformanceReport) -> Iterable[Sheet]:
    """One agent's report, the most important first."""
    yield Sheet(f"{found.agent}, {range_words(found.time_range)}", lines=found.insights)
    yield Sheet("Figures", ("FIGURE", "VALUE", "95 % INTERVAL", "N", "BEFORE"), tuple(_figures(found)))
    if found.changes and any(each.difference is not None for each in found.changes):
        yield Sheet("Against the range before", DIFFERENCE_HEADS, difference_rows(found.changes))
    for title, groups in (("By task type", found.by_task_type), ("By version", found.by_version)):
        if len(groups) > 1:
            rows = tuple((name, *_group(each)) for name, each in groups.items())
            yield Sheet(title, ("", "RUNS", "SUCCESS", "QUALITY", "COST", "PER SUCCESS", "P50"), rows)
    if found.metrics.errors:
        failed = tuple((name, str(count)) for name, count in found.metrics.errors.items())
        yield Sheet("Why runs failed", ("REASON", "RUNS"), failed)
    if found.comparisons:
        rows = tuple(map(_comparison_row, found.comparisons))
        yield Sheet("Against other agents", ("AGENT", "AGAINST", "METRIC", "DIFFERENCE", "P", ""), rows)
    if found.recommendations:
        yield recommendation_sheet(found.recommendations)
    if found.notes:
        yield Sheet("", lines=tuple(f"note: {note}" for note in found.notes))


def comparison_sheets(found: ComparisonResult) -> Iterable[Sheet]:
    heading = f"{found.agent_b} against {found.agent_a}, {range_words(found.time_range)}"
    yield Sheet(heading, lines=(found.summary,))
    yield Sheet("", DIFFERENCE_HEADS, difference_rows(found.metrics))
    said = [f"compared on: {found.matched_on}"] if found.matched_on else []
    yield Sheet("", lines=(*said, *(f"note: {warning}" for warning in found.warnings)))


def trend_sheets(found: Sequence[TrendAnalysis], metric: str | None) -> Iterable[Sheet]:
    """A table of all; with a metric its points, too."""
    rows = tuple(
        (
            each.agent,
            each.metric,
            str(sum(point.runs for point in each.points)),
            each.direction.value,
            change_of(each.change) if each.change and each.change.difference is not None else NONE,
            str(len(each.change_points)),
        )
        for each in found
    )
    yield Sheet("Second half of the range against the first", _TREND_HEADS, rows)
    if metric is not None:
        for each in found:
            yield Sheet(f"{each.agent}: {each.metric}", _POINT_HEADS, _points(each))
    alerts = tuple(alert for each in found for alert in each.alerts)
    if alerts:
        yield Sheet("Regressions", lines=alerts)


_POINT_HEADS = ("FROM", "RUNS", "VALUE", "LOW", "HIGH")
_TREND_HEADS = ("AGENT", "METRIC", "RUNS", "TREND", "CHANGE", "STEPS")
DIFFERENCE_HEADS = ("METRIC", "A", "B", "DIFFERENCE", "95 % INTERVAL", "P", "")


def difference_rows(found: Sequence[MetricDifference]) -> tuple[Row, ...]:
    """B against A, as people say it: less cost is negative, and good."""
    rows: list[Row] = []
    for each in found:
        metric = Metric(each.metric)
        ends = NONE
        if each.interval is not None:
            low, high = effect(metric, each.interval.low), effect(metric, each.interval.high)
            ends = f"{high} to {low}" if metric.is_ratio else f"{low} to {high}"
        rows.append(
            (
                NAMES[metric],
                NONE if each.a is None else level(metric, each.a),
                NONE if each.b is None else level(metric, each.b),
                NONE if each.difference is None else effect(metric, each.difference),
                ends,
                NONE if each.p_adjusted is None else f"{each.p_adjusted:.2g}",
                _mark(each),
            )
        )
    return tuple(rows)


def recommendation_sheet(found: Sequence[OptimizationRecommendation]) -> Sheet:
    """Each with its evidence and the command that tests it."""
    lines: list[str] = []
    for each in found:
        saving = _saving(each)
        lines.append(f"{each.id} ({each.kind.value}, {each.confidence} confidence): {each.title}{saving}")
        lines += [f"  - {line}" for line in each.evidence]
        if each.change:
            changes = ", ".join(f"{key} = {value}" for key, value in each.change.items())
            lines.append(f"  change: {changes}")
        if each.command:
            lines.append(f"  test: {each.command}")
    return Sheet("Worth testing", lines=tuple(lines))


def _saving(found: OptimizationRecommendation) -> str:
    saving = found.expected_saving
    if saving.value is None:
        return ""
    what = "of success" if found.metric == "success" else f"of {found.metric}"
    if found.metric == "quality":
        return f"; {saving.value:+.1f} points of quality"
    ends = ""
    if saving.interval is not None:
        ends = f" ({100 * saving.interval.low:.0f} to {100 * saving.interval.high:.0f})"
    unit = "points" if found.metric == "success" else "%"
    return f"; up to {100 * saving.value:.0f}{ends} {unit} {what}"


Shown = Callable[[float], str]
_ESTIMATES: Mapping[str, tuple[Callable[[MetricSummary], Estimate], Shown]] = {
    "success": (lambda each: each.success_rate, percent),
    "quality": (lambda each: each.average_quality, "{:.1f}".format),
    "cost of a run": (lambda each: each.average_cost, usd),
    "cost of a success": (lambda each: each.cost_per_success, usd),
    "duration, mean": (lambda each: each.average_duration, time_of),
}
_VALUES: Mapping[str, tuple[Callable[[MetricSummary], float | None], Shown]] = {
    "duration, p50": (lambda each: each.duration_p50, time_of),
    "duration, p95": (lambda each: each.duration_p95, time_of),
    "runs in an hour": (lambda each: each.throughput, "{:.2g}".format),
    "window used": (lambda each: each.context_efficiency, percent),
    "successes per 1000 tokens": (lambda each: each.success_per_1k_tokens, "{:.2g}".format),
    "runs with cuts": (lambda each: each.truncation_rate, percent),
    "input from the cache": (lambda each: each.cache_hit_rate, percent),
    "tokens": (lambda each: float(each.total_tokens), "{:,.0f}".format),
    "spent": (lambda each: float(each.total_cost), usd),
}


def _figures(found: PerformanceReport) -> Iterable[Row]:
    now, old = found.metrics, found.previous
    yield "runs", str(now.runs), "", "", str(old.runs) if old else NONE
    for name, (estimate, shown) in _ESTIMATES.items():
        value = estimate(now)
        ends = NONE
        if value.interval is not None:
            ends = f"{shown(value.interval.low)} to {shown(value.interval.high)}"
        before = estimate(old).value if old else None
        yield name, _shown(value.value, shown), ends, str(value.n), _shown(before, shown)
    for name, (pick, shown) in _VALUES.items():
        yield name, _shown(pick(now), shown), "", "", _shown(pick(old) if old else None, shown)


def _group(found: MetricSummary) -> Row:
    return (
        str(found.runs),
        _rate(found.success_rate),
        _number(found.average_quality.value, "{:.0f}"),
        _usd(found.average_cost.value),
        _usd(found.cost_per_success.value),
        _time(found.duration_p50),
    )


def _comparison_row(found: AgentComparison) -> Row:
    metric = Metric(found.metric)
    return (
        found.agent,
        found.against,
        NAMES[metric],
        NONE if found.difference is None else effect(metric, found.difference),
        NONE if found.p_adjusted is None else f"{found.p_adjusted:.2g}",
        _word(found.difference) if found.significant else "",
    )


def _points(found: TrendAnalysis) -> tuple[Row, ...]:
    metric = Metric(found.metric)
    rows: list[Row] = []
    for point in found.points:
        figures = (point.value, point.low, point.high)
        shown = (NONE if value is None else level(metric, value) for value in figures)
        rows.append((f"{point.start:%Y-%m-%d %H:%M}", str(point.runs), *shown))
    return tuple(rows)


def _mark(found: MetricDifference) -> str:
    return _word(found.difference) if found.significant else found.problem


def _word(difference: float | None) -> str:
    return "better" if (difference or 0) > 0 else "worse"


def _before(found: PerformanceReport) -> str:
    """What is proved to have changed since the range before."""
    told = [f"{each.metric} {_word(each.difference)}" for each in found.changes if each.significant]
    return ", ".join(told) or NONE


def _rate(found: Estimate) -> str:
    if found.value is None:
        return NONE
    if found.interval is None:
        return percent(found.value)
    return f"{percent(found.value)} ({100 * found.interval.low:.0f}-{100 * found.interval.high:.0f})"


def _shown(value: float | None, how: Shown) -> str:
    return NONE if value is None else how(value)


def _usd(value: float | None) -> str:
    return NONE if value is None else usd(value)


def _time(value: float | None) -> str:
    return NONE if value is None else time_of(value)


def _number(value: float | None, form: str) -> str:
    return NONE if value is None else form.format(value)
