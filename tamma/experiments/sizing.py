"""How many units a plan needs, and what so many find: its power, from history or from named assumptions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tamma.errors import TammaError
from tamma.experiments.checking import LEAST_UNITS
from tamma.experiments.facts import ArmHistory, PlanFacts
from tamma.model.experiment import ABTestPlan, Guardrail, Metric, Mode

ICC = 0.4
"""Assumed correlation of two runs on one task: what tasks differ by. Runs of coding agents on public
benchmarks show .3 to .6; a lower one asks for more tasks."""
SUCCESS = 0.6
QUALITY_SPREAD = 15.0
LOG_SPREAD = 0.8
"""Assumed standard deviations of quality (points), log cost and log duration within an arm."""
_FINEST = 1e-4
"""No smaller effect is asked about."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The figures that a forecast is made from, and where each is from."""

    success: float
    quality_spread: float
    log_cost_spread: float
    log_seconds_spread: float
    words: str


def basis_of(plan: ABTestPlan, facts: PlanFacts) -> Basis:
    """The control's figures, else the candidate's, else assumptions."""
    arms = (("control", facts.control.history), ("candidate", facts.candidate.history))

    def known(of: Callable[[ArmHistory], float | None], assumed: float) -> tuple[float, str]:
        for name, history in arms:
            if (value := of(history)) is not None:
                return value, f"from {history.runs} runs of the {name}"
        return assumed, "assumed"

    success, source = known(lambda arm: arm.success, SUCCESS)
    words = [f"success of the control {success:.0%} ({source})"]
    # A rate at the edge has no spread, and no power follows from it.
    success = min(max(success, 0.02), 0.98)
    spreads = {
        Metric.QUALITY: known(lambda arm: arm.quality_spread, QUALITY_SPREAD),
        Metric.COST: known(lambda arm: arm.log_cost_spread, LOG_SPREAD),
        Metric.DURATION: known(lambda arm: arm.log_seconds_spread, LOG_SPREAD),
    }
    if plan.primary in spreads:
        spread, source = spreads[plan.primary]
        unit = "points" if plan.primary is Metric.QUALITY else "on the log scale"
        words = [f"spread of {plan.primary} {spread:.2g} {unit} ({source})"]
    if plan.mode is Mode.PAIRED:
        words.append(f"correlation of two runs on one task {ICC} (assumed)")
    return Basis(
        success,
        spreads[Metric.QUALITY][0],
        spreads[Metric.COST][0],
        spreads[Metric.DURATION][0],
        ", ".join(words),
    )


def tasks_needed(plan: ABTestPlan, facts: PlanFacts) -> int:
    """Units that find the minimum effect with the plan's power, at all looks together. Runs of both arms in a
    live test; at least 6, under which no verdict is possible."""
    needed = _needed(plan, basis_of(plan, facts))(plan.minimum_effect)
    return max(LEAST_UNITS, math.ceil(needed * _inflation(plan) - 1e-6))


def _needed(plan: ABTestPlan, basis: Basis) -> Callable[[float], float]:
    """Units as a function of the primary metric's effect, for one look at the end."""
    from tamma.experiments.statistics import power

    goal = power.Goal(alpha=1.0 - plan.confidence_level, power=plan.power)
    if plan.primary is Metric.SUCCESS and plan.mode is Mode.LIVE:
        return lambda effect: 2 * power.rates_tasks(basis.success, _raised(basis.success, effect), goal)

    def units(effect: float) -> float:
        size = _on_scale(plan.primary, effect) / _spread_of(plan, plan.primary, basis, effect)
        return (
            power.paired_tasks(size, goal) if plan.mode is Mode.PAIRED else 2 * power.means_tasks(size, goal)
        )

    return units


def _spread_of(plan: ABTestPlan, metric: Metric, basis: Basis, effect: float = 0.0) -> float:
    """The standard deviation of a task's difference (paired) or of a run (live), on the metric's scale."""
    from tamma.experiments.statistics.power import paired_rates_spread

    if metric is Metric.SUCCESS:
        after = _raised(basis.success, effect)
        if plan.mode is Mode.PAIRED:
            return paired_rates_spread(basis.success, after, icc=ICC, repeats=plan.replicates)
        return math.sqrt(basis.success * (1 - basis.success))
    spread = {
        Metric.QUALITY: basis.quality_spread,
        Metric.COST: basis.log_cost_spread,
        Metric.DURATION: basis.log_seconds_spread,
    }[metric]
    return spread * math.sqrt(2 * (1 - ICC) / plan.replicates) if plan.mode is Mode.PAIRED else spread


def _on_scale(metric: Metric, effect: float) -> float:
    """An effect where it is measured: ratios on the log scale."""
    return -math.log1p(-effect) if metric.is_ratio else effect


def _raised(rate: float, effect: float) -> float:
    """The candidate's rate; near the top, the mirrored fall, which needs as many tasks."""
    return rate + effect if rate + effect < 1 else max(rate - effect, 1e-6)


def _inflation(plan: ABTestPlan) -> float:
    """What looking early costs in units."""
    from tamma.experiments.sequential.power import cost

    if plan.looks == 1:
        return 1.0
    shares = [(number + 1) / plan.looks for number in range(plan.looks)]
    return cost(shares, alpha=1.0 - plan.confidence_level, wanted=plan.power).inflation


def detectable(plan: ABTestPlan, basis: Basis, units: int) -> float:
    """The least effect that so many units find; by bisection, for fewer units never find smaller ones."""
    needed, inflation = _needed(plan, basis), _inflation(plan)
    low, high = _FINEST, 100.0 if plan.primary is Metric.QUALITY else 0.999
    if plan.primary is Metric.SUCCESS:
        high = max(basis.success, 1 - basis.success) - 1e-3

    def finds(effect: float) -> bool:
        try:
            return needed(effect) * inflation <= units
        except TammaError:
            return False  # more tasks than anyone has

    if not finds(high):
        return high
    while high - low > _FINEST:
        middle = (low + high) / 2
        low, high = (low, middle) if finds(middle) else (middle, high)
    return high


def to_prove(plan: ABTestPlan, guardrail: Guardrail, basis: Basis) -> int:
    """Units that prove non-inferiority where the arms are alike, by the normal approximation."""
    from statistics import NormalDist

    z = NormalDist().inv_cdf((1 + plan.confidence_level) / 2) + NormalDist().inv_cdf(plan.power)
    margin = guardrail.margin
    if guardrail.metric.is_ratio:
        margin = math.log1p(margin)
    arms = 1 if plan.mode is Mode.PAIRED else 4
    return math.ceil(arms * (z * _spread_of(plan, guardrail.metric, basis) / margin) ** 2 * _inflation(plan))
