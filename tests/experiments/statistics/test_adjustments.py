"""Clusters and covariates: against the matrix formulae, and what they are there for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np
import pytest

from tamma.errors import BadFigures
from tamma.experiments.statistics.clusters import clustered, clustered_pairs
from tamma.experiments.statistics.cuped import Covariate, cuped
from tamma.experiments.statistics.means import welch
from tamma.experiments.statistics.samples import FloatArray
from tamma.model.estimates import CautionKind

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def cr2(design: FloatArray, outcome: FloatArray, clusters: list[str]) -> FloatArray:
    """Bell and McCaffrey's covariance by their own formula: residuals times (I - H_cc)^(-1/2)."""
    bread = np.linalg.inv(design.T @ design)
    residuals = outcome - design @ bread @ design.T @ outcome
    meat = np.zeros_like(bread)
    for name in set(clusters):
        rows = np.array([other == name for other in clusters])
        part = design[rows]
        values, vectors = np.linalg.eigh(np.eye(len(part)) - part @ bread @ part.T)
        root = vectors @ np.diag(1 / np.sqrt(values)) @ vectors.T
        score = part.T @ root @ residuals[rows]
        meat += np.outer(score, score)
    return bread @ meat @ bread


def test_independent_arms_have_the_cr2_standard_error() -> None:
    rng = np.random.default_rng(1)
    names = [f"r{index}" for index in rng.integers(0, 9, 90)]
    arm = rng.random(90) < 0.5
    values = rng.normal(size=90) + np.array([len(name) + int(name[1:]) for name in names])
    design = np.column_stack([np.ones(90), arm.astype(float)])
    expected = float(np.sqrt(cr2(design, values, names)[1, 1]))
    found = clustered(
        control=values[~arm],
        treatment=values[arm],
        control_repositories=[name for name, treated in zip(names, arm, strict=True) if not treated],
        treatment_repositories=[name for name, treated in zip(names, arm, strict=True) if treated],
    )
    assert found.standard_error == pytest.approx(expected)
    assert found.df == 8
    assert found.estimate == pytest.approx(float(values[arm].mean() - values[~arm].mean()))


def test_pairs_have_the_cr2_standard_error() -> None:
    rng = np.random.default_rng(2)
    names = ["a"] * 12 + ["b"] * 3 + ["c"] * 7 + ["d"] * 9
    before, after = rng.normal(size=31), rng.normal(size=31) + 0.3
    found = clustered_pairs(control=before, treatment=after, repositories=names)
    expected = float(np.sqrt(cr2(np.ones((31, 1)), after - before, names)[0, 0]))
    assert found.standard_error == pytest.approx(expected)
    assert found.df == 3
    assert found.has(CautionKind.NOT_GENERALISABLE)


def test_repositories_that_hold_one_arm_cost_a_degree_of_freedom() -> None:
    values = [float(index**2 % 11) for index in range(24)]
    found = clustered(
        control=values[:12],
        treatment=values[12:],
        control_repositories=[f"c{index % 6}" for index in range(12)],
        treatment_repositories=[f"t{index % 6}" for index in range(12)],
    )
    assert found.df == 10


@pytest.mark.parametrize("sizes", [[10] * 12, [2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 22]])
def test_like_tasks_do_not_raise_false_alarms(sizes: list[int]) -> None:
    # 12 repositories of 10 tasks on average, intra-class correlation 0.2, no effect: taken as independent the
    # pairs are "significant" in a quarter of such tests.
    rng = np.random.default_rng(3)
    names = [f"r{index}" for index, size in enumerate(sizes) for _ in range(size)]
    runs, naive, aware = 400, 0, 0
    for _ in range(runs):
        shared = np.repeat(rng.normal(0, np.sqrt(0.2), len(sizes)), sizes)
        after = shared + rng.normal(0, np.sqrt(0.8), len(names))
        found = clustered_pairs(control=np.zeros(len(names)), treatment=after, repositories=names)
        assert found.p is not None
        aware += found.p < 0.05
        naive += abs(after.mean()) / (after.std(ddof=1) / np.sqrt(after.size)) > 1.98
    assert naive / runs > 0.15
    # 0.06 and two binomial standard errors of 400 runs.
    assert aware / runs < 0.06 + 2 * (0.06 * 0.94 / runs) ** 0.5


# --- covariates -----------------------------------------------------------------------------------


def covariate(values: Any, *, late: int | None = None) -> Covariate:
    measured = [DAY] * len(values)
    if late is not None:
        measured[late] = DAY + timedelta(hours=2)
    return Covariate(values, measured, [DAY + timedelta(hours=1)] * len(values))


def test_what_was_known_before_narrows_the_interval() -> None:
    rng = np.random.default_rng(4)
    size = rng.normal(10, 2, 400)
    outcome = 3 * size + rng.normal(0, 2, 400)
    outcome[200:] += 1.0
    found = cuped(
        control=outcome[:200],
        treatment=outcome[200:],
        control_covariate=covariate(size[:200]),
        treatment_covariate=covariate(size[200:]),
    )
    plain = welch(control=outcome[:200], treatment=outcome[200:])
    assert found.slope == pytest.approx(3, abs=0.2)
    # Var(2) over Var(3 * 2, 2): a tenth of the variance is left.
    assert found.variance_left == pytest.approx(4 / 40, abs=0.03)
    assert found.comparison.standard_error is not None
    assert plain.standard_error is not None
    assert found.comparison.standard_error < 0.4 * plain.standard_error
    assert found.comparison.estimate == pytest.approx(1.0, abs=3 * found.comparison.standard_error)
    assert found.comparison.method == "cuped-welch-t"


def test_it_is_the_analysis_of_covariance() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=60)
    y = x + rng.normal(size=60)
    arm = np.repeat([0.0, 1.0], 30)
    design = np.column_stack([np.ones(60), arm, x])
    coefficients = cast(FloatArray, np.linalg.lstsq(design, y)[0])
    found = cuped(
        control=y[:30],
        treatment=y[30:],
        control_covariate=covariate(x[:30]),
        treatment_covariate=covariate(x[30:]),
    )
    assert found.comparison.estimate == pytest.approx(float(coefficients[1]))
    assert found.slope == pytest.approx(float(coefficients[2]))
    residual = float(np.sum((y - design @ coefficients) ** 2)) / 57
    assert found.comparison.standard_error == pytest.approx((residual * 2 / 30) ** 0.5, rel=1e-3)


def test_what_was_measured_after_assignment_is_refused() -> None:
    with pytest.raises(BadFigures, match="first value 1:") as caught:
        covariate([1.0, 2.0, 3.0], late=1)
    assert caught.value.hint
    assert "before" in caught.value.hint


def test_covariates_that_say_nothing() -> None:
    control, treatment = [1.0, 2.0, 3.0], [2.0, 3.0, 5.0]
    flat = cuped(
        control=control,
        treatment=treatment,
        control_covariate=covariate([0.1] * 3),
        treatment_covariate=covariate([0.3] * 3),
    )
    assert (flat.slope, flat.variance_left) == (0, 1)
    assert flat.comparison.has(CautionKind.NO_SPREAD)
    assert flat.comparison.p == welch(control=control, treatment=treatment).p
    whole = cuped(
        control=control,
        treatment=treatment,
        control_covariate=covariate([value * 0.1 for value in control]),
        treatment_covariate=covariate([value * 0.1 for value in treatment]),
    )
    assert whole.variance_left == 0
    assert whole.comparison.p is None
    assert whole.comparison.has(CautionKind.NO_SPREAD)


def test_a_task_without_covariate_stays_in() -> None:
    control, treatment = [1.0, 2.0, None, 4.0], [2.0, 3.0, 5.0, 4.5]
    found = cuped(
        control=control,
        treatment=treatment,
        control_covariate=covariate([1.0, None, 3.0, 4.0]),
        treatment_covariate=covariate([1.0, 2.0, 4.0, 4.0]),
    )
    assert (found.comparison.control.n, found.comparison.control.missing) == (3, 1)
    assert found.comparison.treatment.n == 4
    with pytest.raises(BadFigures, match="4 outcomes and 3 values of the covariate"):
        cuped(
            control=control,
            treatment=treatment,
            control_covariate=covariate([1.0, 2.0, 3.0]),
            treatment_covariate=covariate([1.0, 2.0, 4.0, 4.0]),
        )
