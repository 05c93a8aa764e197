"""What a plan asks for before anything is spent: its power, its money, its days, and what is wrong with it.

Everything here rests on history where there is enough of it, and on assumptions that are named otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from tamma.experiments.assignment import seed_of
from tamma.experiments.checking import check
from tamma.experiments.facts import PlanFacts
from tamma.experiments.pricing import days_of, price
from tamma.experiments.sizing import Basis, basis_of, detectable, tasks_needed, to_prove
from tamma.model.experiment import ABTestId, ABTestPlan, Forecast, LookPlan, Metric, Mode, PlanProblem


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with nothing left open, or what is wrong with it."""

    plan: ABTestPlan
    looks: tuple[LookPlan, ...]
    forecast: Forecast | None
    problems: tuple[PlanProblem, ...]


def prepare(plan: ABTestPlan, facts: PlanFacts, test_id: ABTestId) -> Prepared:
    """Check a plan, fill in its seed and its number of units, plan its looks, forecast it.

    Takes a fraction of a second, and scipy. With `problems` there is no forecast and there are no looks.
    """
    from tamma.experiments.sequential.spending import plan_looks

    if problems := check(plan, facts):
        return Prepared(plan, (), None, problems)
    units = units_of(plan, facts)
    needed = tasks_needed(plan, facts)
    if problem := _too_small(plan, facts, needed):
        return Prepared(plan, (), None, (problem,))
    plan = replace(plan, sample_size=units, seed=plan.seed or seed_of(test_id))
    looks = plan_looks(units, min(plan.looks, units), 1.0 - plan.confidence_level)
    return Prepared(plan, looks, forecast(plan, facts), ())


def units_of(plan: ABTestPlan, facts: PlanFacts) -> int:
    """How many units the plan works on: what it says, or what its power asks for."""
    return plan.sample_size or tasks_needed(plan, facts)


def forecast(plan: ABTestPlan, facts: PlanFacts) -> Forecast:
    """What the plan, which is in order and has its units, asks for."""
    basis, units = basis_of(plan, facts), plan.sample_size
    needed = tasks_needed(plan, facts)
    paired = plan.mode is Mode.PAIRED
    trials = units * plan.replicates * 2 if paired else units
    cost, low, high, cost_words = price(plan, facts, trials)
    days, days_words = days_of(plan, facts, trials)
    least = detectable(plan, basis, units)
    return Forecast(
        tasks_needed=needed,
        tasks_planned=units,
        trials=trials,
        detectable=least,
        cost_usd=cost,
        cost_low_usd=low,
        cost_high_usd=high,
        days=days,
        basis="; ".join((basis.words, cost_words, days_words)),
        warnings=_warnings(plan, facts, basis, (units, needed, least), high),
        rehearsal=facts.rehearsal,
    )


# --- what to say --------------------------------------------------------------------------------


def _too_small(plan: ABTestPlan, facts: PlanFacts, needed: int) -> PlanProblem | None:
    if plan.sample_size or facts.units is None or needed <= len(facts.units):
        return None
    there = len(facts.units)
    least = effect_words(plan.primary, detectable(plan, basis_of(plan, facts), there))
    return PlanProblem(
        "suite",
        f"to find an effect of {effect_words(plan.primary, plan.minimum_effect)} with a power of "
        f"{plan.power:.0%} the test needs {needed} tasks, the suite has {there}",
        f"choose sampleSize {there} (which finds {least}), more replicates, a larger minimumEffect, "
        "or another suite",
    )


def effect_words(metric: Metric, effect: float) -> str:
    """An effect as people read it."""
    if metric is Metric.QUALITY:
        return f"{effect:.1f} points"
    return f"{100 * effect:.1f} %" if metric.is_ratio else f"{100 * effect:.1f} percentage points"


def _warnings(
    plan: ABTestPlan,
    facts: PlanFacts,
    basis: Basis,
    size: tuple[int, int, float],
    most: Decimal | None,
) -> tuple[str, ...]:
    units, needed, least = size
    found: list[str] = []
    if units < needed:
        found.append(
            f"{units} of {needed} tasks: an effect of {effect_words(plan.primary, plan.minimum_effect)} is "
            f"likely to be missed; what is found with a power of {plan.power:.0%} is "
            f"{effect_words(plan.primary, least)}"
        )
    found += [
        f"the guardrail on {guardrail.metric} needs about {wanted} tasks to be proved where the arms are "
        f"alike, {units} are planned: a winner may stay without proof of it"
        for guardrail in plan.guardrails
        if (wanted := to_prove(plan, guardrail, basis)) > units
    ]
    if plan.budget_usd is not None and most is not None and most >= plan.budget_usd:
        found.append(f"the budget of {plan.budget_usd} USD may end it before {units} tasks are complete")
    agent, control = facts.control.agent, plan.control
    if agent is not None and agent.active != control.version:
        now = f"version {agent.active}" if agent.active else "no version"
        found.append(f"{control.name}@{control.version} is not what runs use now ({now} is active)")
    return tuple(found)
