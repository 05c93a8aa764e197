"""Input to arrays: missing values are counted, impossible ones refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamma.errors import BadFigures
from tamma.model.estimates import Arm, Caution, CautionKind

FloatArray = NDArray[np.float64]
Values = Sequence[float | None] | NDArray[np.floating[Any]]
"""One value a task; None is missing."""

LARGEST = 1e100
"""No cost, duration or score is larger, and squares and sums of these stay far from overflow."""
ROUNDING = 1e-12
"""A spread below this share of the values' size is rounding, not data."""
LEAST_VARIANCE = 1e-250
"""Smaller ones underflow in what is made of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The values of one arm that are there, and how many are not."""

    name: str
    values: FloatArray
    missing: int = 0

    @property
    def n(self) -> int:
        return self.values.size

    @property
    def mean(self) -> float | None:
        return float(np.mean(self.values)) if self.n else None

    @property
    def varies(self) -> bool:
        """Whether the values differ by more than rounding does."""
        return has_spread(self.values, float(np.max(np.abs(self.values), initial=0.0)))

    def arm(self, value: float | None = None) -> Arm:
        """The arm as results name it; `value` is its mean unless given."""
        return Arm(self.n, self.mean if value is None else value, self.missing)

    def cautions(self) -> tuple[Caution, ...]:
        """What must be said of the values themselves."""
        if not self.missing:
            return ()
        words = f"{self.missing} of {self.n + self.missing} values of {self.name} are missing and left out"
        return (Caution(CautionKind.MISSING, words),)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The tasks whose values both arms have, in the same order, and how many tasks lack one."""

    control: FloatArray
    treatment: FloatArray
    missing: int = 0

    @property
    def n(self) -> int:
        return self.control.size

    @property
    def differences(self) -> FloatArray:
        return self.treatment - self.control

    @property
    def varies(self) -> bool:
        """Whether the differences differ by more than rounding does."""
        size = float(np.max(np.abs([self.control, self.treatment]), initial=0.0))
        return has_spread(self.differences, size)

    def arms(self, control: float | None = None, treatment: float | None = None) -> tuple[Arm, Arm]:
        """Control and treatment as results name them; their means unless given."""
        if self.n and control is None:
            control = float(np.mean(self.control))
        if self.n and treatment is None:
            treatment = float(np.mean(self.treatment))
        return Arm(self.n, control, self.missing), Arm(self.n, treatment, self.missing)

    def cautions(self) -> tuple[Caution, ...]:
        """What must be said of the values themselves."""
        if not self.missing:
            return ()
        words = f"{self.missing} of {self.n + self.missing} pairs lack a value and are left out"
        return (Caution(CautionKind.MISSING, words),)


def sample(values: Values, name: str) -> Sample:
    """The values of one arm. Raises BadFigures on NaN, infinity and on what is no list of numbers."""
    array, present = _array(values, name)
    return Sample(name, array[present], int(array.size - np.count_nonzero(present)))


def pairs(control: Values, treatment: Values) -> Pairs:
    """The complete pairs of two arms, `control[i]` with `treatment[i]`.

    Raises BadFigures where the arms differ in length: then the pairs are not known.
    """
    first, there = _array(control, "control")
    second, here = _array(treatment, "treatment")
    if first.size != second.size:
        raise BadFigures(
            f"paired arms must name the same tasks in the same order, but control has {first.size} values "
            f"and treatment {second.size}",
            hint="give None for a task that lacks a value",
        )
    whole = there & here
    return Pairs(first[whole], second[whole], int(first.size - np.count_nonzero(whole)))


def has_spread(values: FloatArray, size: float) -> bool:
    """Whether `values`, computed from numbers as large as `size`, differ by more than rounding does."""
    if values.size < 2:
        return False
    return float(np.ptp(values)) > ROUNDING * size and float(np.var(values, ddof=1)) > LEAST_VARIANCE


def nothing_to_compare(*arms: Sample) -> tuple[Caution, ...]:
    """The cautions on arms without any value; empty where all have some."""
    return tuple(
        Caution(CautionKind.EMPTY, f"{arm.name} has no value: nothing can be compared")
        for arm in arms
        if not arm.n
    )


def checked_level(level: float) -> float:
    """The confidence level, if it is one. Raises BadFigures otherwise."""
    if not 0.5 <= level < 1:
        raise BadFigures(f"a confidence level must lie in [0.5, 1), not {level!r}", hint="0.95 is usual")
    return level


def _array(values: Values, name: str) -> tuple[FloatArray, NDArray[np.bool_]]:
    """All values, 0 where one is missing, and where one is present."""
    present = np.array([value is not None for value in values], dtype=np.bool_)
    array = np.array([0.0 if value is None else value for value in values], dtype=np.float64)
    if array.ndim != 1:
        raise BadFigures(f"the values of {name} must be one list, not an array of shape {array.shape!r}")
    wrong = np.flatnonzero(~(np.abs(array) <= LARGEST))
    if wrong.size:
        at = int(wrong[0])
        raise BadFigures(
            f"value {at} of {name} is {float(array[at])!r}, which no measurement is ({wrong.size} such)",
            hint="a value that was not measured is None; mend what recorded this one",
        )
    return array, present
