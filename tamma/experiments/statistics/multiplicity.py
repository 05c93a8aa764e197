"""Several tests at once: p-values adjusted so that they are compared with the usual threshold.

One metric is primary and declared beforehand. Secondaries are adjusted by Holm, exploratory comparisons by
Benjamini and Hochberg. A None stands for a comparison that allowed no test: it stays None and still counts as
a member of the family, for it was meant to be tested.
"""

from __future__ import annotations

from collections.abc import Sequence

from tamma.errors import BadFigures


def holm(ps: Sequence[float | None]) -> tuple[float | None, ...]:
    """Holm's (1979) step-down adjustment, in the order given: controls the family-wise error rate."""
    order, total = _ordered(ps), len(ps)
    adjusted: list[float | None] = [None] * total
    reached = 0.0
    for rank, (p, index) in enumerate(order):
        reached = max(reached, min(1.0, (total - rank) * p))
        adjusted[index] = reached
    return tuple(adjusted)


def benjamini_hochberg(ps: Sequence[float | None]) -> tuple[float | None, ...]:
    """Benjamini and Hochberg's (1995) step-up adjustment, in the order given.

    Controls the false discovery rate, for independent tests and for positively dependent ones.
    """
    order, total = _ordered(ps), len(ps)
    adjusted: list[float | None] = [None] * total
    reached = 1.0
    for rank, (p, index) in reversed(list(enumerate(order, start=1))):
        reached = min(reached, p * total / rank)
        adjusted[index] = reached
    return tuple(adjusted)


def _ordered(ps: Sequence[float | None]) -> list[tuple[float, int]]:
    for index, p in enumerate(ps):
        # Not (0 <= p <= 1) is true of NaN as well.
        if p is not None and not 0 <= p <= 1:
            raise BadFigures(f"p-value {index} is {p!r}, outside of 0 to 1")
    return sorted((p, index) for index, p in enumerate(ps) if p is not None)
