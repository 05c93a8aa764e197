"""What may be said of the effect: at any look, and when the experiment has stopped.

A test that stops where the evidence is strong overstates the effect. At the stopping look the p-value, the
interval and the estimate are those of the stage-wise ordering (Siegmund 1978; Tsiatis, Rosner & Mehta 1984;
Jennison & Turnbull 2000, sections 8.4 and 8.5), which needs no knowledge of looks that never came. At any
other look, stopped or not, the repeated confidence interval holds (Jennison & Turnbull 1989).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tamma.errors import BadFigures
from tamma.experiments.sequential.normal import quantile, root, two_sided
from tamma.experiments.sequential.walk import crossing_above
from tamma.model.looks import Bound

STAGE_WISE = "stage-wise ordering"
REPEATED = "repeated confidence interval"
_FARTHEST_DRIFT = 1e12
_SMALLEST, _LARGEST = 1e-300, 1 - 1e-16
"""Chances between which there is a normal score."""


@dataclass(frozen=True, slots=True)
class Inference:
    """An effect with what looking at it more than once costs. Units are the estimate's."""

    method: str
    estimate: float
    """As it was seen."""
    median_unbiased: float
    """As likely too high as too low, over all ways in which the experiment might have stopped."""
    low: float
    high: float
    p: float
    confidence: float


def at_stop(
    prior: Sequence[Bound], units: int, estimate: float, se: float, *, alpha: float = 0.05
) -> Inference:
    """The stage-wise adjusted p, interval and median-unbiased estimate of a test that stopped after `units`.

    `prior` are the looks before, none of which was crossed. `se` is the standard error at the stop: take
    `equivalent_se` where the test is no normal one, so that interval and p agree. Raises BadFigures for a
    standard error that is not over 0, and for a stop without more units than at the look before.
    """
    _check(estimate, se)
    if prior and prior[-1].units >= units:
        raise BadFigures(f"the look before had {prior[-1].units!r} units, the last one {units!r}")
    times = [look.units / units for look in prior] + [1.0]
    bounds = [look.boundary for look in prior]
    z = estimate / se

    # P(Z >= z at the stop, or an earlier crossing above, which ranks higher). The information at the stop is
    # the unit of time, so that drift = effect / se. From below, everything is mirrored.
    def as_high(drift: float) -> float:
        return crossing_above(times, [*bounds, z], drift)

    def as_low(drift: float) -> float:
        return crossing_above(times, [*bounds, -z], drift)

    p = min(1.0, 2 * min(as_high(0.0), as_low(0.0)))
    reach = quantile(alpha / 2)
    low = se * _drift(as_high, alpha / 2, z - reach)
    high = -se * _drift(as_low, alpha / 2, -z - reach)
    middle = se * _drift(as_high, 0.5, z)
    return Inference(STAGE_WISE, estimate, middle, low, high, p, 1 - alpha)


def at_look(boundary: float, estimate: float, se: float, *, alpha: float = 0.05) -> Inference:
    """The repeated confidence interval: right at every look at once, whether or not the test goes on.

    The p is the look's own, unadjusted: compare it with the boundary's nominal p, never with alpha. For a t
    test, its interval at confidence 1 - `nominal_p(boundary)` is the same thing. Raises BadFigures like
    `at_stop`.
    """
    _check(estimate, se)
    half = boundary * se
    own = two_sided(estimate / se)
    return Inference(REPEATED, estimate, estimate, estimate - half, estimate + half, own, 1 - alpha)


def equivalent_se(estimate: float, se: float, p: float) -> float:
    """The standard error with which a normal test of `estimate` gives the p that a t or exact test gave.

    `se` itself where the p says nothing about it: no effect was seen, or p is over one half or 0.
    """
    if estimate == 0.0 or not 0.0 < p <= 0.5:
        return se
    return abs(estimate) / quantile(p / 2)


def _drift(chance: Callable[[float], float], wanted: float, near: float) -> float:
    """The drift at which a rising chance is `wanted`; `near` is where it would be without looks before."""
    goal = quantile(wanted)

    def missing(drift: float) -> float:
        # As normal scores, which are nearly a straight line.
        return goal - quantile(min(max(chance(drift), _SMALLEST), _LARGEST))

    reach = 0.25
    while missing(near - reach) > 0.0 or missing(near + reach) < 0.0:
        reach *= 2
        if reach > _FARTHEST_DRIFT:
            raise BadFigures(f"no effect near {near!r} standard errors has an outcome of chance {wanted!r}")
    return root(missing, near - reach, near + reach)


def _check(estimate: float, se: float) -> None:
    if not (math.isfinite(estimate) and math.isfinite(se) and se > 0.0):
        raise BadFigures(f"an estimate of {estimate!r} with a standard error of {se!r} says nothing")
