"""The verdict of an A/B test: a pure state machine over the evidence, with a reason for each step.

    invalid       the comparison itself is broken; whatever the figures say, nothing follows from them
    control       the candidate is proved to do harm, on a guardrail or on the primary metric
    winner        better beyond the look's boundary, the interval excludes 0, by the minimum effect or more,
                  and every guardrail is proved to hold, whatever the results that are missing would be
    equivalent    the whole interval lies within the minimum effect
    inconclusive  none of these

The first that holds counts. The intervals are the look's own (repeated confidence intervals), which are right
at all looks together, so that a test may end at whichever look settles it. A figure that is missing proves
nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from tamma.experiments.sentence import sentence
from tamma.experiments.wording import finite
from tamma.model.verdict import Decision, Effect, Evidence, Reason, Verdict

SRM_ALARM = 0.001
"""Sample ratio mismatch below this p blocks every decision: chance makes it once in a thousand tests."""
MISSINGNESS_ALARM = 0.001
MOST_MISSING = 0.2
"""Share of missing primary values over which what is left no longer stands for the whole."""
LEAST_UNITS = 6
"""Five pairs that all point one way have a two-sided p of 2/32: no exact test of fewer than 6 reaches .05."""


def decide(evidence: Evidence) -> Verdict:
    """What the evidence says. Before the last look an inconclusive verdict means: go on."""
    decision, reasons = _first(evidence)
    if _ends(decision, evidence) and evidence.units < evidence.units_planned:
        reasons += (Reason.STOPPED_EARLY,)
    words = sentence(decision, reasons, evidence)
    return Verdict(decision, reasons, words, may_auto_apply=_may_auto_apply(decision, evidence))


def is_settled(verdict: Verdict) -> bool:
    """Whether the test may end at this look, because more data would not be asked for."""
    return verdict.decision is not Decision.INCONCLUSIVE


def _first(evidence: Evidence) -> tuple[Decision, tuple[Reason, ...]]:
    for decision, proof in _LADDER:
        if reasons := proof(evidence):
            return decision, reasons
    return Decision.INCONCLUSIVE, _open(evidence)


def _broken(evidence: Evidence) -> tuple[Reason, ...]:
    srm, missingness = finite(evidence.srm_p), finite(evidence.missing_p)
    return _those(
        (Reason.CONFIG_CHANGED, bool(evidence.config_changed)),
        (Reason.MODEL_CHANGED, bool(evidence.model_changed)),
        (Reason.SRM, srm is not None and srm < SRM_ALARM),
        (Reason.MISSINGNESS_DIFFERS, missingness is not None and missingness < MISSINGNESS_ALARM),
        # More data may still mend these two.
        (Reason.MISSING_DATA, evidence.final and _much_missing(evidence)),
        (Reason.TOO_FEW, evidence.final and evidence.primary.n < LEAST_UNITS),
    )


def _harm(evidence: Evidence) -> tuple[Reason, ...]:
    return _those(
        (Reason.GUARDRAIL_HARM, any(result.harmed for result in evidence.guardrails)),
        (Reason.PRIMARY_HARM, evidence.significant and _excludes_zero(evidence.primary) < 0),
    )


def _win(evidence: Evidence) -> tuple[Reason, ...]:
    won = _is_better(evidence) and _is_enough(evidence) and not _guardrail_open(evidence)
    won = won and _holds_at_worst(evidence)
    return _those((Reason.PRIMARY_WIN, won))


def _same(evidence: Evidence) -> tuple[Reason, ...]:
    low, high, least = finite(evidence.primary.low), finite(evidence.primary.high), evidence.minimum_effect
    if low is None or high is None or not (-least < low and high < least):
        return ()
    return _those((Reason.WITHIN_MINIMUM, True), (Reason.BELOW_MINIMUM, _is_better(evidence)))


def _open(evidence: Evidence) -> tuple[Reason, ...]:
    better = _is_better(evidence)
    return _those(
        (Reason.TOO_FEW, evidence.primary.n < LEAST_UNITS),
        (Reason.MISSING_DATA, _much_missing(evidence)),
        (Reason.NOT_SIGNIFICANT, not better),
        (Reason.BELOW_MINIMUM, better and not _is_enough(evidence)),
        (Reason.GUARDRAIL_OPEN, better and _guardrail_open(evidence)),
        (Reason.UNKNOWN_OUTCOMES, better and not _holds_at_worst(evidence)),
    )


_LADDER: tuple[tuple[Decision, Callable[[Evidence], tuple[Reason, ...]]], ...] = (
    (Decision.INVALID, _broken),
    (Decision.CONTROL, _harm),
    (Decision.WINNER, _win),
    (Decision.EQUIVALENT, _same),
)
"""In order: the first proof that gives reasons is the decision."""


def _may_auto_apply(decision: Decision, evidence: Evidence) -> bool:
    # The interval's lower end, not the estimate: a test that stops early overstates its estimate.
    ends = [finite(each.low) for each in (evidence.primary, evidence.at_worst) if each is not None]
    return decision is Decision.WINNER and all(
        low is not None and low > evidence.minimum_effect for low in ends
    )


def _ends(decision: Decision, evidence: Evidence) -> bool:
    return evidence.final or decision in (Decision.CONTROL, Decision.WINNER, Decision.EQUIVALENT)


def _is_better(evidence: Evidence) -> bool:
    return evidence.significant and _excludes_zero(evidence.primary) > 0


def _is_enough(evidence: Evidence) -> bool:
    estimate = finite(evidence.primary.estimate)
    return estimate is not None and estimate >= evidence.minimum_effect


def _holds_at_worst(evidence: Evidence) -> bool:
    """Runs that fail silently or never end are no accident: what makes an arm worse makes it lose them."""
    worst = evidence.at_worst
    return worst is None or (evidence.significant_at_worst and _excludes_zero(worst) > 0)


def _guardrail_open(evidence: Evidence) -> bool:
    return not all(result.passed for result in evidence.guardrails)


def _much_missing(evidence: Evidence) -> bool:
    share = finite(evidence.missing_share)
    return share is None or share > MOST_MISSING


def _excludes_zero(effect: Effect) -> int:
    """1 or -1 where the whole interval lies on that side of 0, else 0. A missing end lies on no side."""
    low, high = finite(effect.low), finite(effect.high)
    if low is None or high is None:
        return 0
    return (low > 0) - (high < 0)


def _those(*found: tuple[Reason, bool]) -> tuple[Reason, ...]:
    return tuple(reason for reason, holds in found if holds)
