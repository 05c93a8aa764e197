"""Analyses as rows of CSV: one figure a row, so that columns stay the same whatever is added. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tamma.model.analysis import (
    ComparisonResult,
    Estimate,
    MetricDifference,
    MetricSummary,
    OptimizationRecommendation,
    PerformanceReport,
    TrendAnalysis,
)

Row = tuple[object, ...]
REPORT_HEADS = ("agent", "group", "name", "figure", "value", "low", "high", "n")
DIFFERENCE_HEADS = (
    "agentA", "agentB", "metric", "a", "b", "difference", "low", "high", "p", "pAdjusted", "significant",
    "runsA", "runsB",
)  # fmt: skip
TREND_HEADS = ("agent", "metric", "from", "runs", "value", "low", "high")
RECOMMENDATION_HEADS = (
    "id", "agent", "version", "kind", "title", "metric", "saving", "low", "high", "confidence", "command",
)  # fmt: skip


def report_rows(reports: Sequence[PerformanceReport]) -> Iterable[Row]:
    """All figures of the range, of the one before, by task type and by version."""
    for each in reports:
        yield from _summary(each.agent, "range", "", each.metrics)
        if each.previous is not None:
            yield from _summary(each.agent, "before", "", each.previous)
        for group, found in (("taskType", each.by_task_type), ("version", each.by_version)):
            for name, summary in found.items():
                yield from _summary(each.agent, group, name, summary)


def comparison_rows(found: ComparisonResult) -> Iterable[Row]:
    return (_difference(found.agent_a, found.agent_b, each) for each in found.metrics)


def trend_rows(found: Sequence[TrendAnalysis]) -> Iterable[Row]:
    for each in found:
        for at in each.points:
            yield each.agent, each.metric, at.start.isoformat(), at.runs, at.value, at.low, at.high


def recommendation_rows(found: Sequence[OptimizationRecommendation]) -> Iterable[Row]:
    for each in found:
        saving = each.expected_saving
        ends = (saving.interval.low, saving.interval.high) if saving.interval else (None, None)
        head = (each.id, each.agent, each.version, each.kind.value, each.title, each.metric)
        yield *head, saving.value, *ends, each.confidence, each.command


def _summary(agent: str, group: str, name: str, found: MetricSummary) -> Iterable[Row]:
    estimates: dict[str, Estimate] = {
        "successRate": found.success_rate,
        "averageDuration": found.average_duration,
        "averageCost": found.average_cost,
        "costPerSuccess": found.cost_per_success,
        "averageQuality": found.average_quality,
    }
    for figure, each in estimates.items():
        ends = (each.interval.low, each.interval.high) if each.interval else (None, None)
        yield agent, group, name, figure, each.value, *ends, each.n
    for figure, value in {
        "durationP50": found.duration_p50,
        "durationP95": found.duration_p95,
        "throughput": found.throughput,
        "contextEfficiency": found.context_efficiency,
        "successPer1kTokens": found.success_per_1k_tokens,
        "truncationRate": found.truncation_rate,
        "cacheHitRate": found.cache_hit_rate,
        "totalCost": float(found.total_cost),
        "totalTokens": found.total_tokens,
        **{f"error:{error}": count for error, count in found.errors.items()},
    }.items():
        yield agent, group, name, figure, value, None, None, found.runs


def _difference(a: str, b: str, found: MetricDifference) -> Row:
    ends = (found.interval.low, found.interval.high) if found.interval else (None, None)
    figures = (found.a, found.b, found.difference, *ends, found.p, found.p_adjusted, found.significant)
    return a, b, found.metric, *figures, found.runs_a, found.runs_b
