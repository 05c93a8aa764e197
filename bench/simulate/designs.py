"""The design's own checks: the split of tasks under peeking, and tasks that come in repositories."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.simulate.gates import Bound, Gate, Random, share
from tamma.experiments.statistics.clusters import clustered
from tamma.experiments.statistics.means import welch
from tamma.experiments.statistics.srm import sample_ratio
from tamma.model.estimates import Comparison

TASKS = 1000
PEEKS = range(50, TASKS + 1, 50)
SIZES = (5, 6, 7, 8, 9, 10, 10, 11, 12, 13, 14, 15)
"""Tasks of twelve repositories, ten on average."""
ICC = 0.2
"""The share of the variance that lies between repositories."""

Analysis = Callable[["Arm", "Arm"], Comparison]


class Arm:
    """The tasks of six repositories."""

    def __init__(self, random: Random, sizes: NDArray[np.int_], name: str) -> None:
        places = np.repeat(np.arange(sizes.size), sizes)
        between = random.normal(0, ICC**0.5, sizes.size)[places]
        self.values = between + random.normal(0, (1 - ICC) ** 0.5, places.size)
        self.repositories = [f"{name}-{place}" for place in places]


def gates() -> Sequence[Gate]:
    """`split.*` and `clusters.*`."""
    return (
        Gate(
            "split.alarm", f"an even split, looked at every 50 of {TASKS} tasks", Bound(0.0, 0.015), _alarms
        ),
        Gate("split.broken", "45 to 55 in place of even: must be seen", Bound(0.30, 1.0), _broken),
        Gate("clusters.naive", "12 repositories taken as 120 tasks", Bound(0.20, 0.28), _rejected(_naive)),
        Gate("clusters.t", "the same, clustered", Bound(0.0, 0.06), _rejected(_clustered)),
    )


def _alarms(runs: int, random: Random) -> float:
    return share(runs, random, lambda source: _alarm(source, 0.5))


def _broken(runs: int, random: Random) -> float:
    return share(runs, random, lambda source: _alarm(source, 0.45))


def _alarm(random: Random, rate: float) -> bool:
    """Whether an alarm was raised at any look. Each task is assigned by itself: blocks would never alarm."""
    treated = np.cumsum(random.random(TASKS) < rate)
    counts = [(int(treated[tasks - 1]), tasks) for tasks in PEEKS]
    return any(sample_ratio((tasks - count, count), (1, 1)).alarm for count, tasks in counts)


def _rejected(analyse: Analysis) -> Callable[[int, Random], float]:
    """Arms are assigned by repository, and there is no effect."""

    def happens(random: Random) -> bool:
        sizes = random.permutation(np.array(SIZES))
        found = analyse(Arm(random, sizes[:6], "a"), Arm(random, sizes[6:], "b"))
        return found.p is not None and found.p <= 0.05

    return lambda runs, random: share(runs, random, happens)


def _naive(control: Arm, treatment: Arm) -> Comparison:
    return welch(control=control.values, treatment=treatment.values)


def _clustered(control: Arm, treatment: Arm) -> Comparison:
    return clustered(
        control=control.values,
        treatment=treatment.values,
        control_repositories=control.repositories,
        treatment_repositories=treatment.repositories,
    )
