"""What budgets pay and users wait for: mean differences, cost per success, p95, with bootstrap intervals.

There is no p here: the interval decides. Every function is a pure function of its values and its seed.
"""

from __future__ import annotations

import math

import numpy as np

from tamma.experiments.statistics.resampling import (
    acceleration_of,
    bca,
    draws,
    percentile,
    resampled_sums,
    resamples_for,
)
from tamma.experiments.statistics.samples import (
    FloatArray,
    Pairs,
    Sample,
    Values,
    checked_level,
    nothing_to_compare,
    pairs,
    sample,
)
from tamma.model.estimates import Caution, CautionKind, Comparison, Measure

FEW = 20
"""Tasks in an arm, below which a bootstrap interval is too narrow: the tails were not seen."""
TAIL = 0.95
"""The quantile that is reported of durations and costs."""
TAIL_DECIDES_FROM = 200
"""Tasks in an arm, below which fewer than ten lie beyond p95: it is shown and decides nothing."""


def mean_difference(*, control: Values, treatment: Values, seed: int, level: float = 0.95) -> Comparison:
    """The difference in raw means of independent arms, with a BCa interval."""
    checked_level(level)
    first, second = sample(control, "control"), sample(treatment, "treatment")
    arms, said = (first.arm(), second.arm()), first.cautions() + second.cautions()
    if empty := nothing_to_compare(first, second):
        return Comparison("mean-bca", Measure.DIFFERENCE, *arms, cautions=(*said, *empty))
    before, after = np.sort(first.values), np.sort(second.values)
    estimate = float(np.mean(after) - np.mean(before))
    if problem := _no_bootstrap(first, second):
        return Comparison("mean-bca", Measure.DIFFERENCE, *arms, estimate=estimate, cautions=(*said, problem))
    rng, resamples = np.random.default_rng(seed), resamples_for(max(first.n, second.n))
    replicates = _means(after, rng, resamples) - _means(before, rng, resamples)
    acceleration = acceleration_of(_centred(after) / after.size, -_centred(before) / before.size)
    return Comparison(
        "mean-bca",
        Measure.DIFFERENCE,
        *arms,
        estimate=estimate,
        interval=bca(replicates, replicates, estimate, acceleration, level),
        cautions=(*said, *_few(min(first.n, second.n))),
    )


def paired_mean_difference(
    *, control: Values, treatment: Values, seed: int, level: float = 0.95
) -> Comparison:
    """The mean of the pairs' raw differences, with a BCa interval; pairs are resampled."""
    checked_level(level)
    tasks = pairs(control, treatment)
    arms, said = tasks.arms(), tasks.cautions()
    if not tasks.n:
        return Comparison("paired-mean-bca", Measure.DIFFERENCE, *arms, cautions=(*said, _NO_PAIR))
    differences = np.sort(tasks.differences)
    estimate = float(np.mean(differences))
    if problem := _no_paired_bootstrap(tasks):
        return Comparison(
            "paired-mean-bca", Measure.DIFFERENCE, *arms, estimate=estimate, cautions=(*said, problem)
        )
    replicates = _means(differences, np.random.default_rng(seed), resamples_for(tasks.n))
    acceleration = acceleration_of(_centred(differences) / differences.size)
    return Comparison(
        "paired-mean-bca",
        Measure.DIFFERENCE,
        *arms,
        estimate=estimate,
        interval=bca(replicates, replicates, estimate, acceleration, level),
        cautions=(*said, *_few(tasks.n)),
    )


def tail_difference(*, control: Values, treatment: Values, seed: int, level: float = 0.95) -> Comparison:
    """The difference in p95 of independent arms, with a percentile interval.

    p95 is the smallest value that at least 95 % of the arm do not exceed, hence always a task's own. What the
    bootstrap gives for an order statistic is known in closed form, so its resamples are drawn from that: the
    k-th smallest of n uniform numbers follows Beta(k, n - k + 1). BCa does not apply: its acceleration comes
    from the jackknife, which fails for quantiles.
    """
    checked_level(level)
    first, second = sample(control, "control"), sample(treatment, "treatment")
    said = first.cautions() + second.cautions()
    if empty := nothing_to_compare(first, second):
        return Comparison("p95", Measure.DIFFERENCE, first.arm(), second.arm(), cautions=(*said, *empty))
    before, after = np.sort(first.values), np.sort(second.values)
    arms = first.arm(_tail(before)), second.arm(_tail(after))
    estimate = _tail(after) - _tail(before)
    said += _tail_cautions(min(first.n, second.n))
    problem = _no_bootstrap(first, second)
    if min(first.n, second.n) < FEW or problem:
        said += (problem,) if problem else ()
        return Comparison("p95", Measure.DIFFERENCE, *arms, estimate=estimate, cautions=said)
    rng, resamples = np.random.default_rng(seed), resamples_for(1)
    replicates = _tails(after, rng, resamples) - _tails(before, rng, resamples)
    interval = percentile(replicates, replicates, estimate, level)
    return Comparison("p95", Measure.DIFFERENCE, *arms, estimate=estimate, interval=interval, cautions=said)


def paired_tail_difference(
    *, control: Values, treatment: Values, seed: int, level: float = 0.95
) -> Comparison:
    """The difference in p95 over the same tasks, with a percentile interval; pairs are resampled."""
    checked_level(level)
    tasks = pairs(control, treatment)
    said = tasks.cautions()
    if not tasks.n:
        return Comparison("paired-p95", Measure.DIFFERENCE, *tasks.arms(), cautions=(*said, _NO_PAIR))
    rows = _sorted_rows(tasks.control, tasks.treatment)
    before, after = _tail(np.sort(rows[:, 0])), _tail(np.sort(rows[:, 1]))
    arms, estimate = tasks.arms(before, after), after - before
    said += _tail_cautions(tasks.n)
    problem = _no_paired_bootstrap(tasks)
    if tasks.n < FEW or problem:
        said += (problem,) if problem else ()
        return Comparison("paired-p95", Measure.DIFFERENCE, *arms, estimate=estimate, cautions=said)
    replicates = _paired_tails(rows, np.random.default_rng(seed), resamples_for(tasks.n))
    interval = percentile(replicates, replicates, estimate, level)
    return Comparison(
        "paired-p95", Measure.DIFFERENCE, *arms, estimate=estimate, interval=interval, cautions=said
    )


def _no_bootstrap(first: Sample, second: Sample) -> Caution | None:
    if min(first.n, second.n) < 2:
        return Caution(CautionKind.TOO_FEW, f"arms of {first.n} and {second.n} tasks: resampling needs two")
    if not first.varies and not second.varies:
        return Caution(CautionKind.NO_SPREAD, "all values of each arm are equal: resamples would be, too")
    return None


def _no_paired_bootstrap(tasks: Pairs) -> Caution | None:
    if tasks.n < 2:
        return Caution(CautionKind.TOO_FEW, "one pair cannot be resampled, two can")
    if not tasks.varies:
        return Caution(CautionKind.NO_SPREAD, f"all {tasks.n} differences are equal: resamples would be, too")
    return None


_NO_PAIR = Caution(CautionKind.EMPTY, "no task has a value in both arms: nothing can be compared")


def _few(n: int) -> tuple[Caution, ...]:
    if n >= FEW:
        return ()
    return (Caution(CautionKind.SMALL, f"with {n} tasks an arm the bootstrap interval is too narrow"),)


def _tail_cautions(n: int) -> tuple[Caution, ...]:
    if n < FEW:
        words = f"with {n} tasks an arm p95 is the largest value: there is no interval"
        shown = Caution(CautionKind.REPORT_ONLY, "such a p95 decides nothing")
        return (Caution(CautionKind.TOO_FEW, words), shown)
    if n < TAIL_DECIDES_FROM:
        words = f"with {n} tasks an arm few lie beyond p95: below {TAIL_DECIDES_FROM} it decides nothing"
        return (Caution(CautionKind.REPORT_ONLY, words),)
    return ()


def _means(values: FloatArray, rng: np.random.Generator, resamples: int) -> FloatArray:
    return resampled_sums(values[:, None], rng, resamples)[:, 0] / values.size


def _centred(values: FloatArray) -> FloatArray:
    return values - np.mean(values)


def _rank(n: int) -> int:
    """Which of n values in order is p95, counted from 1. The rounding keeps .95 * 20 at 19."""
    return math.ceil(round(TAIL * n, 9))


def _tail(ordered: FloatArray) -> float:
    return float(ordered[_rank(ordered.size) - 1])


def _tails(ordered: FloatArray, rng: np.random.Generator, resamples: int) -> FloatArray:
    """p95 of resamples, without drawing them."""
    n, rank = ordered.size, _rank(ordered.size)
    uniform = rng.beta(rank, n - rank + 1, size=resamples)
    return ordered[np.minimum((uniform * n).astype(np.int64), n - 1)]


def _paired_tails(rows: FloatArray, rng: np.random.Generator, resamples: int) -> FloatArray:
    """The difference of the columns' p95 in each resample of the rows, shape (resamples,).

    How often each row was drawn is counted once; in the order of a column, p95 is where these counts reach
    its rank. That is five times as fast as sorting resamples.
    """
    n = rows.shape[0]
    orders = [np.argsort(column, kind="stable") for column in rows.T]
    tails: list[FloatArray] = []
    for drawn in draws(n, resamples, rng):
        many = drawn.shape[0]
        cells = (drawn + np.arange(many, dtype=np.int64)[:, None] * n).ravel()
        counts = np.bincount(cells, minlength=many * n).reshape(many, n)
        before, after = (
            column[order[np.argmax(np.cumsum(counts[:, order], axis=1) >= _rank(n), axis=1)]]
            for column, order in zip(rows.T, orders, strict=True)
        )
        tails.append(after - before)
    return np.concatenate(tails)


def _sorted_rows(*columns: FloatArray) -> FloatArray:
    """The columns side by side, the rows in an order that does not depend on that of the tasks."""
    return np.column_stack(columns)[np.lexsort(columns)]
