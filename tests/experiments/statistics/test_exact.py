"""Barnard's test against exact arithmetic: every table compared as a fraction, the rate on a fine grid."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from tamma.experiments.statistics.exact import barnard, fisher


def by_enumeration(control: tuple[int, int], treatment: tuple[int, int]) -> float:
    (x, n), (y, m) = control, treatment

    def squared_statistic(a: int, b: int) -> Fraction:
        pooled = (a + b) * (n + m - a - b)
        return Fraction((b * n - a * m) ** 2, pooled) if pooled else Fraction(0)

    seen = squared_statistic(x, y)
    rates = np.linspace(0, 1, 5001)[1:-1]
    total = np.zeros_like(rates)
    for a in range(n + 1):
        for b in range(m + 1):
            if squared_statistic(a, b) >= seen:
                ways = comb(n, a) * comb(m, b)
                total += ways * rates ** (a + b) * (1 - rates) ** (n + m - a - b)
    return float(np.max(total))


# In all but the last scipy 1.17 answers too small a p.
@pytest.mark.parametrize(
    ("control", "treatment"),
    [((0, 5), (5, 12)), ((13, 19), (6, 9)), ((11, 35), (22, 34)), ((6, 6), (2, 4)), ((3, 10), (9, 10))],
)
def test_barnard_counts_every_table_that_ties(control: tuple[int, int], treatment: tuple[int, int]) -> None:
    expected = by_enumeration(control, treatment)
    assert barnard(control, treatment) == pytest.approx(expected, rel=1e-5)
    assert barnard(treatment, control) == pytest.approx(expected, rel=1e-5)


def test_tables_that_say_nothing() -> None:
    for test in (barnard, fisher):
        assert test((0, 5), (0, 7)) == test((5, 5), (7, 7)) == test((0, 0), (3, 7)) == 1


def test_the_most_extreme_tables() -> None:
    # Only the two tables of all against none are as extreme; their chance is largest at one half.
    assert barnard((0, 10), (10, 10)) == pytest.approx(2 / 2**20, rel=1e-6)
    assert fisher((0, 10), (10, 10)) == pytest.approx(2 / comb(20, 10))
