"""Where a series changed its level: whether it did at all, and then where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tamma.errors import BadFigures

LEAST_SEGMENT = 5
"""Points between two changes."""
LEAST_POINTS = 2 * LEAST_SEGMENT
PENALTY = 3.0
_TERMS = 100
_MAD_OF_NORMAL = 0.6744897501960817
"""The median of |Z|."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The changes of one series."""

    indices: tuple[int, ...]
    """The first point of each new level, counted from 0."""
    noise: float
    """The standard deviation of a point around its level, in the series' unit."""
    notes: tuple[str, ...] = ()


def change_p(values: Sequence[float]) -> float | None:
    """The p of "the level never changed": the OLS-CUSUM test of Ploberger & Krämer (1992).

    The largest departure of the running sum from a straight line, over the spread, against the supremum of a
    Brownian bridge. The spread is taken over the whole series, which a change makes larger: with few points
    the test errs towards silence. None for fewer than `LEAST_POINTS` points. Assumes independent points.
    """
    array = _array(values)
    if array.size < LEAST_POINTS:
        return None
    residuals = array - np.mean(array)
    spread = float(np.std(array, ddof=1))
    if _nothing(spread, array):
        return 1.0
    return _supremum_p(float(np.max(np.abs(np.cumsum(residuals)))) / (spread * math.sqrt(array.size)))


def change_points(values: Sequence[float]) -> Segmentation:
    """The changes of level, by PELT with squared error (Killick, Fearnhead & Eckley 2012).

    The penalty of a change is 3 s^2 ln n, with s from the median absolute deviation of the differences of
    neighbours, which changes of level hardly touch. The series must be near normal: raw costs have outliers
    that look like changes. Time grows with the square of the length: 0.3 s for 200 points.
    """
    array = _array(values)
    if array.size < LEAST_POINTS:
        return Segmentation((), 0.0, (f"{array.size} of at least {LEAST_POINTS} points",))
    noise, notes = _noise(array)
    if not noise:
        return Segmentation((), 0.0, ("all points are equal",))
    import ruptures

    search = cast(Any, ruptures).Pelt(model="l2", min_size=LEAST_SEGMENT, jump=1)
    ends = search.fit(array).predict(pen=PENALTY * noise**2 * math.log(array.size))
    return Segmentation(tuple(int(end) for end in ends[:-1]), noise, notes)


def _noise(array: NDArray[np.float64]) -> tuple[float, tuple[str, ...]]:
    differences = np.diff(array)
    deviation = float(np.median(np.abs(differences - np.median(differences))))
    if not _nothing(deviation, array):
        return deviation / _MAD_OF_NORMAL / math.sqrt(2), ()
    # More than half of the neighbours are equal: their median says nothing, their root mean square does.
    spread = float(np.sqrt(np.mean(differences**2) / 2))
    if _nothing(spread, array):
        return 0.0, ()
    return spread, ("most points equal the one before: the noise is taken from the others",)


def _nothing(spread: float, array: NDArray[np.float64]) -> bool:
    """Whether a spread is no more than rounding."""
    return spread <= 1e-12 * float(np.max(np.abs(array)))


def _supremum_p(statistic: float) -> float:
    """P(sup of |Brownian bridge| >= statistic): Kolmogorov's distribution."""
    if statistic < 0.2:  # 1 to twelve digits, and the series is slow there
        return 1.0
    terms = ((-1) ** (k - 1) * math.exp(-2 * (k * statistic) ** 2) for k in range(1, _TERMS))
    return min(1.0, max(0.0, 2 * math.fsum(terms)))


def _array(values: Sequence[float]) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if not np.all(np.isfinite(array)):
        wrong = int(np.count_nonzero(~np.isfinite(array)))
        raise BadFigures(f"{wrong} of {array.size} points are no finite numbers")
    return array
