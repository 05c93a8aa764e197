"""Looking all the time: the confidence sequence, the e-value, and what looking without them does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.simulate.gates import Bound, Gate, Random, share
from tamma.experiments.sequential.confidence import LEAST_UNITS, half_width, watch_pairs, watch_split
from tamma.experiments.sequential.evidence import log_e
from tamma.experiments.statistics.distributions import student_quantile

PLANNED = 400
LOOKS = 28
AT_MOST = Bound(0.0, 0.05)
BLOCK = 500
"""Runs that are simulated at once."""

Numbers = NDArray[np.float64]
_EVERY = np.arange(1, PLANNED + 1)
_PEEKS = np.linspace(PLANNED / LOOKS, PLANNED, LOOKS).round().astype(int) - 1
"""The indices of equally spaced looks."""


def gates() -> Sequence[Gate]:
    """`watching.*`."""
    return (
        Gate("watching.naive", f"t tests at {LOOKS} looks: what must not be done", Bound(0.24, 0.30), _naive),
        Gate("watching.sequence", "confidence sequence, after every unit", AT_MOST, _sequence),
        Gate("watching.sequence-over", "the same, to twice the plan", AT_MOST, _sequence_over),
        Gate(
            "watching.unguarded", "the same on raw costs: why they are refused", Bound(0.08, 1.0), _unguarded
        ),
        Gate("watching.guarded-costs", "raw costs through the guard", AT_MOST, _guarded_costs),
        Gate("watching.guarded-successes", "rates of .85 through the guard", AT_MOST, _guarded_successes),
        Gate("watching.e-value", "paired successes, after every pair", AT_MOST, _e_value),
    )


def _ever(runs: int, draw: Callable[[int], Numbers], width: Numbers, at: NDArray[np.int_]) -> float:
    """The share of runs in which the running mean left `width` standard errors at one of the looks."""
    outside = 0
    for start in range(0, runs, BLOCK):
        values = draw(min(BLOCK, runs - start))
        count = np.arange(1, values.shape[1] + 1, dtype=np.float64)
        means = np.cumsum(values, axis=1) / count
        squares = np.cumsum(values**2, axis=1) / count
        variances = (squares - means**2)[:, at] * (count / np.maximum(count - 1, 1))[at]
        errors = np.sqrt(np.maximum(variances, 0.0) / count[at])
        outside += int(np.any(np.abs(means[:, at]) > width[at] * errors, axis=1).sum())
    return outside / runs


def _naive(runs: int, random: Random) -> float:
    # A t test needs two units; the first of these looks has fourteen.
    width = np.array([student_quantile(0.975, max(units - 1, 1)) for units in range(1, PLANNED + 1)])
    return _ever(runs, lambda block: random.standard_normal((block, PLANNED)), width, _PEEKS)


def _sequence(runs: int, random: Random) -> float:
    return _ever(
        runs, lambda block: random.standard_normal((block, PLANNED)), _widths(PLANNED), _from_least(PLANNED)
    )


def _sequence_over(runs: int, random: Random) -> float:
    last = 2 * PLANNED
    return _ever(runs, lambda block: random.standard_normal((block, last)), _widths(last), _from_least(last))


def _unguarded(runs: int, random: Random) -> float:
    """Costs less their true mean, watched from the second on."""
    return _ever(runs, lambda block: _costs(random, (block, PLANNED)), _widths(PLANNED), _EVERY[1:] - 1)


def _guarded_costs(runs: int, random: Random) -> float:
    def happens(source: Random) -> bool:
        values = _costs(source, (1, PLANNED))[0].tolist()
        watched = (watch_pairs(values[: index + 1], PLANNED) for index in _PEEKS)
        return any(_excludes(found.low, found.high) for found in watched)

    return share(runs, random, happens)


def _guarded_successes(runs: int, random: Random) -> float:
    def happens(source: Random) -> bool:
        control, treatment = ((source.random(PLANNED // 2) < 0.85).astype(float).tolist() for _ in range(2))
        watched = (
            watch_split(control[: (index + 1) // 2], treatment[: (index + 1) // 2], PLANNED)
            for index in _PEEKS
        )
        return any(_excludes(found.low, found.high) for found in watched)

    return share(runs, random, happens)


def _e_value(runs: int, random: Random) -> float:
    """Half of the pairs are discordant, and won as often as lost."""
    threshold = -math.log(0.05)
    counts = range(PLANNED + 1)
    rejects = np.array([[log_e(wins, losses) >= threshold for losses in counts] for wins in counts])
    found = 0
    for start in range(0, runs, BLOCK):
        outcomes = random.integers(0, 4, (min(BLOCK, runs - start), PLANNED))
        won, lost = np.cumsum(outcomes == 0, axis=1), np.cumsum(outcomes == 1, axis=1)
        found += int(np.any(rejects[won, lost], axis=1).sum())
    return found / runs


def _costs(random: Random, shape: tuple[int, int]) -> Numbers:
    return random.lognormal(0, 1, shape) - np.exp(0.5)


def _widths(last: int) -> Numbers:
    return np.array([half_width(1.0, units, PLANNED) for units in range(1, last + 1)])


def _from_least(last: int) -> NDArray[np.int_]:
    return np.arange(LEAST_UNITS - 1, last)


def _excludes(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and not low <= 0.0 <= high
