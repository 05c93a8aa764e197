"""Guardrails: is treatment no worse than a limit? One-sided non-inferiority, each at its full alpha.

All guardrails must pass, so none is adjusted for there being several: that would only make passing harder
(an intersection-union test; Berger, 1982).
"""

from __future__ import annotations

import math

from tamma.errors import BadFigures
from tamma.experiments.statistics.distributions import student_above
from tamma.model.estimates import Comparison, Guardrail, GuardrailVerdict, Measure

ALPHA = 0.05
"""One-sided. Its interval is the two-sided one of 90 %."""


def level_for(alpha: float = ALPHA) -> float:
    """The two-sided level at which a comparison must be computed to be held against a guardrail."""
    if not 0 < alpha <= 0.25:
        raise BadFigures(f"a one-sided alpha must lie in (0, 0.25], not {alpha!r}", hint="0.05 is usual")
    return 1 - 2 * alpha


def guardrail(
    comparison: Comparison, *, limit: float, higher_is_better: bool, alpha: float = ALPHA
) -> Guardrail:
    """Hold a comparison, computed at `level_for(alpha)`, against the worst value that is tolerated.

    `limit` is in the comparison's measure: -0.05 for a success rate that may fall by five points, 1.1 for a
    cost that may rise by a tenth as a ratio. Raises BadFigures for a limit on the good side of no difference,
    which would be a superiority test, and for an interval of another level.
    """
    null = comparison.measure.null
    better = 1.0 if higher_is_better else -1.0
    if not math.isfinite(limit) or better * (limit - null) > 0 or (_is_ratio(comparison) and limit <= 0):
        side = "below" if higher_is_better else "above"
        raise BadFigures(
            f"the limit {limit!r} is no tolerated worsening of a {comparison.measure.value}",
            hint=f"the limit lies {side} {null:g}, which means no difference, or at it",
        )
    interval = comparison.interval
    if interval is None or comparison.estimate is None:
        return Guardrail(
            GuardrailVerdict.UNPROVEN, limit, None, None, "there is no interval to hold against the limit"
        )
    if not math.isclose(interval.level, level_for(alpha)):
        raise BadFigures(
            f"a one-sided test at {alpha!r} needs the interval of level {level_for(alpha):g}, "
            f"not {interval.level!r}",
            hint="compute the comparison with level=level_for(alpha)",
        )
    worse, other = (interval.low, interval.high) if higher_is_better else (interval.high, interval.low)
    if worse is not None and better * (worse - limit) > 0:
        verdict, meaning = GuardrailVerdict.PASSED, "is better than the limit"
    elif other is not None and better * (other - limit) < 0:
        verdict, meaning = GuardrailVerdict.HARM, "and the whole interval are worse than the limit"
    else:
        verdict, meaning = GuardrailVerdict.UNPROVEN, "is not better than the limit"
    shown = "unbounded" if worse is None else f"{worse:.4g}"
    words = f"the worst value of the interval, {shown}, {meaning} of {limit:.4g}"
    return Guardrail(verdict, limit, worse, _one_sided_p(comparison, limit, better), words)


def _one_sided_p(comparison: Comparison, limit: float, better: float) -> float | None:
    """p of "treatment is as bad as the limit, or worse", where the comparison is a t test."""
    error, df, estimate = comparison.standard_error, comparison.df, comparison.estimate
    if error is None or df is None or estimate is None:
        return None
    if _is_ratio(comparison):
        if estimate <= 0:
            return None
        estimate, limit = math.log(estimate), math.log(limit)
    return student_above(better * (estimate - limit) / error, df)


def _is_ratio(comparison: Comparison) -> bool:
    return comparison.measure is Measure.RATIO
