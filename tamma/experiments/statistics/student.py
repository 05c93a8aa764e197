"""An estimate, its standard error and degrees of freedom: statistic, p and interval of Student's t."""

from __future__ import annotations

from dataclasses import dataclass

from tamma.experiments.statistics.distributions import student_quantile, student_two_sided
from tamma.model.estimates import Interval


@dataclass(frozen=True, slots=True)
class Student:
    """`halfwidth` is that of the interval at the level asked for."""

    statistic: float
    p: float
    halfwidth: float

    def interval(self, estimate: float, level: float) -> Interval:
        return Interval(estimate - self.halfwidth, estimate + self.halfwidth, level)


def student(estimate: float, standard_error: float, df: float, level: float) -> Student:
    """The t test of `estimate` against 0. `standard_error` must be above 0."""
    statistic = estimate / standard_error
    halfwidth = student_quantile((1 + level) / 2, df) * standard_error
    return Student(statistic, student_two_sided(statistic, df), halfwidth)
