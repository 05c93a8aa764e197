"""Whether a comparison is sound: shares, missing values, frozen configurations, models, repositories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tamma.experiments.outcomes import Table
from tamma.model.experiment import ABTestPlan, Arm, Metric, Mode, Outcome

GENERAL_FROM = 8
"""Repositories under which a result holds for these and says little of others."""


@dataclass(frozen=True, slots=True)
class Soundness:
    srm_p: float | None
    missing_p: float | None
    missing_share: float
    model_changed: tuple[str, ...]
    config_changed: tuple[str, ...]
    repositories: int
    warnings: tuple[str, ...]


def soundness(plan: ABTestPlan, table: Table, *, final: bool) -> Soundness:
    """What the verdict must know before it reads an effect."""
    from tamma.experiments.statistics.proportions import Counts
    from tamma.experiments.statistics.srm import missingness, sample_ratio

    split = sample_ratio([table.ended[Arm.CONTROL], table.ended[Arm.CANDIDATE]], [1, 1])
    # Pairs that a look is about are over; a live run may still be under way, until the last look.
    lost = {arm: table.waiting[arm] if final or plan.mode is Mode.PAIRED else 0 for arm in Arm}
    there = {arm: [value is not None for value in table.values[arm, plan.primary]] for arm in Arm}
    counts = {arm: Counts(sum(there[arm]), len(there[arm]) + lost[arm]) for arm in Arm}
    expected = sum(each.n for each in counts.values())
    present = sum(each.successes for each in counts.values())
    missing = missingness(control=counts[Arm.CONTROL], treatment=counts[Arm.CANDIDATE])
    return Soundness(
        split.p,
        missing.comparison.p,
        (expected - present) / expected if expected else 0.0,
        tuple(words for arm in Arm if (words := _models(arm, _outcomes(table, arm)))),
        _configurations(plan, table),
        len({row.repo for row in table.rows}),
        _warnings(table, counts[Arm.CONTROL].n + counts[Arm.CANDIDATE].n),
    )


def _outcomes(table: Table, arm: Arm) -> list[Outcome]:
    rows = table.control if arm is Arm.CONTROL else table.candidate
    outcomes = [outcome for row in rows for outcome in row.outcomes if outcome.ended_at is not None]
    return sorted(outcomes, key=lambda each: (each.ended_at, each.run_id))


def _models(arm: Arm, outcomes: Iterable[Outcome]) -> str:
    """The arm's main model is the one that answered first in a run; helpers may come and go."""
    served = [outcome for outcome in outcomes if outcome.served_models]
    for outcome in served:
        before, now = served[0].served_models[0], outcome.served_models[0]
        if before != now and before not in outcome.served_models:
            return (
                f"the {arm.value} was answered by {before!r} first and by {now!r} in run {outcome.run_id!r}"
            )
    return ""


def _configurations(plan: ABTestPlan, table: Table) -> tuple[str, ...]:
    found: list[str] = []
    for arm, pin in ((Arm.CONTROL, plan.control), (Arm.CANDIDATE, plan.candidate)):
        rows = table.control if arm is Arm.CONTROL else table.candidate
        others = {
            outcome.config_hash
            for row in rows
            for outcome in row.outcomes
            if outcome.config_hash and outcome.config_hash != pin.hash
        }
        found += [f"the {arm.value} ran with {other!r}, not with {pin.hash!r}" for other in sorted(others)]
    return tuple(found)


def _warnings(table: Table, cells: int) -> tuple[str, ...]:
    said: list[str] = []
    if table.strays:
        said.append(
            f"{len(table.strays)} runs fill no assigned cell and are left out, as {table.strays[0]!r}"
        )
    if unpriced := sum(value is None for arm in Arm for value in table.values[arm, Metric.COST]):
        said.append(f"{unpriced} of {cells} costs are unknown, because a call had no known price")
    return tuple(said)
