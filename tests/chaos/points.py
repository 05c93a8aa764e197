"""Where a run can be struck: each execution of an activity, at three moments. Pure: drawn from a seed.

An execution is named by its activity and its number among those of the same name, in the order in which the
run and its sessions scheduled them in an undisturbed run.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Moment(StrEnum):
    BEFORE = "before"
    """The worker has the activity, none of its code has run."""
    EFFECT = "effect"
    """Its code has run; Temporal does not know yet."""
    AFTER = "after"
    """Temporal has its result."""


@dataclass(frozen=True, slots=True)
class Point:
    """A moment of one execution. As text `run_tools#3:effect`."""

    activity: str
    number: int
    """From 1."""
    moment: Moment

    def __str__(self) -> str:
        return f"{self.activity}#{self.number}:{self.moment}"

    @property
    def execution(self) -> tuple[str, int]:
        return self.activity, self.number

    @classmethod
    def parse(cls, text: str) -> Point:
        execution, _, moment = text.partition(":")
        activity, _, number = execution.partition("#")
        return cls(activity, int(number), Moment(moment))


def points_of(activities: Iterable[str], moments: Sequence[Moment] = tuple(Moment)) -> tuple[Point, ...]:
    """All points of a run that executed these activities, in order."""
    seen: Counter[str] = Counter()
    found: list[Point] = []
    for name in activities:
        seen[name] += 1
        found += [Point(name, seen[name], moment) for moment in moments]
    return tuple(found)


def one_of_each(points: Iterable[Point], seed: int) -> tuple[Point, ...]:
    """A point of each activity, as the seed chooses."""
    by_activity: dict[str, list[Point]] = {}
    for point in points:
        by_activity.setdefault(point.activity, []).append(point)
    chance = random.Random(seed)
    return tuple(chance.choice(found) for found in by_activity.values())


def grouped(
    points: Sequence[Point], seed: int, per_run: int, most: int | None = None
) -> tuple[tuple[Point, ...], ...]:
    """The points of a seed, in runs: shuffled, at most `most` of them, at most `per_run` in one run, and
    no execution struck twice in the same run (its attempts are few)."""
    order = list(points)
    random.Random(seed).shuffle(order)
    runs: list[list[Point]] = []
    for point in order[:most]:
        for run in runs:
            if len(run) < per_run and all(other.execution != point.execution for other in run):
                run.append(point)
                break
        else:
            runs.append([point])
    return tuple(tuple(run) for run in runs)
