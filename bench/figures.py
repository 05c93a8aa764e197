"""What a benchmark gives: figures with their samples, their baseline and their goal."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Samples:
    """Repeated measurements of one thing."""

    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def percentile(self, share: float) -> float:
        """The least value that `share` of the values (0.95) do not exceed: of few, the largest."""
        return sorted(self.values)[math.ceil(share * len(self.values)) - 1]

    def to_json(self) -> dict[str, Any]:
        return {
            "unit": self.unit,
            "n": len(self.values),
            "median": _round(self.median),
            "min": _round(min(self.values)),
            "max": _round(max(self.values)),
        }


def samples(unit: str, values: Iterable[float]) -> Samples:
    return Samples(unit, tuple(values))


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `goal` is the most that passes; None where the figure only informs."""

    name: str
    what: str
    value: float
    unit: str
    goal: float | None = None
    ours: Samples | None = None
    baseline: Samples | None = None
    """Measured in the same run, in turns with ours."""
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def verdict(self) -> str:
        """`pass`, `missed`, or `info` without a goal."""
        if self.goal is None:
            return "info"
        return "pass" if self.value <= self.goal else "missed"

    def to_json(self) -> dict[str, Any]:
        whole = asdict(self)
        whole["value"] = _round(self.value)
        for key in ("ours", "baseline"):
            found: Samples | None = getattr(self, key)
            whole[key] = found.to_json() if found else None
        return {**whole, "verdict": self.verdict}


def ratio(
    name: str, what: str, ours: Samples, baseline: Samples, *, goal: float | None = None, **detail: Any
) -> Figure:
    """How many times the baseline's median ours is."""
    return Figure(name, what, ours.median / baseline.median, "x", goal, ours, baseline, detail)


def plain(name: str, what: str, ours: Samples, *, goal: float | None = None, **detail: Any) -> Figure:
    """The median of ours, without a baseline."""
    return Figure(name, what, ours.median, ours.unit, goal, ours, None, detail)


def table(figures: Iterable[Figure]) -> str:
    """The figures for people, a line each."""
    rows = [("figure", "value", "goal", "", "ours median (min-max)", "baseline median (min-max)")]
    for figure in figures:
        goal = "" if figure.goal is None else f"<= {_short(figure.goal)} {figure.unit}"
        value = f"{_short(figure.value)} {figure.unit}"
        spreads = (_spread(figure.ours), _spread(figure.baseline))
        rows.append((figure.name, value, goal, figure.verdict, *spreads))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _spread(found: Samples | None) -> str:
    if found is None:
        return ""
    least, most = _short(min(found.values)), _short(max(found.values))
    return f"{_short(found.median)} ({least}-{most}) {found.unit}"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _round(value: float) -> float:
    return round(value, 4)
