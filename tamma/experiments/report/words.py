"""Figures and reasons in words, the same in every rendering."""

from __future__ import annotations

from decimal import Decimal

from tamma.experiments.wording import amount, finite, signed, span
from tamma.model.experiment import Metric
from tamma.model.verdict import Decision, Effect, Evidence, GuardrailResult, Reason, StopReason

DASH = "–"
"""What is not known."""
REHEARSAL = (
    "A rehearsal: the outcomes were drawn from declared rates. No model worked; costs and times are drawn "
    "as well."
)

DECISIONS = {
    Decision.WINNER: "The candidate wins",
    Decision.CONTROL: "The control stays",
    Decision.EQUIVALENT: "No difference that matters",
    Decision.INCONCLUSIVE: "Not settled",
    Decision.INVALID: "Not valid",
}

REASONS = {
    Reason.SRM: "The arms did not get the shares of the work that were planned for them.",
    Reason.TOO_FEW: "Too few tasks are complete in both arms.",
    Reason.MISSING_DATA: "Too many results are missing.",
    Reason.MISSINGNESS_DIFFERS: "Results are missing more often in one arm than in the other.",
    Reason.MODEL_CHANGED: "An arm was answered by another model than before.",
    Reason.CONFIG_CHANGED: "An arm ran with another configuration than the one that was frozen.",
    Reason.GUARDRAIL_HARM: "A guardrail is broken: the candidate is proved to be worse than was allowed.",
    Reason.PRIMARY_HARM: "The candidate is proved to be worse on the metric that decides.",
    Reason.PRIMARY_WIN: "The candidate is proved to be better on the metric that decides, by enough.",
    Reason.BELOW_MINIMUM: "The candidate is better, but by less than was asked for.",
    Reason.GUARDRAIL_OPEN: "It is not proved that every guardrail holds.",
    Reason.WITHIN_MINIMUM: "The whole interval lies within the least difference that counts.",
    Reason.UNKNOWN_OUTCOMES: "Results are missing, or runs have not ended, that might undo what was seen.",
    Reason.NOT_SIGNIFICANT: "The difference that was seen may be chance.",
    Reason.STOPPED_EARLY: "Fewer tasks were done than planned; an early end makes differences look larger.",
}

STOPS = {
    StopReason.BOUNDARY: "a look settled it",
    StopReason.COMPLETED: "all planned tasks were done",
    StopReason.BUDGET: "the money was used up",
    StopReason.DEADLINE: "the time was over",
    StopReason.SIGNAL: "somebody stopped it",
    StopReason.INVALID: "the comparison broke",
}

METHODS = {
    "mcnemar-exact": "exact McNemar test, Newcombe's paired interval",
    "newcombe-barnard": "Barnard's exact test, Newcombe's interval",
    "newcombe-score": "score test, Newcombe's interval",
    "paired-t": "t test of the tasks' differences",
    "welch-t": "Welch's t test",
    "log-paired-t": "t test of the tasks' log ratios (geometric means)",
    "log-welch-t": "Welch's t test of logarithms (geometric means)",
}

TITLES = {
    Metric.SUCCESS: "Tasks solved",
    Metric.QUALITY: "Quality",
    Metric.COST: "Cost",
    Metric.DURATION: "Working time",
}


def title(metric: Metric) -> str:
    return TITLES[metric]


def method(name: str) -> str:
    return METHODS.get(name, name)


def percent(share: float | None, digits: int = 1) -> str:
    return DASH if finite(share) is None else f"{(share or 0.0) * 100:.{digits}f} %"


def number(value: float | None, digits: int = 1) -> str:
    return DASH if finite(value) is None else f"{value:,.{digits}f}"


def money(dollars: float | Decimal | None) -> str:
    """`$1,234.50`, `$0.0042`."""
    if dollars is None:
        return DASH
    value = float(dollars)
    return f"${value:,.2f}" if abs(value) >= 0.1 or value == 0 else f"${value:.4f}"


def lasting(milliseconds: float | None) -> str:
    """`45 s`, `12.5 min`, `3.2 h`."""
    if finite(milliseconds) is None:
        return DASH
    seconds = (milliseconds or 0.0) / 1000
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def p_value(p: float | None) -> str:
    if p is None:
        return DASH
    return "<0.0001" if p < 0.0001 else f"{p:.4f}" if p < 0.01 else f"{p:.3f}"


def value(metric: Metric, measured: float | None) -> str:
    """An arm's own value of a metric."""
    if metric is Metric.SUCCESS:
        return percent(measured)
    if metric is Metric.COST:
        return money(measured)
    return number(measured) if metric is Metric.QUALITY else lasting(measured)


def size(metric: Metric, effect: float) -> str:
    """How large an effect is, without its sign."""
    return amount(metric, effect)


def seen(effect: Effect) -> str:
    """`8.0 points better`, or why there is no figure."""
    estimate = finite(effect.estimate)
    return effect.problem or "nothing to compare" if estimate is None else signed(effect.metric, estimate)


def interval(effect: Effect) -> str:
    low, high = finite(effect.low), finite(effect.high)
    return DASH if low is None and high is None else span(effect.metric, low, high)


def guarded(result: GuardrailResult) -> str:
    """How a guardrail stands."""
    return "broken" if result.harmed else "holds" if result.passed else "not proved"


def not_general(evidence: Evidence) -> str:
    """What a result of few, or of differing, repositories is worth."""
    count = evidence.repositories
    return f"The result holds for the repositories that were tested ({count}), perhaps not for others."


def web_link(address: str) -> str:
    """The address where it is one of the web, else nothing: a link must never run anything."""
    return address if address.startswith(("https://", "http://")) else ""
