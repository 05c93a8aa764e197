"""What is wrong with a plan, in words: everything at once, so that it is mended once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tamma.errors import ConfigError
from tamma.experiments.facts import ArmFacts, PlanFacts
from tamma.model.agent import AgentPin
from tamma.model.experiment import ABTestPlan, Metric, Mode, PlanProblem

LEAST_UNITS = 6
"""As `tamma.experiments.verdict`: no verdict is possible with fewer."""
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class _Range:
    field: str
    low: float
    high: float
    open_low: bool = False
    example: str = ""

    def problem(self, value: float) -> PlanProblem | None:
        fits = math.isfinite(value) and self.low <= value <= self.high
        if fits and not (self.open_low and value == self.low):
            return None
        least = "more than" if self.open_low else "from"
        example = f"; {self.example}" if self.example else ""
        hint = f"{least} {self.low:g} to {self.high:g}{example}"
        return PlanProblem(self.field, f"{value!r} is out of range", hint)


_RANGES: tuple[tuple[_Range, Callable[[ABTestPlan], float]], ...] = (
    (_Range("confidenceLevel", 0.80, 0.9999, example="0.95 is 95 %"), lambda plan: plan.confidence_level),
    (_Range("power", 0.50, 0.99, example="0.8 is 80 %"), lambda plan: plan.power),
    (_Range("replicates", 1, 50), lambda plan: plan.replicates),
    (_Range("looks", 1, 20), lambda plan: plan.looks),
    (_Range("concurrency", 1, 200), lambda plan: plan.concurrency),
    (_Range("duration", 0, 365, open_low=True), lambda plan: plan.duration_days),
    (_Range("reminderHours", 0, 24 * 365, open_low=True), lambda plan: plan.reminder_hours),
    (_Range("approvalDays", 0, 365, open_low=True), lambda plan: plan.approval_days),
    (_Range("canary.runs", 0, 10_000), lambda plan: plan.canary.runs),
    (_Range("canary.days", 0, 365, open_low=True), lambda plan: plan.canary.days),
    (_Range("canary.margin", 0, 0.5), lambda plan: plan.canary.margin),
    (_Range("limits.minutes", 0, 24 * 60, open_low=True), lambda plan: plan.limits.minutes),
    (_Range("limits.maxTurns", 1, 100_000), lambda plan: plan.limits.max_turns),
)

_EFFECTS = {
    Metric.SUCCESS: (0.5, "0.05 is 5 points of 100"),
    Metric.QUALITY: (100.0, "5 is 5 points of 100"),
    Metric.COST: (0.5, "0.05 is 5 %"),
    Metric.DURATION: (0.5, "0.05 is 5 %"),
}
"""The largest minimum effect, and how one is written."""


def check(plan: ABTestPlan, facts: PlanFacts) -> tuple[PlanProblem, ...]:
    """All that is wrong with the plan; empty where it can be followed."""
    return (
        *_figures(plan),
        *_arm("control", plan.control, facts.control),
        *_arm("candidate", plan.candidate, facts.candidate),
        *_arms(plan, facts),
        *(_paired(plan, facts) if plan.mode is Mode.PAIRED else _live(plan, facts)),
    )


def _figures(plan: ABTestPlan) -> Iterator[PlanProblem]:
    if not plan.name.strip() or len(plan.name) > LONGEST_NAME or not plan.name.isprintable():
        yield PlanProblem("name", f"{plan.name!r} is no name", f"1 to {LONGEST_NAME} printable characters")
    for bounds, value in _RANGES:
        if problem := bounds.problem(value(plan)):
            yield problem
    most, example = _EFFECTS[plan.primary]
    bounds = _Range("minimumEffect", 0, most, open_low=True, example=example)
    if problem := bounds.problem(plan.minimum_effect):
        yield problem
    if plan.sample_size and plan.sample_size < LEAST_UNITS:
        yield PlanProblem(
            "sampleSize",
            f"{plan.sample_size} tasks: no difference can be proved with so few",
            f"at least {LEAST_UNITS}, or 0 for as many as the power asks for",
        )
    if plan.sample_size > 100_000:
        yield PlanProblem("sampleSize", f"{plan.sample_size} is out of range", "at most 100000")
    if plan.sample_size and plan.looks > plan.sample_size:
        yield PlanProblem("looks", f"{plan.looks} looks at {plan.sample_size} tasks", "fewer looks")
    if plan.limits.budget_usd <= 0:
        yield PlanProblem("limits.budgetUsd", f"{plan.limits.budget_usd} pays no trial", "more than 0")
    elif plan.budget_usd is not None and plan.budget_usd < 2 * plan.limits.budget_usd:
        yield PlanProblem(
            "budgetUsd",
            f"{plan.budget_usd} USD do not pay one task in both arms, where a trial may take "
            f"{plan.limits.budget_usd} USD",
            "a higher budgetUsd, or a lower limits.budgetUsd",
        )
    yield from _guardrails(plan)


def _guardrails(plan: ABTestPlan) -> Iterator[PlanProblem]:
    metrics = [guardrail.metric for guardrail in plan.guardrails]
    for guardrail in plan.guardrails:
        most = 100.0 if guardrail.metric is Metric.QUALITY else 1.0
        field = f"guardrails.{guardrail.metric}"
        if problem := _Range(field, 0, most, open_low=True).problem(guardrail.margin):
            yield problem
        if metrics.count(guardrail.metric) > 1:
            yield PlanProblem(field, "is there twice", "one guardrail a metric")


def _arm(field: str, pin: AgentPin, facts: ArmFacts) -> Iterator[PlanProblem]:
    if facts.agent is None:
        yield PlanProblem(field, f"there is no agent {pin.name!r}", "`tamma agent list` shows all")
    elif facts.agent.deleted:
        yield PlanProblem(field, f"the agent {pin.name!r} was deleted", "`tamma agent list` shows the others")
    elif facts.version is None:
        yield PlanProblem(
            field,
            f"{pin.name!r} has no version {pin.version}",
            f"1 to {facts.agent.latest}; `tamma agent show {pin.name}` shows them",
        )
    elif facts.version.hash != pin.hash:
        yield PlanProblem(
            field,
            f"{pin.name}@{pin.version} is {facts.version.hash[:19]} in the store, the plan says "
            f"{pin.hash[:19]}",
            "name the version again",
        )


def _arms(plan: ABTestPlan, facts: PlanFacts) -> Iterator[PlanProblem]:
    versions = (facts.control.version, facts.candidate.version)
    if all(version is not None for version in versions) and plan.control.hash == plan.candidate.hash:
        yield PlanProblem(
            "candidate",
            "control and candidate have the same configuration, to the letter",
            "change something first: `tamma agent edit`",
        )


def _paired(plan: ABTestPlan, facts: PlanFacts) -> Iterator[PlanProblem]:
    if plan.suite is None:
        yield PlanProblem(
            "suite",
            "a paired test works on the tasks of a suite",
            "name one; `tamma bench list --suites` shows them",
        )
        return
    if facts.units is None:
        yield PlanProblem(
            "suite",
            f"the suite {plan.suite.name!r} ({plan.suite.hash[:19]}) is not stored",
            "`tamma bench list --suites` shows what is; `tamma bench import` brings one in",
        )
        return
    if facts.mixed:
        yield PlanProblem(
            "suite",
            f"the suite {plan.suite.name!r} holds rehearsals and real tasks: no agent can work on both",
            "two suites, one of each sort",
        )
    there = f"{len(facts.units)} tasks" + (f" of {', '.join(plan.task_types)}" if plan.task_types else "")
    if len(facts.units) < LEAST_UNITS:
        yield PlanProblem("suite", f"the suite has {there}", f"at least {LEAST_UNITS} are needed")
    elif plan.sample_size > len(facts.units):
        yield PlanProblem(
            "sampleSize",
            f"the plan asks for {plan.sample_size} tasks, the suite has {there}",
            f"choose sampleSize {len(facts.units)} or fewer, more replicates, or another suite",
        )


def _live(plan: ABTestPlan, facts: PlanFacts) -> Iterator[PlanProblem]:
    if not plan.repos:
        yield PlanProblem(
            "repos",
            "a live test changes what runs on people's repositories do",
            "say which: github:acme/* is all of one owner, * is all",
        )
    if plan.replicates != 1:
        yield PlanProblem("replicates", "a production run happens once", "1 in live tests")
    if plan.suite is not None:
        yield PlanProblem("suite", "a live test works on production runs, not on a suite", "leave it out")
    agent = facts.control.agent
    if agent is not None and agent.active != plan.control.version:
        yield PlanProblem(
            "control",
            f"runs of {plan.control.name!r} use version {agent.active}, not {plan.control.version}",
            "in a live test the control is the active version",
        )


def refused(problems: tuple[PlanProblem, ...]) -> ConfigError:
    """Everything that is wrong with a plan, as one error."""
    words = "; ".join(f"{problem.field}: {problem.words}" for problem in problems)
    hints = "; ".join(problem.hint for problem in problems if problem.hint)
    return ConfigError(f"the plan cannot be followed: {words}", hint=hints or None)
