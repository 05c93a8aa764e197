"""The normal distribution far out in its tails, and the root of a monotone function."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

_STANDARD = NormalDist()
_ROOT_TWO = math.sqrt(2.0)
_ROOT_STEPS = 200


def upper(z: float) -> float:
    """P(Z >= z). Exact in the upper tail, where 1 - cdf(z) would be 0 from z = 8.3 on."""
    return 0.5 * math.erfc(z / _ROOT_TWO)


def quantile(tail: float) -> float:
    """The z with P(Z >= z) = `tail`, which is over 0 and under 1."""
    return -_STANDARD.inv_cdf(tail)


def two_sided(z: float) -> float:
    """P(|Z| >= |z|)."""
    return min(1.0, 2.0 * upper(abs(z)))


def root(function: Callable[[float], float], low: float, high: float, *, within: float = 1e-9) -> float:
    """Where `function` is 0 between `low` and `high`, at which its signs differ (Illinois method).

    Raises ValueError where they do not.
    """
    at_low, at_high = function(low), function(high)
    if at_low == 0.0:
        return low
    if at_high == 0.0:
        return high
    if (at_low > 0.0) == (at_high > 0.0):
        raise ValueError(f"no change of sign between {low!r} ({at_low!r}) and {high!r} ({at_high!r})")
    kept = close = 0
    before = low
    for step in range(1, _ROOT_STEPS):
        # Every fourth step halves: the secant alone may creep where the function is flat.
        halved = step % 4 == 0
        middle = (low + high) / 2 if halved else (low * at_high - high * at_low) / (at_high - at_low)
        value = function(middle)
        close = close + 1 if abs(middle - before) < within and not halved else 0
        if value == 0.0 or high - low < within or close == 2:
            return middle
        before = middle
        if (value > 0.0) == (at_high > 0.0):
            high, at_high = middle, value
            at_low = at_low / 2 if kept == -1 else at_low
            kept = -1
        else:
            low, at_low = middle, value
            at_high = at_high / 2 if kept == 1 else at_high
            kept = 1
    return (low + high) / 2
