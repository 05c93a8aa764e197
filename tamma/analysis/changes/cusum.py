"""Watching one series as it grows: the two-sided tabular CUSUM of standardised residuals (Page 1954)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tamma.errors import BadFigures

SLACK = 0.5
"""k: half of the shift that is looked for, in standard deviations."""
DECISION = 5.0
"""h, where mean and spread are known: a false alarm every 465 points (Montgomery 2013, table 9.3)."""
LONG_BASELINE = 100
"""Points whose mean and spread are as good as known."""
LEAST_BASELINE = 20
HORIZON = 100
"""Points over which a short baseline must not raise more false alarms than a long one."""
_RUNS = 20_000
_SEED = 1954


@dataclass(frozen=True, slots=True)
class Alarm:
    """The first point beyond the decision interval."""

    index: int
    began: int
    """Where the sum last rose from 0: the likely first point of the new level."""
    up: bool


@dataclass(frozen=True, slots=True)
class Watched:
    """A series under watch; sums in standard deviations of the baseline."""

    decision: float | None
    """h; None where nothing could be watched, and `notes` say why."""
    high: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    alarm: Alarm | None = None
    notes: tuple[str, ...] = ()


def watch(baseline: Sequence[float], values: Sequence[float]) -> Watched:
    """Whether `values` left the level of the `baseline`; both near normal (logarithms, log odds).

    With a baseline under `LONG_BASELINE` points h is calibrated by simulation. Raises BadFigures for a value
    that is no finite number.
    """
    before, after = np.asarray(baseline, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if not (np.all(np.isfinite(before)) and np.all(np.isfinite(after))):
        raise BadFigures("a series under watch has values that are no finite numbers")
    if before.size < LEAST_BASELINE:
        return Watched(None, notes=(f"{before.size} of at least {LEAST_BASELINE} points of a baseline",))
    spread = float(np.std(before, ddof=1))
    if spread <= 1e-12 * float(np.max(np.abs(before))):
        return Watched(None, notes=(f"all {before.size} points of the baseline are equal",))
    decision, notes = DECISION, ()
    if before.size < LONG_BASELINE:
        decision = calibrated(before.size)
        notes = (f"a baseline of {before.size} points: the decision interval is {decision:.1f}",)
    residuals = [float(value) for value in (after - np.mean(before)) / spread]
    high, low = _sums(residuals), _sums([-value for value in residuals])
    alarm = min(
        (found for found in (_alarm(high, decision, up=True), _alarm(low, decision, up=False)) if found),
        key=lambda found: found.index,
        default=None,
    )
    return Watched(decision, high, low, alarm, notes)


@cache
def calibrated(baseline: int) -> float:
    """The h with which a baseline of so many points raises no more false alarms than a known level does.

    That is: the same chance of any alarm within `HORIZON` points. Mean and spread of a short baseline are
    off, which looks like a shift. By simulation of normal points, always with the same seed; at least
    `DECISION`.
    """
    source = np.random.default_rng(_SEED)
    means = source.standard_normal(_RUNS) / np.sqrt(baseline)
    spreads = np.sqrt(source.chisquare(baseline - 1, _RUNS) / (baseline - 1))
    points = source.standard_normal((HORIZON, _RUNS))
    known = _peaks(points)
    estimated = _peaks((points - means) / spreads)
    return max(DECISION, float(np.quantile(estimated, np.mean(known <= DECISION))))


def _peaks(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest sum on either side in each run; `points` has shape (points, runs)."""
    high = low = peak = np.zeros(points.shape[1])
    for point in points:
        high = np.maximum(0.0, high + point - SLACK)
        low = np.maximum(0.0, low - point - SLACK)
        peak = np.maximum(peak, np.maximum(high, low))
    return peak


def _sums(residuals: Sequence[float]) -> tuple[float, ...]:
    found: list[float] = []
    total = 0.0
    for residual in residuals:
        total = max(0.0, total + residual - SLACK)
        found.append(total)
    return tuple(found)


def _alarm(sums: Sequence[float], decision: float, *, up: bool) -> Alarm | None:
    index = next((index for index, total in enumerate(sums) if total > decision), None)
    if index is None:
        return None
    began = next((before + 1 for before in range(index - 1, -1, -1) if sums[before] == 0.0), 0)
    return Alarm(index, began, up)
