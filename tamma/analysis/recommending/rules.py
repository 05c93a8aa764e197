"""All rules over one agent, and what is made of their ideas."""

from __future__ import annotations

import hashlib
import json
import shlex

from tamma.analysis.configs import is_own
from tamma.analysis.recommending import context, failing, peers
from tamma.analysis.recommending.case import LEAST, Case, Idea
from tamma.model.analysis import OptimizationRecommendation, RecommendationKind

_ORDER = {"high": 0, "medium": 1, "low": 2}


def recommendations(case: Case) -> tuple[OptimizationRecommendation, ...]:
    """What is worth testing, the surest first; none of fewer than `LEAST` runs.

    What the agent's own settings forbid (`contextOptimization` and its like) is left out.
    """
    if case.sums.runs < LEAST:
        return ()
    allowed = case.config.optimization
    wanted = {
        RecommendationKind.CONTEXT: allowed.context_optimization,
        RecommendationKind.COST: allowed.cost_optimization,
        RecommendationKind.QUALITY: allowed.quality_optimization,
        RecommendationKind.RELIABILITY: allowed.quality_optimization,
    }
    ideas = [
        idea
        for rule in (peers.rules, context.rules, failing.cost, failing.reliability)
        for idea in rule(case)
        if wanted[idea.kind]
    ]
    made = {each.id: each for each in (_made(case, idea) for idea in reversed(ideas))}
    return tuple(
        sorted(made.values(), key=lambda each: (_ORDER[each.confidence], -(each.expected_saving.value or 0)))
    )


def _made(case: Case, idea: Idea) -> OptimizationRecommendation:
    found = _id(case, idea)
    return OptimizationRecommendation(
        id=found,
        agent=case.agent,
        version=case.version,
        kind=idea.kind,
        title=idea.title,
        evidence=idea.evidence,
        change=dict(idea.change),
        expected_saving=idea.saving,
        metric=idea.metric.value,
        confidence=idea.confidence,
        command=_command(case, idea, found),
        candidate=idea.candidate,
    )


def _id(case: Case, idea: Idea) -> str:
    """The same finding has the same id, whatever its figures are today."""
    # What is not of the agent's own is a measured figure: it changes from day to day.
    what = {key: value if is_own(key) else "" for key, value in idea.change.items()} or {"": idea.title}
    text = json.dumps([case.agent, idea.kind.value, idea.candidate, what], sort_keys=True)
    return "rec-" + hashlib.sha256(text.encode()).hexdigest()[:10]


def _command(case: Case, idea: Idea, name: str) -> str:
    """What makes the change, if it is not there yet, and tests it. Empty where no test of agents can."""
    words: list[str] = []
    candidate = idea.candidate
    if not candidate:
        if not idea.change or not all(map(is_own, idea.change)):
            return ""
        candidate = f"{case.agent}@{case.latest + 1}"
        words += ["tamma", "agent", "edit", case.label]
        for key, value in idea.change.items():
            words += ["--set", f"{key}={value}"]
        words += ["--reason", name]
    test = ["tamma", "ab", "start", "--name", name, "--control", case.label, "--candidate", candidate]
    # All that there is: a power for the smallest effect may ask for more, and the plan says what is found.
    size = ["--sample-size", str(case.tasks)] if case.tasks else []
    where = ["--suite", case.suite, *size] if case.suite else ["--live", "--repo", f"*:{case.repo}"]
    test += [*where, "--primary", idea.metric.value]
    return " && ".join(shlex.join(each) for each in (words, test) if each)
