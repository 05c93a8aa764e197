"""Tests that look five times and stop: false positives, coverage after the stop, power."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from bench.simulate.gates import Bound, DifferenceBound, Gate, Random, share
from tamma.experiments.looks import crosses, due_look
from tamma.experiments.sequential.inference import at_look, at_stop, equivalent_se
from tamma.experiments.sequential.spending import boundary_now, plan_looks
from tamma.experiments.statistics.mcnemar import mcnemar_p
from tamma.experiments.statistics.means import welch
from tamma.model.estimates import Comparison
from tamma.model.looks import Bound as TakenLook

UNITS = 200
"""Of both arms together."""
EFFECT = 0.4
"""In standard deviations: found in 200 units with a power of .80."""
SCHEDULES = 20
AT_MOST = Bound(0.0, 0.06)
COVERAGE = Bound(0.94, 1.0)
ALIKE = DifferenceBound(0.03, 0.8)

Schedule = Sequence[tuple[tuple[TakenLook, ...], TakenLook]]
"""The looks of an experiment, each with those before it."""


def gates() -> Sequence[Gate]:
    """`sequential.*`."""
    return (
        Gate("sequential.welch", "five looks at 200 units", AT_MOST, _false_positives(_on_time)),
        Gate("sequential.late", "looks late, missed, and beyond the plan", AT_MOST, _false_positives(_late)),
        Gate("sequential.mcnemar", "five looks at 200 pairs", AT_MOST, _false_positives_of_pairs),
        Gate("sequential.power", "power less that of the fixed test", ALIKE, _power_against_fixed),
        Gate("sequential.coverage", "stage-wise interval, no effect", COVERAGE, _coverage(0.0)),
        Gate("sequential.coverage-effect", "stage-wise, an effect", COVERAGE, _coverage(EFFECT)),
        Gate("sequential.repeated", "repeated intervals, all at once", COVERAGE, _repeated_coverage),
    )


def schedule(counts: Sequence[int], planned: int = UNITS) -> Schedule:
    """The looks that are taken where these many units are completed whenever somebody asks."""
    plan = plan_looks(planned)
    taken: list[TakenLook] = []
    looks: list[tuple[tuple[TakenLook, ...], TakenLook]] = []
    for count in counts:
        due = due_look(plan, taken, count)
        if due is not None:
            look = TakenLook(due.units, boundary_now(due, planned))
            looks.append((due.prior, look))
            taken.append(look)
    return looks


def _on_time(random: Random) -> Schedule:
    return _planned()


@cache
def _planned() -> Schedule:
    return schedule(range(40, UNITS + 1, 40))


def _late(random: Random) -> Schedule:
    """Each look up to 30 units late, so that some are missed, and the last beyond the plan."""
    late = random.integers(0, 16, 5)
    return schedule(
        [count + 2 * int(more) for count, more in zip(range(40, UNITS + 1, 40), late, strict=True)]
    )


def _false_positives(make: Callable[[Random], Schedule]) -> Callable[[int, Random], float]:
    def simulate(runs: int, random: Random) -> float:
        # A few schedules, each for its part of the runs: boundaries take longer than a run.
        schedules = [make(random) for _ in range(SCHEDULES)]
        return sum(_stop(schedules[run % SCHEDULES], random, 0.0)[2] for run in range(runs)) / runs

    return simulate


def _stop(looks: Schedule, random: Random, effect: float) -> tuple[int, Comparison, bool]:
    """One experiment: the index of the look at which it stopped, what was seen there, and whether it
    crossed.
    """
    last = looks[-1][1].units
    control, treatment = random.normal(0, 1, last // 2), random.normal(effect, 1, last // 2)
    for index, (_, look) in enumerate(looks):
        found = welch(control=control[: look.units // 2], treatment=treatment[: look.units // 2])
        assert found.p is not None
        crossed = crosses(look.boundary, found.p)
        if crossed or index == len(looks) - 1:
            return index, found, crossed
    raise AssertionError("an experiment has a look")


def _false_positives_of_pairs(runs: int, random: Random) -> float:
    looks = _planned()

    def happens(source: Random) -> bool:
        outcomes = source.choice([-1, 0, 1], size=UNITS, p=[0.2, 0.6, 0.2])
        won, lost = np.cumsum(outcomes > 0), np.cumsum(outcomes < 0)
        return any(
            crosses(look.boundary, mcnemar_p(int(won[look.units - 1]), int(lost[look.units - 1])))
            for _, look in looks
        )

    return share(runs, random, happens)


def _power_against_fixed(runs: int, random: Random) -> float:
    """On the same data, as many units at most: what the looks cost."""
    looks = _planned()
    found = fixed = 0
    for _ in range(runs):
        state = random.bit_generator.state
        found += _stop(looks, random, EFFECT)[2]
        random.bit_generator.state = state
        p = _stop(looks[-1:], random, EFFECT)[1].p
        fixed += p is not None and p <= 0.05
    return (found - fixed) / runs


def _coverage(effect: float) -> Callable[[int, Random], float]:
    def simulate(runs: int, random: Random) -> float:
        looks = _planned()

        def happens(source: Random) -> bool:
            index, found, _ = _stop(looks, source, effect)
            estimate, se = _seen(found)
            low, high = _stage_wise(index, round(estimate / se, 2))
            return low * se <= effect <= high * se

        return share(runs, random, happens)

    return simulate


@cache
def _stage_wise(index: int, z: float) -> tuple[float, float]:
    """In standard errors, and for rounded scores: an interval takes hundredths of a second."""
    prior, look = _planned()[index]
    adjusted = at_stop(prior, look.units, z, 1.0)
    return adjusted.low, adjusted.high


def _seen(found: Comparison) -> tuple[float, float]:
    """The estimate, and the standard error of the normal test with the same p."""
    assert found.estimate is not None
    assert found.standard_error is not None
    assert found.p is not None
    return found.estimate, equivalent_se(found.estimate, found.standard_error, found.p)


def _repeated_coverage(runs: int, random: Random) -> float:
    """All intervals of an experiment that nobody stops hold the effect."""
    looks = _planned()

    def happens(source: Random) -> bool:
        control, treatment = source.normal(0, 1, UNITS // 2), source.normal(EFFECT, 1, UNITS // 2)
        for _, look in looks:
            half = look.units // 2
            found = welch(control=control[:half], treatment=treatment[:half])
            repeated = at_look(look.boundary, *_seen(found))
            if not repeated.low <= EFFECT <= repeated.high:
                return False
        return True

    return share(runs, random, happens)
