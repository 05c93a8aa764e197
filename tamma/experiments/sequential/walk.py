"""The probability that a test statistic crosses its boundaries, look by look.

Z at information t is normal with mean `drift` * sqrt(t) and variance 1, and sqrt(t) Z has independent
increments. The part of its density that has crossed no boundary is carried from look to look by numerical
integration (Armitage, McPherson & Rowe 1969; Jennison & Turnbull 2000, chapter 19), here over Gauss-Legendre
panels that are no wider than the steps between two looks, so that unequal and close looks are as exact as
equal ones.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from tamma.experiments.sequential.normal import upper

REACH = 8.5
"""Standard deviations beyond which a normal density is nothing: 2e-17 of it."""
CLOSEST = 1e-4
"""The least step between two looks, as a share of the information at the later one."""

_INNER = math.sqrt(5 - 2 * math.sqrt(10 / 7)) / 3
_OUTER = math.sqrt(5 + 2 * math.sqrt(10 / 7)) / 3
_INNER_WEIGHT = (322 + 13 * math.sqrt(70)) / 900
_OUTER_WEIGHT = (322 - 13 * math.sqrt(70)) / 900
_NODES = (
    (-_OUTER, _OUTER_WEIGHT),
    (-_INNER, _INNER_WEIGHT),
    (0.0, 128 / 225),
    (_INNER, _INNER_WEIGHT),
    (_OUTER, _OUTER_WEIGHT),
)
"""Gauss-Legendre with five points on [-1, 1]: exact to degree nine."""
_ROOT_TWO_PI = math.sqrt(2 * math.pi)


@dataclass(frozen=True, slots=True)
class Inside:
    """What crossed no boundary up to a look: points of Z in order, and the probability each stands for."""

    time: float
    points: tuple[float, ...]
    masses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Crossing:
    """Probabilities of crossing for the first time at each look."""

    above: tuple[float, ...]
    below: tuple[float, ...]

    @property
    def total(self) -> float:
        return math.fsum(self.above) + math.fsum(self.below)


def at_least(inside: Inside | None, time: float, bound: float, drift: float = 0.0) -> float:
    """P(no boundary was crossed before, Z at `time` >= `bound`); `inside` is None at the first look."""
    if inside is None:
        return upper(bound - drift * math.sqrt(time))
    step = time - inside.time
    spread, scale = math.sqrt(step), math.sqrt(inside.time)
    level = bound * math.sqrt(time) - drift * step
    return math.fsum(
        mass * upper((level - point * scale) / spread)
        for point, mass in zip(inside.points, inside.masses, strict=True)
    )


def carry(inside: Inside | None, time: float, bound: float, following: float, drift: float = 0.0) -> Inside:
    """What is left between -`bound` and `bound` at `time`, on points fine enough for the look at
    `following`.
    """
    points, weights = _grid(inside.time if inside else 0.0, time, following, bound, drift)
    if inside is None:
        mean = drift * math.sqrt(time)
        densities = [math.exp(-((z - mean) ** 2) / 2) / _ROOT_TWO_PI for z in points]
    else:
        densities = [_density(inside, time, z, drift) for z in points]
    return Inside(time, points, tuple(d * w for d, w in zip(densities, weights, strict=True)))


def crossing_above(times: Sequence[float], bounds: Sequence[float], drift: float = 0.0) -> float:
    """The chance of ever crossing above first; half of the work of `crossing`. `times` rise."""
    whole = 0.0
    inside: Inside | None = None
    for index, (time, bound) in enumerate(zip(times, bounds, strict=True)):
        whole += at_least(inside, time, bound, drift)
        if index + 1 < len(times):
            inside = carry(inside, time, bound, times[index + 1], drift)
    return whole


def crossing(times: Sequence[float], bounds: Sequence[float], drift: float = 0.0) -> Crossing:
    """The chance of crossing -bound or bound first at each look. `times` rise."""
    above: list[float] = []
    below: list[float] = []
    inside: Inside | None = None
    for index, (time, bound) in enumerate(zip(times, bounds, strict=True)):
        above.append(at_least(inside, time, bound, drift))
        below.append(at_least(_mirrored(inside), time, bound, -drift))
        if index + 1 < len(times):
            inside = carry(inside, time, bound, times[index + 1], drift)
    return Crossing(tuple(above), tuple(below))


def _mirrored(inside: Inside | None) -> Inside | None:
    if inside is None:
        return None
    return Inside(inside.time, tuple(-point for point in reversed(inside.points)), inside.masses[::-1])


def _density(inside: Inside, time: float, z: float, drift: float) -> float:
    """The density of Z at `time` in `z`, of what was inside before."""
    step = time - inside.time
    spread, scale = math.sqrt(step), math.sqrt(inside.time)
    level = z * math.sqrt(time) - drift * step
    first = bisect_left(inside.points, (level - REACH * spread) / scale)
    end = bisect_right(inside.points, (level + REACH * spread) / scale)
    level, scale = level / spread, scale / spread
    near = zip(inside.points[first:end], inside.masses[first:end], strict=True)
    whole = sum([mass * math.exp(-((level - point * scale) ** 2) / 2) for point, mass in near])
    return whole * math.sqrt(time / step) / _ROOT_TWO_PI


def _grid(
    before: float, time: float, following: float, bound: float, drift: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    mean = drift * math.sqrt(time)
    low, high = max(-bound, mean - REACH), min(bound, mean + REACH)
    if low >= high:  # all of it is outside
        return (), ()
    width = min(1.0, math.sqrt((time - before) / time), math.sqrt((following - time) / time))
    panels = math.ceil((high - low) / width)
    half = (high - low) / panels / 2
    centres = [low + (2 * index + 1) * half for index in range(panels)]
    points = tuple(centre + node * half for centre in centres for node, _ in _NODES)
    return points, tuple(weight * half for _ in centres for _, weight in _NODES)
