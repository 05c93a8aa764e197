"""Rehearsals: tasks without repositories, and scripted agents whose outcomes are drawn from declared rates.

They are for trying a plan, a suite of statistics or a report without a model and money. What a draw gives is
a function of (seed, task, replicate) and (seed, task, arm, replicate) alone, so that it is the same after any
crash and in every replay. A rehearsal is known wherever it is shown: its model is called `scripted:…`.

Success: the declared rate p becomes log odds, the task's difficulty is added, and the trial succeeds where a
standard normal draw lies below the quantile of the result. The draw is the sum of two: what the arms of one
task share, and the arm's own, each with half of the variance (a Gaussian copula). So the rate is what was
declared, and the outcomes of two arms on one task are correlated, which is what pairing lives on.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from statistics import NormalDist
from typing import cast

from tamma.errors import ConfigError
from tamma.model.metrics import Cell
from tamma.model.suite import Rehearsal, Suite, SuiteTask
from tamma.suites.content import make_suite

SHARED = 0.5
"""Share of the variance that the arms of one task have in common."""
LOG_SPREAD = 0.4
"""Standard deviation of log cost and log duration."""
QUALITY_SPREAD = 10.0
DIFFICULTY_SPREAD = 1.0
"""Standard deviation, in log odds, of the tasks' difficulties in a generated suite."""
MOST = 100_000
_KEYS = ("success", "costUsd", "seconds", "quality", "model")
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Rates:
    """What a scripted agent declares (`options.rehearsal` of its provider entry). Means, per trial."""

    success: float
    cost_usd: float = 0.10
    seconds: float = 90.0
    quality: float = 70.0
    model: str = "scripted"


@dataclass(frozen=True, slots=True)
class Draw:
    """What a rehearsed trial ended with."""

    success: bool
    cost_usd: Decimal
    seconds: float
    quality: float


def read_rates(options: Mapping[str, object], provider: str) -> Rates:
    """The declared rates of the provider entry `provider`. Raises ConfigError saying what is missing."""
    given = options.get("rehearsal")
    where = f"provider {provider!r}, options.rehearsal"
    if not isinstance(given, Mapping):
        raise ConfigError(
            f"{where}: a rehearsal needs a scripted provider with declared rates",
            hint='{"rehearsal": {"success": 0.6, "costUsd": 0.10, "seconds": 90, "quality": 70}}',
        )
    rates = cast("Mapping[str, object]", given)
    if unknown := sorted(set(rates) - set(_KEYS)):
        raise ConfigError(f"{where}: unknown keys {unknown}", hint=f"known: {', '.join(_KEYS)}")
    model = rates.get("model", f"scripted:{provider}")
    if not isinstance(model, str) or not model.startswith("scripted"):
        raise ConfigError(
            f"{where}: the model is {model!r}", hint="it begins with 'scripted': it is no model"
        )
    return Rates(
        success=_number(rates, "success", None, where, most=1.0),
        cost_usd=_number(rates, "costUsd", 0.10, where),
        seconds=_number(rates, "seconds", 90.0, where),
        quality=_number(rates, "quality", 70.0, where, most=100.0),
        model=model,
    )


def draw(seed: int, cell: Cell, task: Rehearsal, rates: Rates) -> Draw:
    """The outcome of one rehearsed trial; the same arguments give the same outcome."""
    shared = _Stream("task", seed, cell.unit, cell.replicate)
    own = _Stream("arm", seed, cell.unit, cell.arm, cell.replicate)
    succeeds, costs, lasts, is_worth = (_mix(shared.normal(), own.normal()) for _ in range(4))
    scale = [math.exp(LOG_SPREAD * z - LOG_SPREAD**2 / 2) for z in (costs, lasts)]
    quality = min(max(rates.quality + QUALITY_SPREAD * is_worth, 0.0), 100.0)
    return Draw(
        success=_below(succeeds, rates.success, task.difficulty),
        cost_usd=Decimal(str(round(rates.cost_usd * scale[0], 6))),
        seconds=round(rates.seconds * scale[1], 3),
        quality=round(quality, 2),
    )


def rehearsal_suite(name: str, tasks: int, *, seed: int = 0, spread: float = DIFFICULTY_SPREAD) -> Suite:
    """A suite of `tasks` rehearsals whose difficulties are normal with mean 0. Raises ConfigError."""
    if not 1 <= tasks <= MOST:
        raise ConfigError(f"a rehearsal of {tasks} tasks makes no sense", hint=f"1 to {MOST}")
    width = len(str(tasks))
    made = [
        SuiteTask(
            f"rehearsal-{number:0{width}}",
            title=f"Rehearsal {number}",
            rehearsal=Rehearsal(round(spread * _Stream("difficulty", seed, number).normal(), 4)),
        )
        for number in range(1, tasks + 1)
    ]
    return make_suite(name, made, description=f"{tasks} rehearsals without a repository, seed {seed}")


class _Stream:
    """Standard normal numbers from a hash: alike on every platform and in every version of Python."""

    def __init__(self, *key: object) -> None:
        self._key = json.dumps(key)
        self._count = 0

    def normal(self) -> float:
        self._count += 1
        digest = hashlib.sha256(f"{self._key}#{self._count}".encode()).digest()
        # 53 bits, in the middle of their cell: neither 0 nor 1, where the quantile is infinite.
        return _NORMAL.inv_cdf(((int.from_bytes(digest[:8], "big") >> 11) + 0.5) / 2**53)


def _mix(shared: float, own: float) -> float:
    return math.sqrt(SHARED) * shared + math.sqrt(1 - SHARED) * own


def _below(z: float, rate: float, difficulty: float) -> bool:
    if rate in (0.0, 1.0):
        return rate == 1.0
    odds = math.log(rate / (1 - rate)) + difficulty
    return _NORMAL.cdf(z) < 1 / (1 + math.exp(-odds))


def _number(
    given: Mapping[str, object], key: str, default: float | None, where: str, *, most: float = 1e9
) -> float:
    value = given.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ConfigError(f"{where}: {key} is {value!r}", hint=f"a number from 0 to {most:g}")
    return float(value)
