"""What each arm did, over the trials of its complete units."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from tamma.experiments.outcomes import Table, value_of
from tamma.experiments.report.model import ArmSummary, Spread
from tamma.model.analysis import Estimate, Interval
from tamma.model.experiment import ABTestPlan, Arm, Metric, Outcome


def arm_summaries(plan: ABTestPlan, table: Table) -> tuple[ArmSummary, ...]:
    """Control, then candidate."""
    pins = {Arm.CONTROL: plan.control, Arm.CANDIDATE: plan.candidate}
    rows = {Arm.CONTROL: table.control, Arm.CANDIDATE: table.candidate}
    return tuple(
        _summary(
            (arm, f"{pin.name}@{pin.version}", pin.hash),
            (table.ended[arm] + table.waiting[arm], table.ended[arm]),
            [outcome for row in rows[arm] for outcome in row.outcomes],
            plan.confidence_level,
        )
        for arm, pin in pins.items()
    )


def rate(successes: int, n: int, level: float) -> Estimate:
    """A share with Wilson's interval; None of nothing."""
    from tamma.experiments.statistics.proportions import Counts, wilson

    if not n:
        return Estimate(None)
    interval = wilson(Counts(successes, n), level)
    assert interval.low is not None
    assert interval.high is not None
    return Estimate(successes / n, Interval(interval.low, interval.high), n)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share do not exceed: always one that was seen."""
    return ordered[max(0, math.ceil(round(share * len(ordered), 9)) - 1)]


def _summary(
    who: tuple[Arm, str, str], counted: tuple[int, int], trials: Sequence[Outcome], level: float
) -> ArmSummary:
    (arm, agent, digest), (assigned, ended) = who, counted
    successes = sum(each.success for each in trials)
    costs = _present(trials, Metric.COST)
    tokens, read = sum(each.tokens for each in trials), sum(each.input_tokens for each in trials)
    efficiencies = [each.context_efficiency for each in trials if each.context_efficiency is not None]
    whole = len(costs) == len(trials)
    return ArmSummary(
        arm=arm,
        agent=agent,
        config_hash=digest,
        assigned=assigned,
        ended=ended,
        trials=len(trials),
        success=rate(successes, len(trials), level),
        quality=_mean(_present(trials, Metric.QUALITY), level),
        cost=_spread(costs),
        duration=_spread(_present(trials, Metric.DURATION)),
        cost_per_success=sum(costs) / successes if successes and whole else None,
        unpriced=len(trials) - len(costs),
        tokens=tokens,
        context_efficiency=sum(efficiencies) / len(efficiencies) if efficiencies else None,
        truncation_rate=sum(each.truncations > 0 for each in trials) / len(trials) if trials else None,
        cache_hit_rate=sum(each.cache_read_tokens for each in trials) / read if read else None,
        success_per_1k_tokens=1000 * successes / tokens if tokens else None,
        errors=dict(sorted(Counter(each.error_type for each in trials if each.error_type).items())),
        served_models=tuple(sorted({model for each in trials for model in each.served_models})),
    )


def _present(trials: Sequence[Outcome], metric: Metric) -> list[float]:
    return [value for each in trials if (value := value_of(each, metric)) is not None]


def _spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    ordered = sorted(values)
    return Spread(math.fsum(ordered) / len(ordered), quantile(ordered, 0.5), quantile(ordered, 0.95))


def _mean(values: Sequence[float], level: float) -> Estimate:
    """With the t interval, where there is spread for one."""
    from tamma.experiments.statistics.distributions import student_quantile

    n = len(values)
    if not n:
        return Estimate(None)
    mean = math.fsum(values) / n
    if n < 2:
        return Estimate(mean, None, n)
    error = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    half = student_quantile((1 + level) / 2, n - 1) * error
    return Estimate(mean, Interval(mean - half, mean + half), n)
