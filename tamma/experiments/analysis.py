"""From outcomes to evidence: one look at an A/B test.

At a look every interval that a decision rests on, the primary metric's and the guardrails', is a repeated
confidence interval: the method's own at the look's nominal level (Jennison & Turnbull 1989). It holds at all
looks at once, so that the test may stop for harm, for a win or for equivalence at whichever look shows it,
or go on beyond a boundary because a guardrail is not proved yet. Secondary metrics have the plan's confidence
and Holm's p; they describe, and decide nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tamma.experiments.beside import beside, by_repository, cost_of_success
from tamma.experiments.looking import (
    adjusted_p,
    if_stopped,
    level_of,
    normal_score,
    now,
    spending,
    watched,
)
from tamma.experiments.looks import crosses
from tamma.experiments.methods import (
    Sample,
    at_worst,
    compare,
    effect_of,
    effect_on,
    on_test_scale,
    sample_of,
    standard_error,
)
from tamma.experiments.outcomes import Table, table_of
from tamma.experiments.soundness import GENERAL_FROM, soundness
from tamma.model.estimates import Comparison, GuardrailVerdict
from tamma.model.estimates import Guardrail as HeldGuardrail
from tamma.model.experiment import ABTestPlan, Assignment, Guardrail, LookPlan, Metric, Outcome
from tamma.model.looks import DueLook
from tamma.model.verdict import Effect, Evidence, GuardrailResult, Look

_MOST_UNITS = 1_000_000
"""More than these are not named: no experiment has them."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What one look gave: the evidence for the verdict, and the look as it is kept."""

    evidence: Evidence
    look: Look


def analyse(
    plan: ABTestPlan,
    planned: Sequence[LookPlan],
    assignments: Sequence[Assignment],
    outcomes: Iterable[Outcome],
    due: DueLook,
    *,
    at: datetime,
    taken: Sequence[Look] = (),
    spent_usd: Decimal = Decimal(0),
) -> Analysis:
    """Look at what is complete. `planned` is not empty; `due` says which look this is, `taken` are the looks
    before. `assignments` are what the look is about: of a paired test the units whose trials are all over, so
    that a cell without an outcome is one whose measurements were lost.

    Takes about a second for 10,000 units. Raises BadFigures for values that no measurement is (a negative
    cost), ConfigError where the looks before have spent all of the plan's alpha.
    """
    from tamma.experiments.sequential.spending import boundary_now

    table, total = table_of(plan.mode, assignments, outcomes), planned[-1].units
    alpha = 1.0 - plan.confidence_level
    due = now(due, table, total)
    bound = boundary_now(spending(due, total), total, alpha)
    sample = sample_of(table, plan.primary)
    found = compare(sample, level_of(bound))
    crossed = found.p is not None and crosses(bound, found.p)
    low, high = watched(sample, total, alpha)
    look = Look(
        number=due.number,
        units=table.units,
        information=table.units / total,
        z=normal_score(found),
        boundary=None if found.p is None else bound,
        crossed=crossed,
        taken_at=at,
        spent_usd=spent_usd,
        sequence_low=low,
        sequence_high=high,
    )
    stopped = if_stopped(sample, found, due, taken, alpha)
    return Analysis(_evidence(plan, table, due, (total, bound, crossed), (sample, found, stopped)), look)


def _evidence(
    plan: ABTestPlan,
    table: Table,
    due: DueLook,
    look: tuple[int, float, bool],
    primary: tuple[Sample, Comparison, tuple[str, ...]],
) -> Evidence:
    (total, bound, crossed), (sample, found, stopped) = look, primary
    alpha = 1.0 - plan.confidence_level
    p = None if found.p is None else adjusted_p(found.p, spending(due, total), total)
    clusters, agrees = by_repository(sample, plan.confidence_level)
    lines = (*stopped, *beside(sample, plan.confidence_level, plan.seed), *clusters)
    detectable, missing = _reach(plan, sample, found, bound if due.last else _quantile(alpha / 2))
    sound = soundness(plan, table, final=due.last)
    worst, holds = _at_worst(plan, table, bound)
    return Evidence(
        units=table.units,
        units_planned=total,
        looks_done=due.number,
        final=due.last,
        primary=effect_of(sample, found, p=p, beside=lines),
        significant=crossed,
        minimum_effect=plan.minimum_effect,
        guardrails=tuple(_guardrail(each, table, bound) for each in plan.guardrails),
        secondary=_secondary(plan, table),
        at_worst=worst,
        significant_at_worst=holds,
        srm_p=sound.srm_p,
        missing_p=sound.missing_p,
        missing_share=sound.missing_share,
        model_changed=sound.model_changed,
        config_changed=sound.config_changed,
        mde=detectable,
        units_missing=missing,
        repositories=sound.repositories,
        generalisable=sound.repositories >= GENERAL_FROM and agrees,
        warnings=sound.warnings,
    )


def _at_worst(plan: ABTestPlan, table: Table, bound: float) -> tuple[Effect | None, bool]:
    """The primary effect with what is missing counted against the candidate, and whether it crosses."""
    worst = at_worst(table, plan.primary)
    if worst is None:
        return None, True
    found = compare(worst, level_of(bound))
    return effect_of(worst, found, p=found.p), found.p is not None and crosses(bound, found.p)


def _guardrail(guardrail: Guardrail, table: Table, bound: float) -> GuardrailResult:
    from tamma.experiments.statistics import guardrails

    metric = guardrail.metric
    sample = sample_of(table, metric)
    alpha = (1.0 - level_of(bound)) / 2
    found = compare(sample, guardrails.level_for(alpha))
    limit = 1.0 + guardrail.margin if metric.is_ratio else -guardrail.margin

    def judge(comparison: Comparison) -> HeldGuardrail:
        return guardrails.guardrail(
            comparison, limit=limit, higher_is_better=metric.more_is_better, alpha=alpha
        )

    held, worst = judge(found), at_worst(table, metric)
    passed = held.verdict is GuardrailVerdict.PASSED
    if passed and worst is not None:
        passed = judge(compare(worst, guardrails.level_for(alpha))).verdict is GuardrailVerdict.PASSED
    return GuardrailResult(
        guardrail,
        effect_of(sample, found, p=found.p),
        held.p,
        passed=passed,
        harmed=held.verdict is GuardrailVerdict.HARM,
    )


def _secondary(plan: ABTestPlan, table: Table) -> tuple[Effect, ...]:
    from tamma.experiments.statistics.multiplicity import holm

    metrics = [metric for metric in plan.secondary if metric is not plan.primary]
    samples = [sample_of(table, metric) for metric in metrics]
    found = [compare(sample, plan.confidence_level) for sample in samples]
    adjusted = holm([each.p for each in found])
    effects: list[Effect] = []
    for sample, comparison, p in zip(samples, found, adjusted, strict=True):
        lines = beside(sample, plan.confidence_level, plan.seed)
        if sample.metric is Metric.COST and (
            line := cost_of_success(table, plan.confidence_level, plan.seed)
        ):
            lines += (line,)
        effects.append(effect_of(sample, comparison, p=p, beside=lines))
    return tuple(effects)


def _reach(
    plan: ABTestPlan, sample: Sample, found: Comparison, critical: float
) -> tuple[float | None, int | None]:
    """The least effect that so many units find with the plan's power, and how many more units the effect that
    was seen needs: by the normal approximation, with the standard error that was reached.
    """
    estimate, se = on_test_scale(found), standard_error(sample, found)
    if se is None:
        return None, None
    least = (critical + _quantile(1.0 - plan.power)) * se
    n = found.control.n if sample.paired else found.control.n + found.treatment.n
    needed = n * (least / estimate) ** 2 if estimate else math.inf
    missing = max(0, math.ceil(needed) - n) if needed < _MOST_UNITS else None
    return effect_on(sample.metric, -least if sample.metric.is_ratio else least), missing


def _quantile(tail: float) -> float:
    from tamma.experiments.sequential.normal import quantile

    return quantile(tail)
