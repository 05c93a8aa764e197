"""What a benchmark gave: each agent by itself, and every two of them on the tasks that both tried.

Rates are of trials that ended; what is missing is counted and shown. With one trial a task the interval of
the rate is Wilson's. With more, trials of one task are not independent, so Wilson's interval is taken at the
effective sample size p(1 - p) / Var(mean of the task means), held between the number of tasks and that of
trials (Korn and Graubard's way for clustered rates). Two agents are compared by task: success by the exact
McNemar test, or the t test on task means where there are repeats; quality by the paired t test, cost by the
ratio of geometric means. The p values of a metric over all pairs are adjusted by Benjamini and Hochberg.

Imports numpy and scipy when it compares; never from a workflow.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations
from statistics import NormalDist, fmean, median, variance

from tamma.model.bench import BenchRecord
from tamma.model.estimates import Comparison, Interval
from tamma.model.metrics import RunMetrics

UNFIT = frozenset({"broken-task", "environment"})
"""Trials that ended so say nothing of the agent: their cells are missing."""
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """One agent over the whole benchmark. Money in US dollars, durations in seconds; None: not known."""

    label: str
    models: tuple[str, ...]
    planned: int
    ended: int
    missing: int
    """Planned cells without a measurement that counts."""
    unfit: int
    """Of the missing ones: the task or its environment was broken."""
    solved: int
    success: float | None
    interval: Interval | None
    quality: float | None
    """Mean of the task means."""
    graded: int
    cost_usd: Decimal | None
    cost_per_success: Decimal | None
    seconds_median: float | None
    turns_mean: float | None
    errors: tuple[tuple[str, int], ...]
    """Why trials failed, most frequent first."""


@dataclass(frozen=True, slots=True)
class PairFigures:
    """Two agents on the same tasks: `second` against `first`."""

    first: str
    second: str
    tasks: int
    wins: int
    """Tasks where `second` did better."""
    losses: int
    success: Comparison | None
    success_p: float | None
    """Adjusted over all pairs."""
    quality: Comparison | None
    quality_p: float | None
    cost: Comparison | None
    cost_p: float | None


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """One task: for each agent, how many of its trials solved it, and how many ended."""

    unit: str
    cells: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class BenchReport:
    record: BenchRecord
    arms: tuple[ArmFigures, ...]
    pairs: tuple[PairFigures, ...]
    tasks: tuple[TaskFigures, ...]
    notes: tuple[str, ...]


Cells = dict[str, dict[str, list[RunMetrics]]]
"""By arm and task."""


def report(record: BenchRecord, runs: Sequence[RunMetrics], units: Sequence[str]) -> BenchReport:
    """The figures of a benchmark from the runs in its cells. `units` are the suite's tasks in their order."""
    labels = [arm.label for arm in record.request.arms]
    fit: Cells = {label: {unit: [] for unit in units} for label in labels}
    unfit: Counter[str] = Counter()
    for run in runs:
        if run.cell is None or run.cell.arm not in fit or run.cell.unit not in fit[run.cell.arm]:
            continue
        if run.error_type in UNFIT:
            unfit[run.cell.arm] += 1
        else:
            fit[run.cell.arm][run.cell.unit].append(run)
    planned = len(units) * record.request.repeats
    arms = tuple(_arm(label, fit[label], planned, unfit[label]) for label in labels)
    pairs = _adjusted(
        [_pair(a, b, fit[a], fit[b], record.request.repeats) for a, b in combinations(labels, 2)]
    )
    tasks = tuple(
        TaskFigures(unit, tuple(_solved_of(fit[label][unit]) for label in labels)) for unit in units
    )
    return BenchReport(record, arms, pairs, tasks, _notes(record, arms, runs))


# --- one agent -----------------------------------------------------------------------------------


def _arm(label: str, by_task: dict[str, list[RunMetrics]], planned: int, unfit: int) -> ArmFigures:
    runs = [run for trials in by_task.values() for run in trials]
    solved = sum(run.success for run in runs)
    qualities = _task_means(by_task, lambda run: run.quality)
    graded = [value for value in qualities if value is not None]
    known = all(run.unpriced_calls == 0 for run in runs) and bool(runs)
    cost = sum((run.cost_usd for run in runs), Decimal(0)) if known else None
    measured = [run.duration_ms / 1000 for run in runs if run.duration_ms]
    errors = Counter(run.error_type or "failed" for run in runs if not run.success)
    return ArmFigures(
        label=label,
        models=tuple(dict.fromkeys(model for run in runs for model in run.served_models))[:5],
        planned=planned,
        ended=len(runs),
        missing=max(planned - len(runs), 0),
        unfit=unfit,
        solved=solved,
        success=solved / len(runs) if runs else None,
        interval=_rate_interval([_solved_of(trials) for trials in by_task.values() if trials]),
        quality=fmean(graded) if graded else None,
        graded=sum(run.quality is not None for run in runs),
        cost_usd=cost,
        cost_per_success=cost / solved if cost is not None and solved else None,
        seconds_median=median(measured) if measured else None,
        turns_mean=fmean(run.turns for run in runs) if measured else None,
        errors=tuple(errors.most_common(6)),
    )


def _rate_interval(tasks: Sequence[tuple[int, int]]) -> Interval | None:
    """Wilson's interval of the share of solved trials; (solved, trials) by task."""
    if not tasks:
        return None
    trials, solved = sum(n for _, n in tasks), sum(k for k, _ in tasks)
    return wilson_at(solved / trials, effective_size(tasks), LEVEL)


def effective_size(tasks: Sequence[tuple[int, int]]) -> float:
    """How many independent trials say as much; (solved, trials) by task."""
    count, trials = len(tasks), sum(n for _, n in tasks)
    if trials == count or count < 2:
        return float(count)
    rate = sum(k for k, _ in tasks) / trials
    spread = variance(k / n for k, n in tasks) / count
    if spread == 0:
        return float(count)  # all tasks fared alike: nothing shows that repeats told more
    return min(max(rate * (1 - rate) / spread, float(count)), float(trials))


def wilson_at(rate: float, n: float, level: float) -> Interval:
    """The score interval of a rate at a sample size that need not be whole: Wilson (1927)."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Interval(max(centre - reach, 0.0), min(centre + reach, 1.0), level)


# --- two agents ----------------------------------------------------------------------------------


def _pair(
    first: str,
    second: str,
    before: dict[str, list[RunMetrics]],
    after: dict[str, list[RunMetrics]],
    repeats: int,
) -> PairFigures:
    from tamma.experiments.statistics.mcnemar import mcnemar, paired_counts
    from tamma.experiments.statistics.means import paired_t
    from tamma.experiments.statistics.ratios import paired_ratio

    rates = [_task_means(side, lambda run: float(run.success)) for side in (before, after)]
    both = [(a, b) for a, b in zip(*rates, strict=True) if a is not None and b is not None]
    if repeats == 1:
        solved = [[None if value is None else value > 0 for value in side] for side in rates]
        success = mcnemar(paired_counts(solved[0], solved[1]), LEVEL)
    else:
        success = paired_t(control=rates[0], treatment=rates[1], level=LEVEL)
    qualities = [_task_means(side, lambda run: run.quality) for side in (before, after)]
    costs = [_task_means(side, _known_cost) for side in (before, after)]
    priced = any(value for value in costs[0]) and any(value for value in costs[1])
    cost = paired_ratio(control=costs[0], treatment=costs[1], level=LEVEL) if priced else None
    quality = paired_t(control=qualities[0], treatment=qualities[1], level=LEVEL)
    return PairFigures(
        first,
        second,
        tasks=len(both),
        wins=sum(b > a for a, b in both),
        losses=sum(b < a for a, b in both),
        success=success,
        success_p=success.p,
        quality=quality,
        quality_p=quality.p,
        cost=cost,
        cost_p=cost.p if cost else None,
    )


def _adjusted(pairs: list[PairFigures]) -> tuple[PairFigures, ...]:
    from tamma.experiments.statistics.multiplicity import benjamini_hochberg

    success = benjamini_hochberg([pair.success_p for pair in pairs])
    quality = benjamini_hochberg([pair.quality_p for pair in pairs])
    cost = benjamini_hochberg([pair.cost_p for pair in pairs])
    return tuple(
        replace(pair, success_p=success[at], quality_p=quality[at], cost_p=cost[at])
        for at, pair in enumerate(pairs)
    )


def _task_means(
    by_task: dict[str, list[RunMetrics]], value: Callable[[RunMetrics], float | None]
) -> list[float | None]:
    means: list[float | None] = []
    for trials in by_task.values():
        known = [found for run in trials if (found := value(run)) is not None]
        means.append(fmean(known) if known else None)
    return means


def _known_cost(run: RunMetrics) -> float | None:
    return None if run.unpriced_calls else float(run.cost_usd)


def _solved_of(trials: Sequence[RunMetrics]) -> tuple[int, int]:
    return sum(run.success for run in trials), len(trials)


def _notes(record: BenchRecord, arms: Sequence[ArmFigures], runs: Sequence[RunMetrics]) -> tuple[str, ...]:
    notes: list[str] = []
    if any(model.startswith("scripted") for arm in arms for model in arm.models):
        notes.append("scripted outcomes are among these: no model did that work")
    if any(run.provider == IMPORTED for run in runs):
        notes.append("imported results: measured elsewhere, with costs and durations unknown")
    for arm in arms:
        if arm.missing:
            why = f", {arm.unfit} for a broken task or environment" if arm.unfit else ""
            notes.append(f"{arm.label}: {arm.missing} of {arm.planned} trials are missing{why}")
    if record.request.suite.tasks < 2:
        notes.append("one task says nothing about others")
    return tuple(notes)


IMPORTED = "imported"
"""The provider's name in measurements that others made."""
