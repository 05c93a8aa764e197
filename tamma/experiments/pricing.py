"""What a plan costs, in money and in days."""

from __future__ import annotations

import math
from decimal import Decimal

from tamma.experiments.facts import PlanFacts
from tamma.model.experiment import ABTestPlan, Mode

REHEARSAL_SECONDS = 1.0
"""Of a trial whose outcome is drawn, whatever duration is drawn for it: measured, on two cores."""


def price(
    plan: ABTestPlan, facts: PlanFacts, trials: int
) -> tuple[Decimal | None, Decimal | None, Decimal | None, str]:
    """Expected, low, high, and in words where they come from. 95 % of tests cost between low and high, where
    no budget ends them before.
    """
    arms = [facts.control.history, facts.candidate.history]
    known = [arm for arm in arms if arm.cost_usd is not None]
    if not known:
        words = f"cost unknown: at most {plan.limits.budget_usd} USD for each of {trials} trials"
        most = plan.limits.budget_usd * trials
        return None, None, most, words
    means = [arm.cost_usd if arm.cost_usd is not None else (known[0].cost_usd or 0.0) for arm in arms]
    expected = sum(means) * trials / 2
    variance = sum(
        ((arm.cost_spread or 0.0) ** 2) * (trials / 2 + (trials / 2) ** 2 / arm.runs) for arm in known
    ) * (2 / len(known))
    half = 1.96 * math.sqrt(variance)
    runs = " and ".join(str(arm.runs) for arm in known)
    words = f"cost from {runs} earlier runs"
    if len(known) == 1:
        words += ", the other arm assumed alike"
    return (
        _dollars(expected),
        _dollars(max(expected - half, 0.0)),
        _dollars(expected + half),
        words,
    )


def _dollars(value: float) -> Decimal:
    return Decimal(str(round(value, 2)))


def days_of(plan: ABTestPlan, facts: PlanFacts, trials: int) -> tuple[float | None, str]:
    """How long it takes, waiting for people apart, and in words where that comes from."""
    if plan.mode is Mode.LIVE:
        rate = facts.control.history.runs_a_day
        if rate is None:
            return None, "days unknown: there are too few runs of the control"
        return plan.sample_size / rate, f"{rate:.1f} runs a day, as lately"
    if facts.rehearsal:
        return trials * REHEARSAL_SECONDS / plan.concurrency / 86400, "a rehearsed trial takes a second"
    known = [
        arm.seconds for arm in (facts.control.history, facts.candidate.history) if arm.seconds is not None
    ]
    if known:
        seconds, words = sum(known) / len(known), "time from earlier runs"
    else:
        seconds, words = plan.limits.minutes * 60, f"time at most {plan.limits.minutes:g} minutes a trial"
    return trials * seconds / plan.concurrency / 86400, words
