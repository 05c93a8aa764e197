"""Success rates: intervals of one rate and of the difference of two, and the tests of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tamma.errors import BadFigures
from tamma.experiments.statistics.distributions import chi_square_above, normal_quantile
from tamma.experiments.statistics.exact import barnard, fisher
from tamma.experiments.statistics.samples import checked_level
from tamma.model.estimates import Arm, Caution, CautionKind, Comparison, Interval, Measure

EXACT_UP_TO = 400
"""Tasks of both arms together. Beyond, Barnard's p and that of the score test differ in the third digit."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Successes among `n` tasks. `missing` tasks have no outcome and are in neither."""

    successes: int
    n: int
    missing: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.n or self.missing < 0:
            raise BadFigures(f"these are no counts of successes among tasks: {self!r}")

    @property
    def rate(self) -> float | None:
        return self.successes / self.n if self.n else None

    @property
    def arm(self) -> Arm:
        return Arm(self.n, self.rate, self.missing)


def wilson(counts: Counts, level: float = 0.95) -> Interval:
    """The score interval of one rate, without continuity correction: Wilson (1927). Of no task: 0 to 1."""
    checked_level(level)
    if not counts.n:
        return Interval(0.0, 1.0, level)
    z = normal_quantile((1 + level) / 2)
    n, failures = counts.n, counts.n - counts.successes
    centre = counts.successes + z**2 / 2
    reach = z * math.sqrt(counts.successes * failures / n + z**2 / 4)
    # Exactly 0 and 1 where no success, or no failure, was seen; rounding would miss them.
    low = (centre - reach) / (n + z**2) if counts.successes else 0.0
    high = (centre + reach) / (n + z**2) if failures else 1.0
    return Interval(low, high, level)


def newcombe(*, control: Counts, treatment: Counts, level: float = 0.95) -> Interval:
    """The hybrid score interval of the difference of two rates: Newcombe (1998a), method 10."""
    if not control.n or not treatment.n:
        return Interval(-1.0, 1.0, level)
    below, above = _reach(treatment, level)
    other_below, other_above = _reach(control, level)
    difference = treatment.successes / treatment.n - control.successes / control.n
    return Interval(
        difference - math.hypot(below, other_above), difference + math.hypot(above, other_below), level
    )


def compare_rates(*, control: Counts, treatment: Counts, level: float = 0.95) -> Comparison:
    """The difference of two success rates: Newcombe's interval, Barnard's exact p.

    Beyond `EXACT_UP_TO` tasks p is that of the score test (chi-square without correction), whose statistic
    Barnard's test orders its tables by. `fisher_p` is the conservative companion.
    """
    checked_level(level)
    exact = control.n + treatment.n <= EXACT_UP_TO
    method = "newcombe-barnard" if exact else "newcombe-score"
    interval = newcombe(control=control, treatment=treatment, level=level)
    said = _missing(control, "control") + _missing(treatment, "treatment")
    before, after = control.rate, treatment.rate
    if before is None or after is None:
        words = "an arm has no finished task: nothing can be compared"
        return Comparison(
            method,
            Measure.DIFFERENCE,
            control.arm,
            treatment.arm,
            cautions=(*said, Caution(CautionKind.EMPTY, words)),
        )
    statistic = score_statistic(control, treatment)
    if statistic is None:
        p = 1.0
        what = "succeeded" if control.successes else "failed"
        said += (Caution(CautionKind.TIED, f"every task of both arms {what}: nothing tells them apart"),)
    elif exact:
        p = barnard((control.successes, control.n), (treatment.successes, treatment.n))
    else:
        p = chi_square_above(statistic**2, 1)
    return Comparison(
        method,
        Measure.DIFFERENCE,
        control.arm,
        treatment.arm,
        estimate=after - before,
        interval=interval,
        p=p,
        statistic=statistic,
        cautions=said + disagreement(p, interval, level),
    )


def fisher_p(*, control: Counts, treatment: Counts) -> float:
    """Fisher's exact test, two-sided by the tables' probability: 1 where the margins allow one table."""
    return fisher((control.successes, control.n), (treatment.successes, treatment.n))


def score_statistic(control: Counts, treatment: Counts) -> float | None:
    """The difference over its standard error under the pooled rate; None where all fared alike."""
    total, successes = control.n + treatment.n, control.successes + treatment.successes
    if not control.n or not treatment.n or successes in (0, total):
        return None
    pooled = successes / total
    variance = pooled * (1 - pooled) * (1 / control.n + 1 / treatment.n)
    return (treatment.successes / treatment.n - control.successes / control.n) / math.sqrt(variance)


def disagreement(p: float, interval: Interval, level: float, null: float = 0.0) -> tuple[Caution, ...]:
    """A caution where test and interval, being different methods, fall on two sides of significance."""
    if (p < 1 - level) is not interval.holds(null):
        return ()
    verb = "holds" if interval.holds(null) else "excludes"
    words = (
        f"p is {p:.4g}, but the interval {verb} no difference: the result is at the edge, decide on neither"
    )
    return (Caution(CautionKind.DISAGREEMENT, words),)


def _reach(counts: Counts, level: float) -> tuple[float, float]:
    """From the rate down and up to the ends of its Wilson interval. Needs n > 0."""
    interval, rate = wilson(counts, level), counts.successes / counts.n
    assert interval.low is not None
    assert interval.high is not None
    return rate - interval.low, interval.high - rate


def _missing(counts: Counts, name: str) -> tuple[Caution, ...]:
    if not counts.missing:
        return ()
    words = (
        f"{counts.missing} of {counts.n + counts.missing} tasks of {name} have no outcome and are left out"
    )
    return (Caution(CautionKind.MISSING, words),)
