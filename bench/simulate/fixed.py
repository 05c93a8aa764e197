"""Tests that look once: false positives, and how often an interval holds the true effect."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

from bench.simulate.gates import Bound, Gate, Random, share
from tamma.experiments.statistics.mcnemar import PairedCounts, mcnemar
from tamma.experiments.statistics.means import paired_t, welch
from tamma.experiments.statistics.proportions import Counts, compare_rates, newcombe
from tamma.experiments.statistics.ratios import paired_ratio, ratio
from tamma.model.estimates import Comparison, Measure

ALPHA = 0.05
NOMINAL = Bound(0.04, 0.06)
EXACT = Bound(0.0, 0.06)
COVERAGE = Bound(0.94, 1.0)

Draw = Callable[[Random, float], Comparison]
"""One experiment with this true effect, analysed."""


def gates() -> Sequence[Gate]:
    """`fixed.*` and `coverage.*`."""
    return (
        Gate("fixed.welch", "60 against 40, variances 1 and 4", NOMINAL, _rejected(_welch)),
        Gate("fixed.paired-t", "50 pairs", NOMINAL, _rejected(_paired_t)),
        Gate("fixed.ratio", "log-normal costs, 60 against 60", NOMINAL, _rejected(_ratio, 1.0)),
        Gate("fixed.paired-ratio", "log-normal costs of 50 pairs", NOMINAL, _rejected(_paired_ratio, 1.0)),
        Gate("fixed.newcombe", "120 against 80, rate .6", NOMINAL, _outside(_rates(120, 80, 0.6), 0.0)),
        Gate("fixed.barnard", "60 against 40, rate .6", NOMINAL, _rejected(_exact_rates(60, 40, 0.6))),
        Gate("fixed.mcnemar", "1000 pairs, 40 % discordant", NOMINAL, _rejected(_pairs(1000, 0.4))),
        Gate("fixed.mcnemar-few", "40 pairs: exact, so rarer", EXACT, _rejected(_pairs(40, 0.4))),
        Gate("coverage.welch", "60 against 40, a difference of 1", COVERAGE, _inside(_welch, 1.0)),
        Gate("coverage.paired-t", "50 pairs, a difference of .5", COVERAGE, _inside(_paired_t, 0.5)),
        Gate("coverage.ratio", "log-normal costs, a ratio of 1.3", COVERAGE, _inside(_ratio, 1.3)),
        Gate("coverage.paired-ratio", "50 pairs, a ratio of .8", COVERAGE, _inside(_paired_ratio, 0.8)),
        Gate("coverage.newcombe", "120 of .8, 80 of .6", COVERAGE, _inside(_rates(120, 80, 0.6), 0.2)),
        Gate("coverage.newcombe-few", "25 of .9, 20 of .6", COVERAGE, _inside(_rates(25, 20, 0.6), 0.3)),
        Gate("coverage.mcnemar", "40 pairs, 20 points", COVERAGE, _inside(_pairs(40, 0.4), 0.2)),
    )


def _rejected(draw: Draw, null: float = 0.0) -> Callable[[int, Random], float]:
    """How often p is at most alpha where there is no effect."""

    def happens(random: Random) -> bool:
        p = draw(random, null).p
        return p is not None and p <= ALPHA

    return lambda runs, random: share(runs, random, happens)


def _inside(draw: Draw, effect: float) -> Callable[[int, Random], float]:
    """How often the interval holds the effect."""

    def happens(random: Random) -> bool:
        interval = draw(random, effect).interval
        return interval is not None and interval.holds(effect)

    return lambda runs, random: share(runs, random, happens)


def _outside(draw: Draw, effect: float) -> Callable[[int, Random], float]:
    inside = _inside(draw, effect)
    return lambda runs, random: 1 - inside(runs, random)


def _welch(random: Random, effect: float) -> Comparison:
    return welch(control=random.normal(0, 1, 60), treatment=random.normal(effect, 2, 40))


def _paired_t(random: Random, effect: float) -> Comparison:
    task = random.normal(0, 2, 50)
    return paired_t(control=task + random.normal(0, 1, 50), treatment=task + effect + random.normal(0, 1, 50))


def _ratio(random: Random, effect: float) -> Comparison:
    return ratio(control=random.lognormal(0, 1, 60), treatment=random.lognormal(math.log(effect), 1, 60))


def _paired_ratio(random: Random, effect: float) -> Comparison:
    task = random.lognormal(0, 1, 50)
    return paired_ratio(
        control=task * random.lognormal(0, 0.5, 50),
        treatment=task * random.lognormal(math.log(effect), 0.5, 50),
    )


def _counts(random: Random, effect: float, sizes: tuple[int, int], rate: float) -> tuple[Counts, Counts]:
    treated, controls = sizes
    after, before = random.binomial(treated, rate + effect), random.binomial(controls, rate)
    return Counts(int(before), controls), Counts(int(after), treated)


def _rates(treated: int, controls: int, rate: float) -> Draw:
    """Newcombe's interval alone."""

    def draw(random: Random, effect: float) -> Comparison:
        control, treatment = _counts(random, effect, (treated, controls), rate)
        interval = newcombe(control=control, treatment=treatment)
        return Comparison("newcombe", Measure.DIFFERENCE, control.arm, treatment.arm, interval=interval)

    return draw


def _exact_rates(treated: int, controls: int, rate: float) -> Draw:
    """With Barnard's p."""
    return lambda random, effect: _barnard(*_counts(random, effect, (treated, controls), rate))


@cache
def _barnard(control: Counts, treatment: Counts) -> Comparison:
    """Barnard's test takes milliseconds, and the same tables come again and again."""
    return compare_rates(control=control, treatment=treatment)


def _pairs(pairs: int, discordant: float) -> Draw:
    """Paired successes; of the rest two in three succeeded in both arms."""

    def draw(random: Random, effect: float) -> Comparison:
        won, lost = (discordant + effect) / 2, (discordant - effect) / 2
        both = (1 - discordant) * 2 / 3
        counts = random.multinomial(pairs, [both, won, lost, 1 - both - won - lost])
        return mcnemar(PairedCounts(*(int(count) for count in counts)))

    return draw
