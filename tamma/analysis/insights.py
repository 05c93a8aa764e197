"""What a report says, in sentences made of numbers alone: where one is missing, nothing is said. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tamma.analysis.words import change_of, counted, percent, rate_of, time_of, usd
from tamma.model.analysis import Direction, PerformanceReport

FULL = 0.8
"""Share of the window at which the largest calls come near to its end."""


def insights(report: PerformanceReport) -> tuple[str, ...]:
    """The most important first. None of fewer than two runs."""
    if report.metrics.runs < 2:
        return ()
    sentences = (_alerts, _changes, _level, _types, _window, _failures, _others, _stock)
    return tuple(sentence for say in sentences for sentence in say(report))


def _alerts(report: PerformanceReport) -> Iterable[str]:
    for trend in report.trends:
        yield from trend.alerts


def _changes(report: PerformanceReport) -> Iterable[str]:
    for each in report.changes:
        if each.significant and each.difference is not None:
            verb = "better" if each.difference > 0 else "worse"
            yield f"{verb} than in the range before, at the same mix of tasks: {change_of(each)}"


def _level(report: PerformanceReport) -> Iterable[str]:
    found = report.metrics
    if found.success_rate.interval is not None:
        yield f"{report.agent} succeeded in {rate_of(found.success_rate)}"
    cost = found.cost_per_success
    if cost.value is not None and cost.interval is not None:
        low, high = usd(cost.interval.low), usd(cost.interval.high)
        yield f"a success costs {usd(cost.value)} ({low} to {high}), failures included"
    if found.duration_p50 is not None and found.duration_p95 is not None and found.runs >= 20:
        half, most = time_of(found.duration_p50), time_of(found.duration_p95)
        yield f"half of the runs take up to {half}, 95 % up to {most}"


def _types(report: PerformanceReport) -> Iterable[str]:
    """Types of tasks whose intervals do not touch: exploratory, one sentence at most."""
    rates = {
        name: found.success_rate
        for name, found in report.by_task_type.items()
        if found.success_rate.interval is not None and found.runs >= 10
    }
    if len(rates) < 2:
        return
    worst = min(rates, key=lambda name: rates[name].value or 0)
    best = max(rates, key=lambda name: rates[name].value or 0)
    low, high = rates[best].interval, rates[worst].interval
    if low is not None and high is not None and high.high < low.low:
        less, more = rate_of(rates[worst]), rate_of(rates[best])
        yield f"{worst} succeeds less often, in {less}, than {best}, in {more}"


def _window(report: PerformanceReport) -> Iterable[str]:
    found = report.metrics
    used, cut = found.context_efficiency, found.truncation_rate
    if used is not None and used >= FULL:
        yield f"the largest call of a run fills {percent(used)} of the window on average"
    if cut:
        yield f"in {percent(cut)} of the runs old results were dropped to make room"
    if found.cache_hit_rate:
        yield f"{percent(found.cache_hit_rate)} of the input came from the service's cache"


def _failures(report: PerformanceReport) -> Iterable[str]:
    found = report.metrics
    failed = sum(found.errors.values())
    if failed < 2:
        return
    error, count = max(found.errors.items(), key=lambda item: item[1])
    yield f"{count} of {counted(failed, 'failed run')} ended by {error!r}"


def _others(report: PerformanceReport) -> Iterable[str]:
    for each in report.comparisons:
        if each.significant and each.difference is not None and each.p_adjusted is not None:
            mine = each.agent == report.agent
            ahead = (each.difference > 0) == mine
            other = each.against if mine else each.agent
            yield (
                f"{'ahead of' if ahead else 'behind'} {other} in {each.metric} on the same kinds of tasks "
                f"(adjusted p {each.p_adjusted:.2g})"
            )


def _stock(report: PerformanceReport) -> Iterable[str]:
    if report.cost_benefit is not None:
        yield report.cost_benefit.summary


def regressions(report: PerformanceReport) -> tuple[str, ...]:
    """The metrics whose trend is proved to be worse."""
    return tuple(trend.metric for trend in report.trends if trend.direction is Direction.WORSE)
