"""Reports of made-up tests, as a person would see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from tamma.experiments.analysis import Analysis, analyse
from tamma.experiments.report.build import Records, build_report
from tamma.experiments.report.model import ConfigPoint, Report, Standing
from tamma.model.agent import AgentConfig, ContextStrategy
from tamma.model.analysis import ChangePoint, Direction, TimeRange, TrendAnalysis, TrendPoint
from tamma.model.experiment import ABTestPlan, Assignment, Guardrail, LookPlan, Metric, Mode, Outcome
from tamma.model.looks import Bound, DueLook
from tamma.model.verdict import ABTestState, Evidence, Look, StopReason
from tests.experiments.made import PLAN, START, drawn, looks

CONFIGS = (
    AgentConfig("anthropic", "model-a", prompts={"system": "Be careful.\nRead before you write.\n"}),
    AgentConfig(
        "anthropic",
        "model-a",
        prompts={"system": "Be careful.\nRead little, then write.\n"},
        context=ContextStrategy(map_files=120),
    ),
)
TREND = TrendAnalysis(
    "builder",
    "success rate",
    TimeRange(START, START + timedelta(days=24)),
    tuple(TrendPoint(START + timedelta(days=day), 20, 0.6 + 0.1 * (day > 12), 0.5, 0.8) for day in range(24)),
    Direction.BETTER,
    (ChangePoint(START + timedelta(days=12, hours=12), 0.6, 0.7, "version 3 applied", 0.01),),
)


def looked(
    plan: ABTestPlan, assignments: Sequence[Assignment], outcomes: Sequence[Outcome], count: int
) -> tuple[tuple[LookPlan, ...], tuple[Look, ...], Evidence]:
    """Every planned look, taken on the units that it is about."""
    planned = looks(len(assignments), count)
    taken: list[Look] = []
    found: Analysis | None = None
    for each in planned:
        prior = tuple(Bound(look.units, look.boundary) for look in taken if look.boundary is not None)
        due = DueLook(each.number, each.units, each.units == len(assignments), 0, prior)
        within = assignments[: each.units]
        units = {assignment.unit for assignment in within}
        found = analyse(
            plan,
            planned,
            within,
            [outcome for outcome in outcomes if outcome.unit in units],
            due,
            at=START + timedelta(days=each.number),
            taken=taken,
            spent_usd=Decimal(each.number),
        )
        taken.append(found.look)
    assert found is not None
    return planned, tuple(taken), found.evidence


def made_report(
    units: int = 60,
    *,
    seed: int = 4,
    mode: Mode = Mode.PAIRED,
    primary: Metric = Metric.SUCCESS,
    replicates: int = 1,
    plan: ABTestPlan = PLAN,
    count: int = 2,
    whole: bool = True,
) -> Report:
    """A test that ran to its end, with everything that a report can show, or with nothing beside the test."""
    plan = replace(
        plan,
        mode=mode,
        primary=primary,
        replicates=replicates,
        guardrails=(Guardrail(Metric.COST, 0.1),),
        budget_usd=Decimal(100),
    )
    assignments, outcomes = drawn(units, seed=seed, mode=mode, replicates=replicates, candidate=0.75)
    planned, taken, evidence = looked(plan, assignments, outcomes, count)
    standing = Standing(ABTestState.AWAITING_APPROVAL, StopReason.COMPLETED, Decimal("12.34"), START)
    records = Records("0195a6c2-77aa", plan, planned, assignments, outcomes, taken, standing)
    if not whole:
        return build_report(records, evidence)
    return build_report(
        records,
        evidence,
        configs=CONFIGS,
        others=(ConfigPoint("reviewer@2", 0.9, 71.0, 80),),
        trends=(TREND,),
        link=lambda outcome: f"http://127.0.0.1:8233/run/{outcome.run_id}",
        notes=("Rehearsal: outcomes were drawn from declared rates.",),
    )


def unlooked_report() -> Report:
    """A test that has begun, before its first look."""
    assignments, outcomes = drawn(20, seed=1)
    standing = Standing(ABTestState.RUNNING, spent_usd=Decimal(1))
    records = Records("0195a6c2-77ab", PLAN, looks(20), assignments, outcomes[:6], (), standing)
    return build_report(records, None)
