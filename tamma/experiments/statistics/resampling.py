"""Bootstrap intervals: the resamples, and how an interval is read off them.

Callers sort values before they resample them, so that the same tasks and the same seed give the same interval
in whatever order the tasks are listed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tamma.experiments.statistics.distributions import normal_cdf, normal_quantile
from tamma.experiments.statistics.samples import FloatArray
from tamma.model.estimates import Interval

MOST = 9_999
"""Resamples, where there are few tasks."""
LEAST = 1_999
"""Resamples, where there are many: enough for the ends of a 95 % interval."""
WORK = 20_000_000
"""Values drawn in all, which takes about 0.2 s. It decides between `LEAST` and `MOST`."""
CHUNK = 1_000_000
"""Values drawn at a time: 8 MB."""


def resamples_for(n: int) -> int:
    """How many resamples of `n` values are drawn."""
    return min(MOST, max(LEAST, WORK // max(n, 1)))


def draws(n: int, resamples: int, rng: np.random.Generator) -> Iterator[NDArray[np.int32]]:
    """The indices of each resample, in arrays of shape (some resamples, n)."""
    at_once = max(1, CHUNK // n)
    for start in range(0, resamples, at_once):
        yield rng.integers(0, n, size=(min(at_once, resamples - start), n), dtype=np.int32)


def resampled_sums(rows: FloatArray, rng: np.random.Generator, resamples: int) -> FloatArray:
    """The sums of each column of `rows`, shape (n, columns), over each resample of the rows.

    Shape (resamples, columns). A task's values stay together.
    """
    # Column by column: contiguous values are gathered several times faster than rows.
    columns = [np.ascontiguousarray(column) for column in rows.T]
    parts = [
        [np.sum(np.take(column, drawn), axis=1) for column in columns]
        for drawn in draws(rows.shape[0], resamples, rng)
    ]
    return np.column_stack([np.concatenate(sums) for sums in zip(*parts, strict=True)])


def percentile(low_side: FloatArray, high_side: FloatArray, estimate: float, level: float) -> Interval:
    """The percentile interval. The replicates are given twice: undefined ones low, and high."""
    tail = (1 - level) / 2
    return _interval(low_side, high_side, estimate, (tail, 1 - tail), level)


def bca(
    low_side: FloatArray, high_side: FloatArray, estimate: float, acceleration: float, level: float
) -> Interval:
    """The bias-corrected and accelerated interval: Efron (1987); Efron and Tibshirani (1993), chapter 14.

    Falls back to percentiles where the correction has no value: all replicates on one side of the estimate.
    """
    ties = np.count_nonzero(high_side == estimate)
    below = (np.count_nonzero(low_side < estimate) + ties / 2) / low_side.size
    tail = (1 - level) / 2
    if not 0 < below < 1:
        return percentile(low_side, high_side, estimate, level)
    bias = normal_quantile(below)
    shares: list[float] = []
    for share in (tail, 1 - tail):
        z = bias + normal_quantile(share)
        if acceleration * z >= 1:
            return percentile(low_side, high_side, estimate, level)
        shares.append(normal_cdf(bias + z / (1 - acceleration * z)))
    return _interval(low_side, high_side, estimate, (shares[0], shares[1]), level)


def acceleration_of(*influences: FloatArray) -> float:
    """The skewness that BCa corrects for, from the influence of each value of each independent sample.

    An influence is what the estimate would change by, to first order, if the value weighed more; each array
    is already divided by its sample's size.
    """
    largest = max(float(np.max(np.abs(influence))) for influence in influences)
    if not largest:
        return 0.0
    # In units of the largest: cubes of small costs would underflow.
    squares = sum(float(np.sum((influence / largest) ** 2)) for influence in influences)
    cubes = sum(float(np.sum((influence / largest) ** 3)) for influence in influences)
    return cubes / (6 * squares**1.5)


def _interval(
    low_side: FloatArray, high_side: FloatArray, estimate: float, shares: tuple[float, float], level: float
) -> Interval:
    """The order statistics at those shares, no narrower than the estimate itself; infinite ends are None."""
    low = min(_at(np.sort(low_side), shares[0]), estimate)
    high = max(_at(np.sort(high_side), shares[1]), estimate)
    return Interval(low if math.isfinite(low) else None, high if math.isfinite(high) else None, level)


def _at(ordered: FloatArray, share: float) -> float:
    """The (B + 1) share-th of B replicates; not interpolated, for some may be infinite."""
    index = round(share * (ordered.size + 1)) - 1
    return float(ordered[min(max(index, 0), ordered.size - 1)])
