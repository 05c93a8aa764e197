"""Exact tests of two success rates: Barnard's and Fisher's.

scipy's `barnard_exact` (1.17) compares the statistics of mirrored tables as floats, so that a table which
ties with the one seen is left out at times, and p comes out too small. Here ties are decided with a
tolerance, and the common rate is searched on a grid and then between its points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamma.experiments.statistics.distributions import log_binomials

GRID = 512
"""Points of the nuisance parameter, denser near 0 and 1 where the probability turns faster."""
REFINED = 64
"""Points between the neighbours of the best one."""
TIE = 1e-9
"""Statistics and probabilities closer than this, relatively, are tied."""

Arm = tuple[int, int]
"""Successes, tasks."""


def barnard(control: Arm, treatment: Arm) -> float:
    """Barnard's unconditional test, two-sided, tables ordered by the pooled score statistic: Barnard (1947).

    The largest probability over all common success rates of a table at least as extreme as the one seen.
    """
    (x, n), (y, m) = control, treatment
    if not n or not m or x + y in (0, n + m):
        return 1.0
    extreme = _at_least_as_extreme(x, n, y, m)
    first, second = log_binomials(n), log_binomials(m)
    points = np.sin(np.linspace(0, np.pi / 2, GRID + 2)[1:-1]) ** 2
    values = _probabilities(points, extreme, first, second)
    best = int(np.argmax(values))
    low = points[best - 1] if best else 0.0
    high = points[best + 1] if best + 1 < GRID else 1.0
    between = np.linspace(low, high, REFINED + 2)[1:-1]
    refined = _probabilities(between, extreme, first, second)
    return float(min(1.0, max(np.max(values), np.max(refined))))


def fisher(control: Arm, treatment: Arm) -> float:
    """Fisher's exact test, two-sided: the tables with the margins seen that are no likelier than it."""
    (x, n), (y, m) = control, treatment
    total = x + y
    low, high = max(0, total - m), min(total, n)
    k = np.arange(low, high + 1)
    logs = log_binomials(n)[k] + log_binomials(m)[total - k]
    shares = np.exp(logs - np.max(logs))
    seen = shares[x - low]
    return float(min(1.0, np.sum(shares[shares <= seen * (1 + TIE)]) / np.sum(shares)))


def _at_least_as_extreme(x: int, n: int, y: int, m: int) -> NDArray[np.bool_]:
    """Which tables (successes of control by successes of treatment) lie as far out as the one seen."""
    a, b = np.arange(n + 1)[:, None], np.arange(m + 1)[None, :]
    successes = a + b
    spread = successes * (n + m - successes)
    gap = np.abs(b * n - a * m)
    # |difference| over the root of the pooled variance, up to a factor that all tables share.
    squared = gap.astype(np.float64) ** 2 / np.maximum(spread, 1)
    return squared >= squared[x, y] * (1 - TIE)


def _probabilities(
    rates: NDArray[Any], extreme: NDArray[np.bool_], first: NDArray[Any], second: NDArray[Any]
) -> NDArray[Any]:
    """The probability of the extreme tables under each common success rate."""
    before, after = _binomial(rates, first), _binomial(rates, second)
    return np.einsum("ra,ra->r", before, after @ extreme.T.astype(np.float64))


def _binomial(rates: NDArray[Any], coefficients: NDArray[Any]) -> NDArray[Any]:
    """Binomial probabilities, shape (rates, n + 1)."""
    n = coefficients.size - 1
    k = np.arange(n + 1)
    return np.exp(coefficients + k * np.log(rates)[:, None] + (n - k) * np.log1p(-rates)[:, None])
