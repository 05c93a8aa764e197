"""The specification's six figures with their intervals, from the sums of runs."""

from __future__ import annotations

import math

from tamma.experiments.statistics.distributions import student_quantile
from tamma.experiments.statistics.means import Moments
from tamma.experiments.statistics.proportions import Counts, wilson
from tamma.model.analysis import Estimate, Interval, MetricSummary
from tamma.model.measured import RunSums

LEVEL = 0.95
FEW = 10
"""Runs under which the intervals of means lean on normal data, which costs and durations are not."""


def summary(sums: RunSums, hours: float) -> MetricSummary:
    """The figures of these runs, which ended within so many hours. What cannot be known is None."""
    return MetricSummary(
        runs=sums.runs,
        success_rate=rate(sums.successes, sums.runs),
        average_duration=mean(sums.duration_ms, sums.duration_squares, sums.runs),
        duration_p50=sums.duration_quantile(0.5),
        duration_p95=sums.duration_quantile(0.95),
        average_cost=mean(sums.priced_usd, sums.priced_squares, sums.priced),
        cost_per_success=cost_per_success(sums),
        average_quality=mean(sums.quality, sums.quality_squares, sums.graded, most=100.0),
        throughput=sums.runs / hours if sums.runs and hours > 0 else None,
        context_efficiency=_share(sums.efficiency, sums.windowed),
        success_per_1k_tokens=_share(1000 * sums.successes, sums.tokens),
        truncation_rate=_share(sums.truncated, sums.runs),
        cache_hit_rate=_share(sums.cache_read_tokens, sums.input_tokens),
        total_cost=sums.cost_usd,
        total_tokens=sums.tokens,
        unpriced_runs=sums.unpriced,
        errors=sums.errors,
    )


def rate(successes: int, n: int) -> Estimate:
    """A share with Wilson's interval; of a single run the interval alone would say something, so none."""
    if not n:
        return Estimate(None)
    value = successes / n
    if n < 2:
        return Estimate(value, n=n)
    found = wilson(Counts(successes, n), LEVEL)
    assert found.low is not None
    assert found.high is not None
    return Estimate(value, Interval(found.low, found.high), n)


def mean(total: float, squares: float, n: int, *, most: float = math.inf) -> Estimate:
    """A mean of values from 0 to `most` with the t interval; None of no value, no interval of one."""
    if not n:
        return Estimate(None)
    moments = Moments.of_sums(total, squares, n)
    if n < 2:
        return Estimate(moments.mean, n=n)
    half = student_quantile((1 + LEVEL) / 2, n - 1) * math.sqrt(moments.variance / n)
    return Estimate(moments.mean, Interval(max(moments.mean - half, 0.0), min(moments.mean + half, most)), n)


def cost_per_success(sums: RunSums) -> Estimate:
    """All cost, the failures' too, over the successes, of runs whose every call has a price.

    The interval is that of a ratio of means by the delta method on its logarithm (Cochran 1977, section
    6.4), with t of one less than the successes, which are the rarer part: none with fewer than two.
    """
    n, successes, cost = sums.priced, sums.priced_successes, sums.priced_usd
    if not successes:
        return Estimate(None, n=n)
    value = cost / successes
    if successes < 2 or not cost:
        return Estimate(value, n=n)
    # The sum of squares of c / mean(c) - s / mean(s), whose mean is 0.
    squares = n**2 * (
        sums.priced_squares / cost**2 - 2 * sums.priced_success_usd / (cost * successes) + 1 / successes
    )
    error = math.sqrt(max(squares, 0.0) / (n * (n - 1)))
    reach = math.exp(min(student_quantile((1 + LEVEL) / 2, successes - 1) * error, 700.0))
    return Estimate(value, Interval(value / reach, value * reach), n)


def notes(found: MetricSummary) -> tuple[str, ...]:
    """What must be said of figures of few runs, or of runs that lack something."""
    said: list[str] = []
    if found.runs == 1:
        said.append("one run: there is no spread, and nothing can be compared")
    elif 0 < found.runs < FEW:
        said.append(f"{found.runs} runs: the intervals are rough")
    if found.unpriced_runs:
        said.append(
            f"{found.unpriced_runs} of {found.runs} runs have calls of unknown price: no mean has them"
        )
    if 0 < found.average_quality.n < found.runs:
        said.append(f"{found.average_quality.n} of {found.runs} runs were graded")
    return tuple(said)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
