"""Tasks of one repository are alike: standard errors that know it.

Twelve repositories with ten tasks each are nearer to twelve observations than to a hundred and twenty. Taken
as independent, they raise false alarms several times too often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tamma.errors import BadFigures
from tamma.experiments.statistics.samples import (
    ROUNDING,
    FloatArray,
    Sample,
    Values,
    checked_level,
    nothing_to_compare,
    pairs,
    sample,
)
from tamma.experiments.statistics.student import t_test
from tamma.model.estimates import Arm, Caution, CautionKind, Comparison, Measure

GENERALISES_FROM = 8
"""Repositories. With fewer the result is about these repositories, whatever its p."""


def clustered(
    *,
    control: Values,
    treatment: Values,
    control_repositories: Sequence[str],
    treatment_repositories: Sequence[str],
    level: float = 0.95,
) -> Comparison:
    """The difference in means of independent arms, standard error clustered by repository.

    CR2 of Bell and McCaffrey (2002), which is unbiased where tasks are independent after all; t with C - 1
    degrees of freedom for C repositories, C - 2 where no repository has tasks of both arms. That is
    optimistic where a few repositories hold most of the tasks.
    """
    checked_level(level)
    first, second = sample(control, "control"), sample(treatment, "treatment")
    names = _present(control, control_repositories, "control")
    other_names = _present(treatment, treatment_repositories, "treatment")
    arms, said = (first.arm(), second.arm()), first.cautions() + second.cautions()
    if empty := nothing_to_compare(first, second):
        return Comparison("cluster-t", Measure.DIFFERENCE, *arms, cautions=(*said, *empty))
    every = sorted({*names, *other_names})
    df = len(every) - (1 if set(names) & set(other_names) else 2)
    estimate = float(np.mean(second.values) - np.mean(first.values))
    said += _few(len(every))
    if problem := _one_repository(names, "control") or _one_repository(other_names, "treatment"):
        return Comparison(
            "cluster-t", Measure.DIFFERENCE, *arms, estimate=estimate, cautions=(*said, problem)
        )
    scores = _scores(second, other_names, every) - _scores(first, names, every)
    size = float(max(np.max(np.abs(first.values)), np.max(np.abs(second.values))))
    return _tested("cluster-t", arms, estimate, scores, (df, size, level), said)


def clustered_pairs(
    *, control: Values, treatment: Values, repositories: Sequence[str], level: float = 0.95
) -> Comparison:
    """The mean of the pairs' differences, standard error clustered by repository: CR2, t with C - 1 df."""
    checked_level(level)
    tasks = pairs(control, treatment)
    if len(repositories) != len(control):
        raise BadFigures(f"{len(control)} pairs name {len(repositories)} repositories: each task has one")
    arms, said = tasks.arms(), tasks.cautions()
    if not tasks.n:
        words = "no task has a value in both arms: nothing can be compared"
        empty = Caution(CautionKind.EMPTY, words)
        return Comparison("cluster-paired-t", Measure.DIFFERENCE, *arms, cautions=(*said, empty))
    whole = zip(control, treatment, repositories, strict=True)
    names = [name for before, after, name in whole if before is not None and after is not None]
    every = sorted(set(names))
    differences = Sample("the differences", tasks.differences)
    estimate = float(np.mean(differences.values))
    said += _few(len(every))
    if problem := _one_repository(names, "the test"):
        return Comparison(
            "cluster-paired-t", Measure.DIFFERENCE, *arms, estimate=estimate, cautions=(*said, problem)
        )
    size = float(np.max(np.abs([tasks.control, tasks.treatment])))
    scores = _scores(differences, names, every)
    return _tested("cluster-paired-t", arms, estimate, scores, (len(every) - 1, size, level), said)


def _tested(
    method: str,
    arms: tuple[Arm, Arm],
    estimate: float,
    scores: FloatArray,
    scale: tuple[int, float, float],
    said: tuple[Caution, ...],
) -> Comparison:
    """The t test from each repository's part in the error. `scale`: df, size of the values, level."""
    df, size, level = scale
    error = math.sqrt(float(np.sum(scores**2)))
    if df < 1 or error <= ROUNDING * size:
        kind = CautionKind.TOO_FEW if df < 1 else CautionKind.NO_SPREAD
        words = (
            "too few repositories for a test" if df < 1 else "repositories do not differ: there is no test"
        )
        said += (Caution(kind, words),)
        return Comparison(method, Measure.DIFFERENCE, *arms, estimate=estimate, cautions=said)
    return t_test(
        method,
        arms,
        estimate,
        standard_error=error,
        df=df,
        level=level,
        cautions=said,
    )


def _scores(values: Sample, names: Sequence[str], every: Sequence[str]) -> FloatArray:
    """Each repository's sum of residuals over n, corrected for its leverage: shape (repositories,).

    For a mean CR2 has a closed form: 1'(I - 11'/n)^(-1/2) e = sum(e) / sqrt(1 - n_c / n).
    """
    index = {name: place for place, name in enumerate(every)}
    places = np.array([index[name] for name in names])
    residuals = values.values - np.mean(values.values)
    sums = np.bincount(places, weights=residuals, minlength=len(every))
    sizes = np.bincount(places, minlength=len(every))
    return sums / (values.n * np.sqrt(1 - sizes / values.n))


def _present(values: Values, repositories: Sequence[str], name: str) -> list[str]:
    """The repositories of the tasks that have a value."""
    if len(repositories) != len(values):
        raise BadFigures(f"{len(values)} tasks of {name} name {len(repositories)} repositories: each has one")
    return [where for value, where in zip(values, repositories, strict=True) if value is not None]


def _one_repository(names: Sequence[str], what: str) -> Caution | None:
    if len(set(names)) > 1:
        return None
    words = f"all tasks of {what} are of one repository: how repositories differ was not seen"
    return Caution(CautionKind.TOO_FEW, words)


def _few(repositories: int) -> tuple[Caution, ...]:
    if repositories >= GENERALISES_FROM:
        return ()
    words = f"{repositories} repositories: not generalisable to others, which needs {GENERALISES_FROM}"
    return (Caution(CautionKind.NOT_GENERALISABLE, words),)
