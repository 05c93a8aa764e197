"""An estimate, its standard error and degrees of freedom: the comparison by Student's t."""

from __future__ import annotations

from tamma.experiments.statistics.distributions import student_quantile, student_two_sided
from tamma.model.estimates import Arm, Caution, Comparison, Effect, Interval, Measure


def t_test(
    method: str,
    arms: tuple[Arm, Arm],
    estimate: float,
    *,
    standard_error: float,
    df: float,
    level: float,
    effect: Effect | None = None,
    cautions: tuple[Caution, ...] = (),
) -> Comparison:
    """The t test of the difference `estimate` against 0. `standard_error` must be above 0."""
    statistic = estimate / standard_error
    halfwidth = student_quantile((1 + level) / 2, df) * standard_error
    return Comparison(
        method,
        Measure.DIFFERENCE,
        *arms,
        estimate=estimate,
        interval=Interval(estimate - halfwidth, estimate + halfwidth, level),
        p=student_two_sided(statistic, df),
        statistic=statistic,
        df=df,
        standard_error=standard_error,
        effect=effect,
        cautions=cautions,
    )
