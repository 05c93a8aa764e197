"""Runs as values over time: which ones count for a metric, and on which scale it is looked at."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from tamma.model.experiment import Metric

BIN = 10
"""Tasks whose successes are counted together: one success alone has no odds."""
MOST_POINTS = 200
"""Longer series are averaged over neighbours: the search takes time with the square of their length."""


class Measured(Protocol):
    """What is read of a run: `RunMetrics`, or the lighter `RunValues`."""

    @property
    def run_id(self) -> str: ...
    @property
    def ended_at(self) -> datetime: ...
    @property
    def task_type(self) -> str: ...
    @property
    def success(self) -> bool: ...
    @property
    def quality(self) -> float | None: ...
    @property
    def cost_usd(self) -> Decimal | float: ...
    @property
    def unpriced_calls(self) -> int: ...
    @property
    def duration_ms(self) -> int: ...


M = TypeVar("M", bound=Measured)


def type_of(run: Measured) -> str:
    """The stratum within which runs are compared, unless another is asked for."""
    return str(run.task_type)


@dataclass(frozen=True, slots=True)
class Observation:
    """One run's value: 1 or 0 for success, 0 to 100, dollars or milliseconds."""

    at: datetime
    task_type: str
    value: float


@dataclass(frozen=True, slots=True)
class Observed:
    """A metric's values in the order of their ends, and what was left out."""

    metric: Metric
    values: tuple[Observation, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """Values on the scale that is looked at, in the order of time."""

    at: tuple[datetime, ...]
    """When the first run of each point ended."""
    values: tuple[float, ...]
    """Log odds of success, logarithms of cost and duration, quality as it is."""
    members: tuple[tuple[Observation, ...], ...]
    """The runs of each point."""


def observed(runs: Iterable[M], metric: Metric, stratum: Callable[[M], str] = type_of) -> Observed:
    """A metric of these runs. Failed runs count, with what they cost and how long they took. `stratum` says
    what stands for the task type: runs are compared within it alone.

    Left out, and counted: runs without a grade (quality), with a call of unknown price (cost), and those
    whose cost or duration is 0, which has no logarithm (a local model is free).
    """
    values: list[Observation] = []
    left_out: dict[str, int] = {}
    for run in sorted(runs, key=lambda run: (run.ended_at, run.run_id)):
        value, reason = _value(run, metric)
        if value is not None and not math.isfinite(value):
            value, reason = None, "whose value is no finite number"
        if value is None:
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            values.append(Observation(run.ended_at, stratum(run), value))
    words = tuple(f"{count} runs {reason} are left out" for reason, count in left_out.items())
    return Observed(metric, tuple(values), words)


def series(observations: Sequence[Observation], metric: Metric) -> Series:
    """The points that changes are looked for in; runs are grouped from the newest backwards."""
    least = BIN if metric is Metric.SUCCESS else 1
    size = max(least, math.ceil(len(observations) / MOST_POINTS))
    first = len(observations) % size
    groups = [observations[start : start + size] for start in range(first, len(observations), size)]
    if first and groups:  # too few for a point of their own
        groups[0] = [*observations[:first], *groups[0]]
    return Series(
        tuple(group[0].at for group in groups),
        tuple(_point(group, metric) for group in groups),
        tuple(tuple(group) for group in groups),
    )


def level(observations: Sequence[Observation], metric: Metric) -> float:
    """The metric's level over these runs, in its own unit: a rate, a mean, or a geometric mean."""
    total = math.fsum(_scaled(item.value, metric) for item in observations) / len(observations)
    return math.exp(total) if metric.is_ratio else total


def _value(run: Measured, metric: Metric) -> tuple[float | None, str]:
    match metric:
        case Metric.SUCCESS:
            return float(run.success), ""
        case Metric.QUALITY:
            return run.quality, "without a grade"
        case Metric.COST:
            if run.unpriced_calls:
                return None, "with calls of unknown price"
            return (float(run.cost_usd), "") if run.cost_usd > 0 else (None, "that cost nothing")
        case Metric.DURATION:
            return (float(run.duration_ms), "") if run.duration_ms > 0 else (None, "that took no time")


def _scaled(value: float, metric: Metric) -> float:
    return math.log(value) if metric.is_ratio else value


def _point(group: Sequence[Observation], metric: Metric) -> float:
    if metric is Metric.SUCCESS:
        successes = math.fsum(item.value for item in group)
        # One half on either side: the log odds of a bin of successes alone exist, too (Haldane 1956).
        return math.log((successes + 0.5) / (len(group) - successes + 0.5))
    return math.fsum(_scaled(item.value, metric) for item in group) / len(group)
