"""A gate: what is simulated, and between which rates it must lie."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from scipy import special as _untyped

_special = cast(Any, _untyped)

Random = np.random.Generator
UNLIKELY = 0.001
"""With fewer runs a bound is widened until a rate that is exactly on it is missed no more often than this."""
FULL_RUNS = 4000
"""Runs from which on the bounds stand as they are."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The rates that pass."""

    low: float = 0.0
    high: float = 1.0

    def for_runs(self, runs: int) -> Bound:
        """The same, widened by the binomial error of fewer than `FULL_RUNS` runs."""
        if runs >= FULL_RUNS:
            return self
        return Bound(_least(self.low, runs), 1.0 - _least(1.0 - self.high, runs))

    def holds(self, rate: float) -> bool:
        return self.low <= rate <= self.high


@dataclass(frozen=True, slots=True)
class DifferenceBound:
    """The same for the difference of two rates near `rate`, each from as many runs."""

    most: float
    rate: float

    def for_runs(self, runs: int) -> Bound:
        if runs >= FULL_RUNS:
            return Bound(-self.most, self.most)
        z = float(_special.ndtri(1 - UNLIKELY))
        most = self.most + z * math.sqrt(2 * self.rate * (1 - self.rate) / runs)
        return Bound(-most, most)


@dataclass(frozen=True, slots=True)
class Gate:
    """`simulate(runs, random)` gives the rate that is held against `bound`."""

    name: str
    what: str
    bound: Bound | DifferenceBound
    simulate: Callable[[int, Random], float]
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Passage:
    """One gate, simulated."""

    gate: str
    what: str
    observed: float
    bound: Bound
    runs: int
    seed: int

    @property
    def passed(self) -> bool:
        return self.bound.holds(self.observed)

    def to_json(self) -> dict[str, Any]:
        return {
            "gate": self.gate,
            "what": self.what,
            "observed": round(self.observed, 5),
            "bound": [round(self.bound.low, 5), round(self.bound.high, 5)],
            "runs": self.runs,
            "seed": self.seed,
            "passed": self.passed,
        }


def passage(gate: Gate, runs: int, seed: int) -> Passage:
    """Simulate one gate. Each has random numbers of its own, so that one alone gives what it gives among
    all.
    """
    random = np.random.default_rng([seed, zlib.crc32(gate.name.encode())])
    return Passage(gate.name, gate.what, gate.simulate(runs, random), gate.bound.for_runs(runs), runs, seed)


def share(runs: int, random: Random, happens: Callable[[Random], bool]) -> float:
    """The share of runs in which something happened."""
    return sum(happens(random) for _ in range(runs)) / runs


def _least(rate: float, runs: int) -> float:
    """The least share of runs that an event of this rate is seen in, but for an unlikely draw."""
    count = math.floor(rate * runs)
    while count > 0 and float(_special.bdtr(count - 1, runs, rate)) > UNLIKELY:
        count -= 1
    return min(rate, count / runs)
