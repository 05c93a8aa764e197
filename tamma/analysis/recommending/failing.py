"""Rules about runs that fail: why they do, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from tamma.analysis.figures.summary import mean, rate
from tamma.analysis.recommending.case import LEAST, Case, Idea, confidence
from tamma.analysis.words import percent, rate_of, usd
from tamma.model.agent import AgentConfig
from tamma.model.analysis import Estimate, Interval, RecommendationKind
from tamma.model.experiment import Metric

OFTEN = 0.1
"""Share of runs that end for one reason, from which something is to be done about it."""
WARM = 0.3
_LEVELS = ("low", "medium", "high", "xhigh", "max")
_WORK = frozenset({"tests", "checks", "red-test", "change", "stuck"})
"""Ends that the agent's own work led to."""
_SERVICE = frozenset(
    {
        "provider",
        "outage",
        "RateLimited",
        "QuotaExhausted",
        "Overloaded",
        "ProviderTimeout",
        "ProviderUnreachable",
    }
)
_LIMITS = frozenset({"budget", "turns", "timeout"})
_PEOPLE = frozenset({"cancelled", "plan", "questions", "merge", "paused"})
"""Ends that people chose: no rule is about them."""
_WORTH = 0.05
"""Share of all cost under which a lower budget saves too little."""
_DEAR = 0.4
"""Share of the money that goes into failed runs, from which an earlier end is worth a thought."""


def reliability(case: Case) -> Iterable[Idea]:
    """What to do about the most frequent reasons for failing. At most such runs are saved."""
    for error, count in case.sums.errors.items():
        if error in _PEOPLE or count < 3 or count / case.sums.runs < OFTEN:
            continue
        found = rate(count, case.sums.runs)
        title, change = _remedy(error, case.config)
        yield Idea(
            RecommendationKind.QUALITY if error in _WORK else RecommendationKind.RELIABILITY,
            title,
            (f"{rate_of(found)} ended by {error!r}",),
            Metric.SUCCESS,
            change,
            found,
            confidence(case.sums.runs, proved=False),
        )


def cost(case: Case) -> Iterable[Idea]:
    """A lower budget, where failed runs go on long after successful ones have ended."""
    priced = [run for run in case.runs if not run.unpriced_calls]
    succeeded = sorted(run.cost_usd for run in priced if run.success)
    total = math.fsum(run.cost_usd for run in priced)
    if len(succeeded) < LEAST or not total:
        return
    failed = math.fsum(run.cost_usd for run in priced if not run.success) / total
    enough = succeeded[math.ceil(round(0.95 * len(succeeded), 9)) - 1]
    saved = [0.0 if run.success else max(run.cost_usd - enough, 0.0) for run in priced]
    if failed < _DEAR or not any(saved) or not enough:
        return
    found = mean(math.fsum(saved), math.fsum(value**2 for value in saved), len(saved))
    average = total / len(priced)
    assert found.value is not None
    if found.interval is None or found.interval.low <= 0 or found.value / average < _WORTH:
        return
    ends = Interval(found.interval.low / average, found.interval.high / average)
    yield Idea(
        RecommendationKind.COST,
        "end runs that cost more than successful ones do",
        (
            f"{percent(failed)} of the money went into runs that failed",
            f"95 % of {len(succeeded)} successful runs cost at most {usd(enough)}",
        ),
        Metric.COST,
        {"run.budgetUsd": f"{enough:.2f}" if enough >= 0.1 else f"{enough:.2g}"},
        Estimate(found.value / average, ends, len(priced)),
        confidence(len(priced), proved=False),
    )


def _remedy(error: str, config: AgentConfig) -> tuple[str, Mapping[str, str]]:
    if error in _WORK:
        temperature, level = config.parameters.temperature, config.parameters.reasoning
        if temperature is not None and temperature > WARM:
            return "let it answer less freely", {"parameters.temperature": "0.2"}
        if level in _LEVELS[:-1]:
            return "let it think harder", {"parameters.reasoning": _LEVELS[_LEVELS.index(level) + 1]}
        if error == "stuck":
            longer = 2 * config.context.keep_messages
            return "let it remember more of what it did", {"context.keep_messages": str(longer)}
        return f"look at runs that ended by {error!r}: `tamma list` shows them", {}
    if error in _SERVICE:
        return "let another provider answer where this one does not: `providers.fallbacks`", {}
    if error in _LIMITS:
        return f"give runs more room, or work that is smaller: they end by {error!r}", {}
    return f"look at runs that ended by {error!r}: `tamma list` shows them", {}
