"""One look: its boundary, what looking more than once costs, and what may be shown meanwhile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from tamma.experiments.looks import nominal_p
from tamma.experiments.methods import Sample, effect_on, on_scale, on_test_scale, standard_error
from tamma.experiments.outcomes import Table
from tamma.experiments.wording import signed, span
from tamma.model.estimates import Comparison, Measure
from tamma.model.looks import DueLook
from tamma.model.verdict import Look

_WIDEST = 1.0 - 1e-9
"""No interval is asked for at a higher level: methods' tails are not that exact."""
_LEAST_ALPHA, _MOST_ALPHA = 1e-6, 0.999
_LEAST_P = 1e-300


def now(due: DueLook, table: Table, planned: int) -> DueLook:
    """The look on what is complete by now, which may be more than when it came due."""
    units = max(table.units, 1)
    prior = tuple(bound for bound in due.prior if bound.units < units)
    return replace(due, units=units, last=due.last or units >= planned, prior=prior)


def spending(due: DueLook, planned: int) -> DueLook:
    """The look as its boundary is computed: one by which a person ended the test early is like any other."""
    return replace(due, last=due.last and (not due.by_hand or due.units >= planned))


def level_of(bound: float) -> float:
    """The level of the intervals that hold at this look and all others: one less the look's nominal p."""
    return min(_WIDEST, 1.0 - nominal_p(bound))


def adjusted_p(p: float, due: DueLook, planned: int) -> float:
    """The repeated p-value: the least alpha whose boundary at this look is reached, the looks before it being
    at the same units (Jennison & Turnbull 2000, section 9.3).

    It is at most the plan's alpha just where the look crosses. Of several looks, never under 0.000001.
    """
    from tamma.experiments.sequential.normal import quantile, root
    from tamma.experiments.sequential.spending import boundaries

    if not due.prior and due.last:
        return p
    times = [bound.units / planned for bound in due.prior] + [due.units / planned]
    times += [] if due.last else [1.0]
    score, at = quantile(max(p, _LEAST_P) / 2), len(due.prior)

    def lacking(logarithm: float) -> float:
        return boundaries(times, math.exp(logarithm))[at] - score

    least, most = math.log(_LEAST_ALPHA), math.log(_MOST_ALPHA)
    if lacking(least) <= 0:
        return _LEAST_ALPHA
    if lacking(most) >= 0:
        return 1.0
    return math.exp(root(lacking, least, most, within=1e-4))


def if_stopped(
    sample: Sample, found: Comparison, due: DueLook, taken: Sequence[Look], alpha: float
) -> tuple[str, ...]:
    """The estimate without the exaggeration of stopping early, in a line. Nothing where a look before had
    crossed already, which the stage-wise ordering knows no place for, or where none was before.
    """
    from tamma.experiments.sequential.inference import at_stop, equivalent_se

    estimate, se = on_test_scale(found), standard_error(sample, found)
    if not due.prior or not taken or any(look.crossed for look in taken):
        return ()
    if estimate is None or se is None or found.p is None:
        return ()
    se = equivalent_se(estimate, se, found.p)
    stopped = at_stop(due.prior, due.units, estimate, se, alpha=alpha)
    middle, *others = (
        effect_on(sample.metric, each) for each in (stopped.median_unbiased, stopped.low, stopped.high)
    )
    shown = f"{signed(sample.metric, middle)} ({span(sample.metric, min(others), max(others))})"
    return (f"stopped here, by stage-wise ordering: {shown}, p {stopped.p:.3g}",)


def watched(sample: Sample, planned: int, alpha: float) -> tuple[float | None, float | None]:
    """The always-valid interval of the effect, for display; None where the data cannot bear one yet."""
    from tamma.experiments.sequential.confidence import watch_pairs, watch_split

    control, candidate = on_scale(sample, sample.control), on_scale(sample, sample.candidate)
    if sample.paired:
        whole = zip(control, candidate, strict=True)
        apart = [after - before for before, after in whole if before is not None and after is not None]
        found = watch_pairs(apart, planned, alpha=alpha)
    else:
        arms = [[value for value in values if value is not None] for values in (control, candidate)]
        found = watch_split(arms[0], arms[1], planned, alpha=alpha)
    if found.low is None or found.high is None:
        return None, None
    ends = effect_on(sample.metric, found.low), effect_on(sample.metric, found.high)
    return min(ends), max(ends)


def normal_score(found: Comparison) -> float | None:
    """The p as a normal score, positive where the candidate is better; None without a test."""
    from tamma.experiments.sequential.normal import quantile

    scale = on_test_scale(found)
    if found.p is None or scale is None:
        return None
    size = quantile(max(found.p, _LEAST_P) / 2) if found.p < 1.0 else 0.0
    return math.copysign(size, -scale if found.measure is Measure.RATIO else scale)
