"""From a test's records to its report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamma.experiments.outcomes import table_of
from tamma.experiments.report.arms import arm_summaries
from tamma.experiments.report.changes import config_changes
from tamma.experiments.report.groups import context_bins, group_rows
from tamma.experiments.report.model import ArmSummary, ConfigPoint, Report, Standing
from tamma.experiments.report.pairing import pair_rows
from tamma.experiments.report.sequence import running
from tamma.experiments.verdict import decide
from tamma.model.experiment import ABTestPlan, Assignment, LookPlan, Metric, Outcome
from tamma.model.verdict import Evidence, Look

if TYPE_CHECKING:
    from tamma.model.agent import AgentConfig
    from tamma.model.analysis import TrendAnalysis


@dataclass(frozen=True, slots=True)
class Records:
    """What the store holds of a test."""

    test_id: str
    plan: ABTestPlan
    planned: Sequence[LookPlan]
    assignments: Sequence[Assignment]
    outcomes: Iterable[Outcome]
    looks: Sequence[Look]
    standing: Standing


def build_report(
    records: Records,
    evidence: Evidence | None,
    *,
    configs: tuple[AgentConfig, AgentConfig] | None = None,
    others: Sequence[ConfigPoint] = (),
    trends: Sequence[TrendAnalysis] = (),
    link: Callable[[Outcome], str] | None = None,
    notes: Sequence[str] = (),
) -> Report:
    """The report of a test as it stands. Deterministic: the same records give the same report.

    `configs` are those of control and candidate, `others` more configurations to set beside them, `link` says
    where a run can be looked at. `evidence` is that of the last look, from which the verdict follows; None
    before the first one.
    """
    plan, planned = records.plan, records.planned
    table = table_of(plan.mode, records.assignments, records.outcomes)
    summaries = arm_summaries(plan, table)
    value = Metric.QUALITY if all(arm.quality.value is not None for arm in summaries) else Metric.SUCCESS
    return Report(
        test_id=records.test_id,
        name=plan.name,
        plan=plan,
        standing=records.standing,
        verdict=decide(evidence) if evidence else None,
        evidence=evidence,
        looks_planned=tuple(planned),
        looks=tuple(records.looks),
        arms=summaries,
        rollback_target=f"{plan.control.name}@{plan.control.version}",
        pairs=pair_rows(plan, table, link),
        groups=group_rows(plan, table),
        running=running(plan, planned[-1].units, table),
        context=context_bins(table),
        value_metric=value,
        configs=(*_points(summaries, value), *others),
        changes=config_changes(*configs) if configs else (),
        trends=tuple(trends),
        trials=tuple(outcome for row in table.rows for outcome in row.outcomes),
        rehearsal=any(_rehearsed(model) for arm in summaries for model in arm.served_models),
        notes=tuple(notes),
    )


def _rehearsed(model: str) -> bool:
    return model.startswith("scripted:")


def _points(summaries: Sequence[ArmSummary], value: Metric) -> tuple[ConfigPoint, ...]:
    measured = {
        arm.arm: arm.quality.value if value is Metric.QUALITY else arm.success.value for arm in summaries
    }
    return tuple(
        ConfigPoint(arm.agent, arm.cost.mean, gained, arm.trials, arm.arm)
        for arm in summaries
        if arm.cost is not None and (gained := measured[arm.arm]) is not None
    )
