"""What the trials of a test gave, as the tables that an analysis needs.

Intention to treat: a unit counts for the arm that it was assigned to, and a trial that timed out or crashed
is a failure that keeps its cost and its time. Replicates are averaged, because tasks are independent and runs
of one task are not.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tamma.model.experiment import Arm, Assignment, Metric, Mode, Outcome
from tamma.model.metrics import RunMetrics

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def outcome_of(run: RunMetrics) -> Outcome:
    """The cell that a run fills. Raises ValueError where it fills none of an A/B test."""
    if run.cell is None:
        raise ValueError(f"run {run.run_id!r} fills no cell of a test")
    return Outcome(
        unit=run.cell.unit,
        arm=Arm(run.cell.arm),
        replicate=run.cell.replicate,
        run_id=run.run_id,
        success=run.success,
        quality=run.quality,
        cost_usd=None if run.unpriced_calls else float(run.cost_usd),
        duration_ms=float(run.duration_ms),
        stratum=f"{run.task_type.value} {run.repo}",
        repo=run.repo,
        task_type=run.task_type,
        served_models=run.served_models,
        error_type=run.error_type,
        tokens=run.input_tokens + run.output_tokens,
        context_efficiency=run.context.efficiency,
        truncations=run.context.truncations,
        cache_read_tokens=run.cache_read_tokens,
        quality_parts=run.quality_parts,
        ended_at=run.ended_at,
        config_hash=run.agent.hash if run.agent else "",
        input_tokens=run.input_tokens,
    )


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit in one arm, its replicates averaged over those that have a value."""

    unit: str
    arm: Arm
    outcomes: tuple[Outcome, ...]

    @property
    def repo(self) -> str:
        return self.outcomes[0].repo

    def value(self, metric: Metric) -> float | None:
        """Share of successes, mean quality, mean dollars, mean milliseconds. None where none was measured."""
        if len(self.outcomes) == 1:
            return value_of(self.outcomes[0], metric)
        values = [value for outcome in self.outcomes if (value := value_of(outcome, metric)) is not None]
        return math.fsum(values) / len(values) if values else None


@dataclass(frozen=True, slots=True)
class Table:
    """The complete units of a test, in the order of their assignment."""

    mode: Mode
    control: tuple[UnitRow, ...]
    candidate: tuple[UnitRow, ...]
    """Paired: of the same units in the same order as `control`."""
    ended: Mapping[Arm, int]
    """Cells that ended, those of incomplete units included."""
    waiting: Mapping[Arm, int]
    """Assigned cells that have not ended."""
    values: Mapping[tuple[Arm, Metric], Sequence[float | None]]
    """One value a unit, in the rows' order."""
    partial: Sequence[Mapping[Arm, UnitRow | None]] = ()
    """Units that lack an outcome, by their arms; None: of that arm at least one run is lost or under way."""
    strays: tuple[str, ...] = ()
    """Runs that fill no assigned cell: they are left out."""

    @property
    def units(self) -> int:
        """Complete units: pairs, or runs of both arms together."""
        paired = self.mode is Mode.PAIRED
        return len(self.control) if paired else len(self.control) + len(self.candidate)

    @property
    def rows(self) -> tuple[UnitRow, ...]:
        return self.control + self.candidate


def value_of(outcome: Outcome, metric: Metric) -> float | None:
    """One trial's value; None where it is missing or no number."""
    value = _READ[metric](outcome)
    return value if value is not None and math.isfinite(value) else None


_READ: dict[Metric, Callable[[Outcome], float | None]] = {
    Metric.SUCCESS: lambda outcome: float(outcome.success),
    Metric.QUALITY: lambda outcome: outcome.quality,
    Metric.COST: lambda outcome: outcome.cost_usd,
    Metric.DURATION: lambda outcome: outcome.duration_ms,
}


def table_of(mode: Mode, assignments: Sequence[Assignment], outcomes: Iterable[Outcome]) -> Table:
    """The outcomes of every unit whose assigned cells have all ended. A cell has one outcome: of a trial that
    was made again the last; of a live run the first, because people run again what failed, which one arm does
    more often than the other."""
    cells: dict[tuple[str, Arm], dict[int, Outcome]] = defaultdict(dict)
    in_order = sorted(outcomes, key=lambda each: (each.ended_at or _BEFORE_ALL, each.run_id))
    for outcome in reversed(in_order) if mode is Mode.LIVE else in_order:
        cells[outcome.unit, outcome.arm][outcome.replicate] = outcome
    rows: dict[Arm, list[UnitRow]] = {arm: [] for arm in Arm}
    ended: Counter[Arm] = Counter()
    waiting: Counter[Arm] = Counter()
    partial: list[Mapping[Arm, UnitRow | None]] = []
    for assignment in sorted(assignments, key=lambda each: each.position):
        wanted = Counter(assignment.arms)
        found = {
            arm: tuple(
                outcome
                for replicate in range(replicates)
                if (outcome := cells[assignment.unit, arm].pop(replicate, None))
            )
            for arm, replicates in wanted.items()
        }
        for arm, those in found.items():
            ended[arm] += len(those)
            waiting[arm] += wanted[arm] - len(those)
        whole = {
            arm: UnitRow(assignment.unit, arm, those) if len(those) == wanted[arm] else None
            for arm, those in found.items()
        }
        if not all(whole.values()):
            partial.append(whole)
            continue
        for arm, row in whole.items():
            assert row is not None
            rows[arm].append(row)
    strays = sorted(outcome.run_id for left in cells.values() for outcome in left.values())
    values = {
        (arm, metric): tuple(row.value(metric) for row in those)
        for arm, those in rows.items()
        for metric in Metric
    }
    return Table(
        mode,
        tuple(rows[Arm.CONTROL]),
        tuple(rows[Arm.CANDIDATE]),
        ended,
        waiting,
        values,
        partial,
        tuple(strays),
    )
