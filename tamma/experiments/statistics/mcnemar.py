"""Paired success: both arms ran the same tasks once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tamma.errors import BadFigures
from tamma.experiments.statistics.distributions import binomial_at_most
from tamma.experiments.statistics.proportions import Counts, disagreement, wilson
from tamma.experiments.statistics.samples import checked_level, pairs
from tamma.model.estimates import Arm, Caution, CautionKind, Comparison, Interval, Measure


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """Tasks by what became of them in the two arms. `missing` tasks lack an outcome and are in none."""

    both: int
    only_treatment: int
    only_control: int
    neither: int
    missing: int = 0

    def __post_init__(self) -> None:
        if min(self.both, self.only_treatment, self.only_control, self.neither, self.missing) < 0:
            raise BadFigures(f"counts of tasks cannot be negative: {self!r}")

    @property
    def n(self) -> int:
        return self.both + self.only_treatment + self.only_control + self.neither

    @property
    def control(self) -> Counts:
        return Counts(self.both + self.only_control, self.n, self.missing)

    @property
    def treatment(self) -> Counts:
        return Counts(self.both + self.only_treatment, self.n, self.missing)


def paired_counts(control: Sequence[bool | None], treatment: Sequence[bool | None]) -> PairedCounts:
    """Outcomes of the same tasks in the same order, counted. Raises BadFigures where the lengths differ."""
    tasks = pairs(control, treatment)
    counted = [
        (bool(before), bool(after)) for before, after in zip(tasks.control, tasks.treatment, strict=True)
    ]
    return PairedCounts(
        both=counted.count((True, True)),
        only_treatment=counted.count((False, True)),
        only_control=counted.count((True, False)),
        neither=counted.count((False, False)),
        missing=tasks.missing,
    )


def mcnemar(counts: PairedCounts, level: float = 0.95) -> Comparison:
    """The exact McNemar test, with Newcombe's paired interval of the difference of the rates.

    p is that of the binomial test of the discordant pairs against one half; concordant pairs say nothing
    about which arm is better.
    """
    checked_level(level)
    arms = counts.control.arm, counts.treatment.arm
    said: tuple[Caution, ...] = ()
    if counts.missing:
        words = f"{counts.missing} of {counts.n + counts.missing} pairs lack an outcome and are left out"
        said += (Caution(CautionKind.MISSING, words),)
    if not counts.n:
        words = "no task has an outcome in both arms: nothing can be compared"
        said += (Caution(CautionKind.EMPTY, words),)
        return Comparison("mcnemar-exact", Measure.DIFFERENCE, *arms, cautions=said)
    interval = newcombe_paired(counts, level)
    p = mcnemar_p(counts.only_treatment, counts.only_control)
    if not counts.only_treatment + counts.only_control:
        words = f"both arms fared alike on all {counts.n} tasks: nothing tells them apart"
        said += (Caution(CautionKind.TIED, words),)
    return Comparison(
        "mcnemar-exact",
        Measure.DIFFERENCE,
        Arm(counts.n, arms[0].value, counts.missing),
        Arm(counts.n, arms[1].value, counts.missing),
        estimate=(counts.only_treatment - counts.only_control) / counts.n,
        interval=interval,
        p=p,
        cautions=said + disagreement(p, interval, level),
    )


def mcnemar_p(wins: int, losses: int) -> float:
    """Two-sided exact p of `wins` against `losses` under even odds. 1 where there is neither."""
    return min(1.0, 2 * binomial_at_most(min(wins, losses), wins + losses, 0.5))


def newcombe_paired(counts: PairedCounts, level: float = 0.95) -> Interval:
    """The square-and-add interval of a paired difference of rates: Newcombe (1998b), method 10.

    Recommended by Fagerland, Lydersen and Laake (2014) for its coverage with few pairs. Of none: -1 to 1.
    """
    checked_level(level)
    if not counts.n:
        return Interval(-1.0, 1.0, level)
    difference = (counts.only_treatment - counts.only_control) / counts.n
    below, above = _reach(counts.treatment, level)
    other_below, other_above = _reach(counts.control, level)
    phi = _correlation(counts)
    down = below**2 - 2 * phi * below * other_above + other_above**2
    up = above**2 - 2 * phi * above * other_below + other_below**2
    return Interval(
        max(-1.0, difference - math.sqrt(max(down, 0.0))),
        min(1.0, difference + math.sqrt(max(up, 0.0))),
        level,
    )


def _correlation(counts: PairedCounts) -> float:
    """Pearson's phi of the two outcomes, pulled towards 0 where it is positive (Newcombe's correction)."""
    margins = (
        (counts.both + counts.only_treatment)
        * (counts.only_control + counts.neither)
        * (counts.both + counts.only_control)
        * (counts.only_treatment + counts.neither)
    )
    if not margins:
        return 0.0
    product = counts.both * counts.neither - counts.only_treatment * counts.only_control
    return (max(product - counts.n / 2, 0.0) if product > 0 else product) / math.sqrt(margins)


def _reach(counts: Counts, level: float) -> tuple[float, float]:
    interval, rate = wilson(counts, level), counts.successes / counts.n
    assert interval.low is not None
    assert interval.high is not None
    return rate - interval.low, interval.high - rate
