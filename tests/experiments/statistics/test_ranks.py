"""Rank tests of many values, against scipy's own."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from tamma.experiments.statistics.ranks import mann_whitney, wilcoxon


def scipy_stats() -> Any:
    from scipy import stats

    return cast(Any, stats)


@pytest.mark.parametrize("steps", [None, 8, 1])
@pytest.mark.parametrize("sizes", [(60, 60), (51, 200), (9, 9), (6, 40)])
@pytest.mark.parametrize("shift", [0.0, 0.3, 3.0])
def test_normal_approximations_are_those_of_scipy(
    steps: int | None, sizes: tuple[int, int], shift: float
) -> None:
    rng = np.random.default_rng(sizes[1])
    first, second = rng.normal(size=sizes[0]), rng.normal(shift, size=sizes[1])
    if steps is not None:
        first, second = np.round(first * steps) / steps, np.round(second * steps) / steps
    found = mann_whitney(control=list(first), treatment=list(second))
    wanted = scipy_stats().mannwhitneyu(second, first)
    assert found.statistic == wanted.statistic
    assert found.p == pytest.approx(wanted.pvalue, rel=1e-9)
    after = first + rng.normal(shift, size=first.size)
    if steps is not None:
        after = np.round(after * steps) / steps
    apart = np.round(after - first, 9)
    paired = wilcoxon(control=list(first), treatment=list(after))
    wanted = scipy_stats().wilcoxon(apart[apart != 0], correction=True)
    assert paired.p == pytest.approx(wanted.pvalue, rel=1e-9)
