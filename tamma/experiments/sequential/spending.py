"""How strong the evidence must be at each look: alpha spending after Lan & DeMets (1983), O'Brien-Fleming
type.

The information is the share of the planned units that are completed. A boundary depends on the looks that
were really taken, never on how many there will be: looks may be late, skipped, or more than planned, as long
as the effect seen so far is not why (Proschan, Follmann & Waclawiw 1992). More units than planned are no
harm: the last look spends what is left, with the correlation that the true counts give (Jennison & Turnbull
2000, section 7.2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tamma.errors import ConfigError
from tamma.experiments.sequential.normal import quantile, root, upper
from tamma.experiments.sequential.walk import CLOSEST, Inside, at_least, carry
from tamma.model.experiment import LookPlan
from tamma.model.looks import DueLook

FARTHEST = 8.0
"""No boundary is farther out: less than 1.3e-15 of alpha lies beyond."""
MOST_LOOKS = 50


def spent(alpha: float, fraction: float) -> float:
    """The two-sided alpha that may be used up at this share of the information.

    Each side spends alpha/2 as 2 - 2 Phi(z / sqrt(t)), z being the upper alpha/4 point.
    """
    if fraction <= 0.0:
        return 0.0
    if fraction >= 1.0:
        return alpha
    return 4.0 * upper(quantile(alpha / 4) / math.sqrt(fraction))


def boundaries(fractions: Sequence[float], alpha: float = 0.05) -> tuple[float, ...]:
    """The boundaries for |Z| at rising shares of the information, all of alpha being spent at the last.

    Raises ConfigError where the shares do not rise, are too close, or alpha is no probability.
    """
    _check_alpha(alpha)
    _check_rising(fractions)
    targets = [*(spent(alpha, fraction) for fraction in fractions[:-1]), alpha]
    found: list[float] = []
    inside: Inside | None = None
    before = 0.0
    for index, (time, target) in enumerate(zip(fractions, targets, strict=True)):
        found.append(_boundary(inside, time, target - before))
        before = target
        if index + 1 < len(fractions):
            inside = carry(inside, time, found[-1], fractions[index + 1])
    return tuple(found)


def plan_looks(units: int, looks: int | Sequence[int] = 5, alpha: float = 0.05) -> tuple[LookPlan, ...]:
    """The looks of an experiment with `units` units: this many, equally spaced, or at these counts.

    Raises ConfigError for a plan that no experiment could follow.
    """
    if units < 1:
        raise ConfigError(f"an experiment of {units!r} units has nothing to look at")
    counts = _equal(units, looks) if isinstance(looks, int) else list(looks)
    if not counts or counts[-1] != units:
        raise ConfigError(
            f"the looks are at {counts!r} units, and the experiment has {units!r}",
            hint=f"end the list of looks with {units}",
        )
    bounds = boundaries([count / units for count in counts], alpha)
    return tuple(
        LookPlan(number, count, bound)
        for number, (count, bound) in enumerate(zip(counts, bounds, strict=True), 1)
    )


def boundary_now(due: DueLook, planned: int, alpha: float = 0.05) -> float:
    """The boundary of the look that is due: for the units there are, and the looks that were really taken.

    `planned` is the experiment's number of units. Raises ConfigError where no alpha is left.
    """
    _check_alpha(alpha)
    times = [bound.units / planned for bound in due.prior] + [due.units / planned]
    _check_rising(times)
    before = spent(alpha, times[-2]) if due.prior else 0.0
    if before >= alpha:
        raise ConfigError(f"the look at {due.prior[-1].units} of {planned} units spent all of the alpha")
    inside: Inside | None = None
    for index, bound in enumerate(due.prior):
        inside = carry(inside, times[index], bound.boundary, times[index + 1])
    target = alpha if due.last else spent(alpha, times[-1])
    return _boundary(inside, times[-1], target - before)


def _boundary(inside: Inside | None, time: float, share: float) -> float:
    """The bound that this share of alpha, both sides together, lies beyond."""
    if 2 * at_least(inside, time, FARTHEST) >= share:
        return FARTHEST
    return root(lambda bound: at_least(inside, time, bound) - share / 2, 0.0, FARTHEST)


def _equal(units: int, looks: int) -> list[int]:
    most = min(units, MOST_LOOKS)
    if not 1 <= looks <= most:
        raise ConfigError(f"{looks!r} looks at {units!r} units: there can be 1 to {most}")
    return [math.ceil(units * (index + 1) / looks) for index in range(looks)]


def _check_alpha(alpha: float) -> None:
    if not 1e-6 <= alpha < 1.0:
        raise ConfigError(
            f"alpha is {alpha!r}: it must be at least 0.000001 and under 1", hint="the usual is 0.05"
        )


def _check_rising(fractions: Sequence[float]) -> None:
    if not 1 <= len(fractions) <= MOST_LOOKS:
        raise ConfigError(f"{len(fractions)} looks: there must be 1 to {MOST_LOOKS}")
    before = 0.0
    for number, fraction in enumerate(fractions, 1):
        if not math.isfinite(fraction) or fraction - before < CLOSEST * abs(fraction) or fraction <= 0.0:
            raise ConfigError(
                f"look {number} is at {fraction!r} of the information and the one before at {before!r}",
                hint="each look needs new units: at least one in ten thousand more than the one before",
            )
        before = fraction
