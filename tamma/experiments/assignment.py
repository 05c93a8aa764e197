"""Which unit gets which arm: drawn from a seed, the same on every machine and every Python.

`random` promises neither across versions, so the numbers are SHA-256 of the seed, a purpose and a counter.
Pure, and light enough for workflows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import TypeVar

from tamma.model.experiment import ABTestId, Arm, Assignment

T = TypeVar("T")

LIVE_BLOCKS = (2, 4, 6)
"""Sizes of a live split's permuted blocks. Several, so that nobody who counts runs knows the next arm."""
ORDER_BLOCK = 4
"""Of so many tasks in a row, half begin with each arm: what drifts over time hits both alike."""
_RANGE = 1 << 64


@dataclass(frozen=True, slots=True)
class Unit:
    """What can be assigned: a task of a suite."""

    id: str
    stratum: str
    """Task type and repository."""


class Draws:
    """An endless row of numbers that a seed and a purpose fix."""

    def __init__(self, seed: int, purpose: str) -> None:
        self._key = f"{seed}\n{purpose}\n"
        self._count = 0

    def below(self, bound: int) -> int:
        """A number from 0 to `bound - 1`, each as likely as another. Raises ValueError under 1."""
        if bound < 1:
            raise ValueError(f"there is no number below {bound!r}")
        fair = _RANGE - _RANGE % bound  # what lies above would make small numbers likelier
        while (value := self._next()) >= fair:
            pass
        return value % bound

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """The values in a random order (Fisher and Yates)."""
        mixed = list(values)
        for last in range(len(mixed) - 1, 0, -1):
            other = self.below(last + 1)
            mixed[last], mixed[other] = mixed[other], mixed[last]
        return mixed

    def _next(self) -> int:
        digest = hashlib.sha256(f"{self._key}{self._count}".encode()).digest()
        self._count += 1
        return int.from_bytes(digest[:8], "big")


def seed_of(test_id: ABTestId) -> int:
    """The seed of a plan that names none: 1 to 2**53 - 1, which JSON's readers keep whole."""
    return int.from_bytes(hashlib.sha256(test_id.encode()).digest()[:8], "big") % ((1 << 53) - 1) + 1


def assign_paired(seed: int, units: Sequence[Unit], take: int, replicates: int = 1) -> tuple[Assignment, ...]:
    """`take` of the units in a random order, each with both arms `replicates` times in random order.

    The order in which units are given does not matter. Raises ValueError where there are too few of them, or
    one occurs twice.
    """
    if not 0 < take <= len(units) or len({unit.id for unit in units}) != len(units):
        raise ValueError(f"{take} of {len(units)} tasks cannot be taken, or a task occurs twice")
    order = Draws(seed, "units").shuffled(sorted(units, key=lambda unit: unit.id))[:take]
    firsts = [_first_arms(seed, replicate) for replicate in range(replicates)]
    return tuple(
        Assignment(
            position,
            unit.id,
            unit.stratum,
            tuple(arm for first in firsts for arm in _both(next(first))),
        )
        for position, unit in enumerate(order)
    )


class LiveArms:
    """The arms of a stratum of a live test, by number from 0: permuted blocks of `LIVE_BLOCKS`."""

    def __init__(self, seed: int, stratum: str) -> None:
        self._coming = _live_arms(seed, stratum)
        self._drawn: list[Arm] = []

    def __call__(self, number: int) -> Arm:
        self._drawn.extend(islice(self._coming, max(0, number + 1 - len(self._drawn))))
        return self._drawn[number]


def _live_arms(seed: int, stratum: str) -> Iterator[Arm]:
    draws = Draws(seed, f"live {stratum}")
    while True:
        yield from _block(draws, LIVE_BLOCKS[draws.below(len(LIVE_BLOCKS))])


def _first_arms(seed: int, replicate: int) -> Iterator[Arm]:
    """Who goes first, task by task."""
    for number in count():
        yield from _block(Draws(seed, f"order {replicate} {number}"), ORDER_BLOCK)


def _block(draws: Draws, size: int) -> list[Arm]:
    return draws.shuffled([Arm.CONTROL, Arm.CANDIDATE] * (size // 2))


def _both(first: Arm) -> tuple[Arm, Arm]:
    return (first, Arm.CANDIDATE if first is Arm.CONTROL else Arm.CONTROL)
