"""What looking early costs in tasks, and what it saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tamma.errors import BadFigures
from tamma.experiments.sequential.normal import quantile, root
from tamma.experiments.sequential.spending import boundaries
from tamma.experiments.sequential.walk import crossing


@dataclass(frozen=True, slots=True)
class SequentialCost:
    """A group-sequential test against the fixed one with the same alpha and power."""

    inflation: float
    """The most tasks it may need, as a multiple of the fixed test's."""
    expected: float
    """The tasks it needs on average where the effect is the one it was planned for, as such a multiple."""
    expected_without_effect: float


def power(fractions: Sequence[float], bounds: Sequence[float], drift: float) -> float:
    """P(some boundary is crossed, on either side); `drift` is the mean of Z at information 1."""
    return crossing(fractions, bounds, drift).total


def cost(fractions: Sequence[float], *, alpha: float = 0.05, wanted: float = 0.8) -> SequentialCost:
    """The price of these looks for a two-sided test with power `wanted`.

    Raises ConfigError for looks that cannot be, BadFigures for a power that is not between alpha and 1.
    """
    bounds = boundaries(fractions, alpha)
    return cost_of_bounds(fractions, bounds, alpha=alpha, wanted=wanted)


def cost_of_bounds(
    fractions: Sequence[float], bounds: Sequence[float], *, alpha: float, wanted: float
) -> SequentialCost:
    """The same for boundaries of any origin."""
    if not alpha < wanted < 1.0:
        raise BadFigures(f"a power of {wanted!r} cannot be planned for with an alpha of {alpha!r}")
    fixed = root(lambda drift: power([1.0], [quantile(alpha / 2)], drift) - wanted, 0.0, 40.0)
    needed = root(lambda drift: power(fractions, bounds, drift) - wanted, 0.0, 80.0)
    inflation = (needed / fixed) ** 2
    return SequentialCost(
        inflation,
        inflation * _expected(fractions, bounds, needed),
        inflation * _expected(fractions, bounds, 0.0),
    )


def _expected(fractions: Sequence[float], bounds: Sequence[float], drift: float) -> float:
    """The mean information at the stop."""
    walked = crossing(fractions, bounds, drift)
    stops = [above + below for above, below in zip(walked.above, walked.below, strict=True)]
    early = sum(time * chance for time, chance in zip(fractions[:-1], stops[:-1], strict=True))
    return early + fractions[-1] * (1 - sum(stops[:-1]))
