"""Every unit of a paired test: which arm did better, and the runs behind it."""

from __future__ import annotations

from collections.abc import Callable

from tamma.experiments.outcomes import Table, UnitRow
from tamma.experiments.report.model import CellRuns, PairRow, Won
from tamma.model.experiment import ABTestPlan, Metric, Mode, Outcome

Link = Callable[[Outcome], str]


def pair_rows(plan: ABTestPlan, table: Table, link: Link | None) -> tuple[PairRow, ...]:
    """In the order of assignment; empty for a live test, whose units have one arm."""
    if table.mode is not Mode.PAIRED:
        return ()
    return tuple(
        PairRow(
            control.unit,
            control.repo,
            control.outcomes[0].task_type.value,
            _won(control.value(plan.primary), candidate.value(plan.primary), plan.primary),
            _cell(control, link),
            _cell(candidate, link),
        )
        for control, candidate in zip(table.control, table.candidate, strict=True)
    )


def _won(control: float | None, candidate: float | None, metric: Metric) -> Won:
    if control is None or candidate is None or control == candidate:
        return "tie"
    return "win" if (candidate > control) is metric.more_is_better else "loss"


def _cell(row: UnitRow, link: Link | None) -> CellRuns:
    errors = sorted({each.error_type for each in row.outcomes if each.error_type})
    return CellRuns(
        success=row.value(Metric.SUCCESS) or 0.0,
        quality=row.value(Metric.QUALITY),
        cost_usd=row.value(Metric.COST),
        duration_ms=row.value(Metric.DURATION),
        error_type=", ".join(errors),
        runs=tuple(each.run_id for each in row.outcomes),
        links=tuple(link(each) for each in row.outcomes) if link else (),
    )
