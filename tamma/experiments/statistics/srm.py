"""Is the split the planned one, and do both arms report alike? If not, no result means anything."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tamma.errors import BadFigures
from tamma.experiments.statistics.distributions import chi_square_above
from tamma.experiments.statistics.proportions import Counts, compare_rates
from tamma.model.estimates import MissingCheck, SplitCheck

ALARM = 0.001
"""p below this: an assignment that works sees it once in a thousand tests, however large they are."""
LEAST_EXPECTED = 5.0
"""Expected tasks in the smallest arm; below it chi-square is too rough to raise an alarm on."""


def sample_ratio(observed: Sequence[int], planned: Sequence[float]) -> SplitCheck:
    """Chi-square of the tasks in each arm against the planned shares (weights of any scale).

    An arm that was planned no task and has one is an alarm without a test. Under `LEAST_EXPECTED` expected
    tasks in an arm there is no p yet.
    """
    seen, weights = tuple(observed), tuple(planned)
    if len(seen) != len(weights) or len(seen) < 2:
        raise BadFigures(
            f"the split needs as many counts as shares, two or more: {seen!r} against {weights!r}"
        )
    if min(seen) < 0:
        raise BadFigures(f"counts of tasks cannot be negative: {seen!r}")
    whole = sum(weights)
    if not all(0 <= weight < math.inf for weight in weights) or not 0 < whole < math.inf:
        raise BadFigures(f"planned shares must be 0 or more with a sum above 0: {weights!r}")
    total = sum(seen)
    expected = tuple(total * (weight / whole) for weight in weights)
    against = f"tasks in the arms: {_listed(seen)}, planned {_listed(expected)}"
    if any(count and not share for count, share in zip(seen, expected, strict=True)):
        words = f"{against}: an arm that was planned no task has some"
        return SplitCheck(seen, expected, None, 0, 0.0, alarm=True, words=words)
    used = [(count, share) for count, share in zip(seen, expected, strict=True) if share]
    if len(used) < 2 or min(share for _, share in used) < LEAST_EXPECTED:
        words = f"{against}: too few to tell whether the split is the planned one"
        return SplitCheck(seen, expected, None, max(len(used) - 1, 0), None, alarm=False, words=words)
    statistic = sum((count - share) ** 2 / share for count, share in used)
    p = chi_square_above(statistic, len(used) - 1)
    alarm = p < ALARM
    meaning = "assignment or recording is broken" if alarm else "as planned"
    return SplitCheck(
        seen, expected, statistic, len(used) - 1, p, alarm, f"{against}: p = {p:.3g}, {meaning}"
    )


def missingness(*, control: Counts, treatment: Counts) -> MissingCheck:
    """Whether the metric is missing in one arm more often; `successes` are the tasks that have it.

    A metric that fails to be recorded where an arm does badly makes that arm look good.
    """
    comparison = compare_rates(control=control, treatment=treatment)
    alarm = comparison.p is not None and comparison.p < ALARM
    lacking = [f"{arm.n - arm.successes} of {arm.n}" for arm in (control, treatment)]
    p = "no test" if comparison.p is None else f"p = {comparison.p:.3g}"
    words = f"the metric is missing for {lacking[0]} tasks of control and {lacking[1]} of treatment: {p}"
    return MissingCheck(comparison, alarm, words)


def _listed(counts: Sequence[float]) -> str:
    return " / ".join(f"{count:.10g}" for count in counts)
