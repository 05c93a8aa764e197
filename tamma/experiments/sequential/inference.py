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

from tamma.experiments.sequential.normal import quantile, root, two_sided
from tamma.experiments.sequential.walk import crossing
from tamma.model.looks import Bound

STAGE_WISE = "stage-wise ordering"
REPEATED = "repeated confidence interval"
_FARTHEST_DRIFT = 1e4


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
    `equivalent_se` where the test is no normal one, so that interval and p agree. Raises ValueError for a
    standard error that is not over 0, and for a stop without more units than at the look before.
    """
    _check(estimate, se)
    if prior and prior[-1].units >= units:
        raise ValueError(f"the look before had {prior[-1].units!r} units, the last one {units!r}")
    times = [look.units / units for look in prior] + [1.0]
    bounds = [look.boundary for look in prior]
    z = estimate / se

    def at_least_this(drift: float) -> float:
        return _at_least(times, bounds, z, drift)

    p = min(1.0, 2 * min(at_least_this(0.0), _at_least(times, bounds, -z, 0.0)))
    # The information at the stop is the unit here: then drift = effect / se.
    low = se * _drift(at_least_this, alpha / 2, z)
    high = -se * _drift(lambda drift: _at_least(times, bounds, -z, drift), alpha / 2, -z)
    middle = se * _drift(at_least_this, 0.5, z)
    return Inference(STAGE_WISE, estimate, middle, low, high, p, 1 - alpha)


def at_look(boundary: float, estimate: float, se: float, *, alpha: float = 0.05) -> Inference:
    """The repeated confidence interval: right at every look at once, whether or not the test goes on.

    The p is the look's own, unadjusted: compare it with the boundary's nominal p, never with alpha. For a t
    test, its interval at confidence 1 - `nominal_p(boundary)` is the same thing. Raises ValueError like
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


def _at_least(times: Sequence[float], bounds: Sequence[float], z: float, drift: float) -> float:
    """P(an outcome as high as Z = `z` at the last of `times`, or higher), earlier crossings above being
    higher.
    """
    walked = crossing(times, [*bounds, z], drift)
    return math.fsum(walked.above)


def _drift(chance: Callable[[float], float], wanted: float, near: float) -> float:
    """The drift at which a rising chance is `wanted`."""
    reach = 4.0
    while chance(near - reach) > wanted or chance(near + reach) < wanted:
        reach *= 2
        if reach > _FARTHEST_DRIFT:
            raise ValueError(f"no effect explains a z of {near!r} with chance {wanted!r}")
    return root(lambda drift: chance(drift) - wanted, near - reach, near + reach)


def _check(estimate: float, se: float) -> None:
    if not (math.isfinite(estimate) and math.isfinite(se) and se > 0.0):
        raise ValueError(f"an estimate of {estimate!r} with a standard error of {se!r} says nothing")
