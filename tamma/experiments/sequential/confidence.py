"""Means, looked at as often as one likes: the asymptotic confidence sequence, where the data can bear it.

The normal-mixture sequence of Robbins (1970) with an estimated variance (Waudby-Smith, Arbour, Sinha,
Kennedy & Ramdas 2024), tuned to be narrowest at the planned number of tasks. It is right in the limit only:
few tasks, rare failures or raw costs make it alarm several times too often (.37 and .25 for an alpha of
.05), so that `watch_*` refuses them in words. For paired successes there is `evidence`, which is exact;
costs and durations belong on a log scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tamma.errors import BadFigures

LEAST_UNITS = 50
"""Tasks in all: before, the estimated variance is too rough."""
LEAST_EVENTS = 10
"""Successes, and failures, in each arm."""
MOST_SKEW = 1.5
"""A sample's skewness over this is not worked off by more tasks: lognormal data look milder than they are."""
SKEW_UNITS = 25
"""Tasks in a sample, at least this many times the square of its skewness (Cochran 1977, section 2.15)."""


@dataclass(frozen=True, slots=True)
class Watch:
    """An effect under watch: an interval that is right at every look at once, or why there is none yet."""

    units: int
    estimate: float | None
    low: float | None
    high: float | None
    p: float | None
    """Right at every look at once."""
    refused: tuple[str, ...]
    """Reasons; then `low`, `high` and `p` are None."""


def half_width(se: float, units: int, planned: int, *, alpha: float = 0.05) -> float:
    """Half the interval's width after `units` of `planned` tasks, of an estimate with standard error `se`."""
    grown = units * _rho_squared(planned, alpha)
    return se * math.sqrt(2 * (grown + 1) / grown * math.log(math.sqrt(grown + 1) / alpha))


def always_valid_p(z: float, units: int, planned: int, *, alpha: float = 0.05) -> float:
    """The p that stays right however often one looks; `alpha` is what the sequence was tuned for."""
    grown = units * _rho_squared(planned, alpha)
    # In logarithms: sqrt(grown + 1) * exp(-...) of a z of 40 is no float otherwise.
    return min(1.0, math.exp(math.log(grown + 1) / 2 - grown * z * z / (2 * (grown + 1))))


def watch_split(
    control: Sequence[float], treatment: Sequence[float], planned: int, *, alpha: float = 0.05
) -> Watch:
    """Treatment minus control, of `planned` tasks in both arms together.

    Where an arm has no other values than 0 and 1, they are taken for failures and successes. Raises
    BadFigures for a value that is no finite number and a plan of no task.
    """
    arms = {"control": _describe(control), "treatment": _describe(treatment)}
    units = len(control) + len(treatment)
    refused = _too_few(units) + [reason for name, arm in arms.items() for reason in _unfit(name, arm)]
    if not all(arm.n for arm in arms.values()):
        return Watch(units, None, None, None, None, tuple(refused))
    estimate = arms["treatment"].mean - arms["control"].mean
    variance = sum(arm.variance / arm.n for arm in arms.values())
    return _watch(estimate, variance, units, planned, alpha, refused)


def watch_pairs(differences: Sequence[float], planned: int, *, alpha: float = 0.05) -> Watch:
    """The mean of pairs' differences, of `planned` pairs. Raises BadFigures like `watch_split`."""
    sample = _describe(differences)
    refused = _too_few(sample.n)
    if sample.n and set(differences) <= {-1, 0, 1}:
        refused.append("differences of single successes: the e-value of the discordant pairs is exact")
    refused += _unfit("the differences", sample, binary=False)
    if not sample.n:
        return Watch(0, None, None, None, None, tuple(refused))
    return _watch(sample.mean, sample.variance / sample.n, sample.n, planned, alpha, refused)


@dataclass(frozen=True, slots=True)
class _Sample:
    n: int
    mean: float
    variance: float
    skew: float
    binary: bool
    rarer: int
    """Of successes and failures, the fewer."""


def _describe(values: Sequence[float]) -> _Sample:
    if wrong := [value for value in values if not math.isfinite(value)]:
        raise BadFigures(
            f"{len(wrong)} of {len(values)} values are no finite numbers, the first is {wrong[0]!r}"
        )
    n = len(values)
    if not n:
        return _Sample(0, 0.0, 0.0, 0.0, False, 0)
    mean = math.fsum(values) / n
    squares = math.fsum((value - mean) ** 2 for value in values)
    cubes = math.fsum((value - mean) ** 3 for value in values)
    spread = math.sqrt(squares / n)
    # Equal values may differ from their own mean by a rounding.
    alike = min(values) == max(values)
    skew = 0.0 if alike or spread**3 == 0.0 else cubes / n / spread**3
    ones = sum(1 for value in values if value == 1)
    binary = all(value in (0, 1) for value in values)
    variance = 0.0 if alike or n < 2 else squares / (n - 1)
    return _Sample(n, mean, variance, skew, binary, min(ones, n - ones))


def _too_few(units: int) -> list[str]:
    return [f"{units} of at least {LEAST_UNITS} tasks"] if units < LEAST_UNITS else []


def _unfit(name: str, sample: _Sample, *, binary: bool = True) -> list[str]:
    if binary and sample.binary and sample.n:
        if sample.rarer < LEAST_EVENTS:
            return [f"{name}: {sample.rarer} of at least {LEAST_EVENTS} successes and as many failures"]
        return []
    if sample.variance == 0.0:
        return [f"{name}: {sample.n} values without any spread"]
    if abs(sample.skew) > MOST_SKEW:
        return [f"{name}: a skewness of {sample.skew:.1f}; take logarithms, or wait for the planned looks"]
    needed = math.ceil(SKEW_UNITS * sample.skew**2)
    if sample.n < needed:
        return [f"{name}: {sample.n} of at least {needed} tasks at a skewness of {sample.skew:.1f}"]
    return []


def _watch(
    estimate: float, variance: float, units: int, planned: int, alpha: float, refused: list[str]
) -> Watch:
    if refused:
        return Watch(units, estimate, None, None, None, tuple(refused))
    se = math.sqrt(variance)
    half = half_width(se, units, planned, alpha=alpha)
    p = always_valid_p(estimate / se, units, planned, alpha=alpha)
    return Watch(units, estimate, estimate - half, estimate + half, p, ())


def _rho_squared(planned: int, alpha: float) -> float:
    if planned < 1 or not 0.0 < alpha < 1.0:
        raise BadFigures(f"{planned!r} planned tasks and an alpha of {alpha!r} make no sequence")
    return (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / planned
