"""The verdict in words, for people who know no statistics. It decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from tamma.experiments.wording import amount, does, finite, span
from tamma.model.verdict import Decision, Evidence, GuardrailResult, Reason


def sentence(decision: Decision, reasons: Sequence[Reason], evidence: Evidence) -> str:
    """One to four sentences."""
    words = {
        Decision.INVALID: _invalid,
        Decision.CONTROL: _control,
        Decision.WINNER: _winner,
        Decision.EQUIVALENT: _equivalent,
        Decision.INCONCLUSIVE: _inconclusive,
    }
    return words[decision](reasons, evidence)


def _invalid(reasons: Sequence[Reason], evidence: Evidence) -> str:
    words = {
        Reason.CONFIG_CHANGED: f"a configuration changed meanwhile ({'; '.join(evidence.config_changed)})",
        Reason.MODEL_CHANGED: f"a model changed meanwhile ({'; '.join(evidence.model_changed)})",
        Reason.SRM: "the two versions did not get the share of the work that was planned for them, which "
        "points to a fault in the test itself",
        Reason.MISSINGNESS_DIFFERS: "results are missing more often for one version than for the other",
        Reason.MISSING_DATA: f"{evidence.missing_share:.0%} of the results are missing",
        Reason.TOO_FEW: f"there are {evidence.primary.n} complete results, too few to prove anything",
    }
    why = "; ".join(words[reason] for reason in reasons if reason in words)
    return f"The test says nothing about the candidate: {why}."


def _control(reasons: Sequence[Reason], evidence: Evidence) -> str:
    parts = [
        f"its {result.guardrail.metric.value} is worse by more than the {_margin(result)} that were allowed"
        for result in evidence.guardrails
        if result.harmed
    ]
    if Reason.PRIMARY_HARM in reasons:
        parts.append(f"it {_gain(evidence)} ({_truth(evidence)})")
    return f"The candidate does harm, so the control stays: {'; and '.join(parts)}."


def _winner(reasons: Sequence[Reason], evidence: Evidence) -> str:
    words = f"The candidate is better: it {_gain(evidence)} than the control ({_truth(evidence)})."
    if evidence.guardrails:
        words += " No guardrail is broken."
    if Reason.STOPPED_EARLY in reasons:
        words += " The test ended early, which tends to make a difference look larger than it is."
    return words


def _equivalent(_reasons: Sequence[Reason], evidence: Evidence) -> str:
    least = amount(evidence.primary.metric, evidence.minimum_effect)
    return (
        f"Both are as good as each other, as far as it matters: the candidate is {_truth(evidence)}, "
        f"and only {least} or more were to count."
    )


def _inconclusive(reasons: Sequence[Reason], evidence: Evidence) -> str:
    start = "The test leaves it open" if evidence.final else "It is open so far"
    if Reason.NOT_SIGNIFICANT not in reasons:
        return (
            f"{start}: the candidate {_gain(evidence)}, and that is no accident, {_but(reasons, evidence)}."
        )
    if finite(evidence.primary.estimate) is None:
        why = evidence.primary.problem or "there is nothing to compare"
        return f"{start}: {why}."
    words = f"{start}: the candidate {_gain(evidence)}, but that may be chance ({_truth(evidence)})."
    if (detectable := finite(evidence.mde)) is not None:
        least = amount(evidence.primary.metric, detectable)
        words += f" {evidence.units} tasks reliably show differences of {least} or more."
    if evidence.units_missing:
        words += f" To show one as large as this takes about {evidence.units_missing} more."
    return words


def _but(reasons: Sequence[Reason], evidence: Evidence) -> str:
    parts: list[str] = []
    if Reason.BELOW_MINIMUM in reasons:
        least = amount(evidence.primary.metric, evidence.minimum_effect)
        parts.append(f"but it is less than the {least} that were asked for")
    if Reason.GUARDRAIL_OPEN in reasons:
        unproved = (result for result in evidence.guardrails if not result.passed)
        named = " and ".join(f"{result.guardrail.metric.value} by {_margin(result)}" for result in unproved)
        parts.append(f"but it may be worse in {named} or more")
    if Reason.UNKNOWN_OUTCOMES in reasons:
        parts.append("but results are missing that might undo it")
    return ", ".join(parts)


def _gain(evidence: Evidence) -> str:
    return does(evidence.primary.metric, finite(evidence.primary.estimate) or 0.0)


def _truth(evidence: Evidence) -> str:
    effect = evidence.primary
    return f"likely {span(effect.metric, finite(effect.low), finite(effect.high))}"


def _margin(result: GuardrailResult) -> str:
    return amount(result.guardrail.metric, result.guardrail.margin)
