"""Plans: what is wrong with them in words, what they need, what they cost."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tamma.experiments.assignment import Unit
from tamma.experiments.checking import check
from tamma.experiments.facts import ArmFacts, ArmHistory, PlanFacts, history_of
from tamma.experiments.planning import prepare
from tamma.experiments.sizing import ICC, basis_of, detectable, tasks_needed
from tamma.experiments.verdict import LEAST_UNITS
from tamma.model.agent import Agent, AgentConfig, AgentId, AgentPin, AgentVersion, ConfigHash, VersionState
from tamma.model.experiment import ABTestId, ABTestPlan, Canary, Guardrail, Metric, Mode
from tamma.model.suite import SuiteHash, SuiteRef, TaskLimits
from tests.support.experiments import production_run

NOW = datetime(2026, 11, 29, tzinfo=UTC)
A = AgentPin(AgentId("a"), "plain", 3, ConfigHash("sha256:" + "a" * 64))
B = AgentPin(AgentId("b"), "bold", 1, ConfigHash("sha256:" + "b" * 64))
PLAN = ABTestPlan(
    "drill", A, B, suite=SuiteRef("drill", SuiteHash("sha256:" + "c" * 64), 400), minimum_effect=0.1
)
LIVE = replace(PLAN, mode=Mode.LIVE, suite=None, repos=("*",))
TEST = ABTestId("01a2251c-2b1d-7fe4-8fd9-2443ca0501ab")
KNOWN = ArmHistory(
    runs=100, success=0.6, cost_usd=0.5, cost_spread=0.2, seconds=120.0, quality_spread=12.0, runs_a_day=10.0
)


def arm(pin: AgentPin, history: ArmHistory = KNOWN) -> ArmFacts:
    agent = Agent(pin.agent_id, pin.name, pin.version, pin.version, 1, NOW, NOW)
    version = AgentVersion(
        pin.agent_id, pin.version, AgentConfig("x"), pin.hash, VersionState.ACTIVE, "me", "", None, NOW
    )
    return ArmFacts(agent, version, history)


def facts(tasks: int | None = 400, **changes: Any) -> PlanFacts:
    units = None if tasks is None else tuple(Unit(f"t{number}", "s") for number in range(tasks))
    return replace(PlanFacts(arm(A), arm(B), units), **changes)


NOBODY = ArmFacts(None, None, ArmHistory(0))
SAME = replace(PLAN, candidate=replace(B, hash=A.hash))
CASES: list[tuple[ABTestPlan, PlanFacts, str, str]] = [
    (replace(PLAN, name=" "), facts(), "name", "no name"),
    (replace(PLAN, name="x\n"), facts(), "name", "no name"),
    (replace(PLAN, confidence_level=95), facts(), "confidenceLevel", "out of range"),
    (replace(PLAN, confidence_level=math.nan), facts(), "confidenceLevel", "out of range"),
    (replace(PLAN, power=1.0), facts(), "power", "out of range"),
    (replace(PLAN, minimum_effect=0.0), facts(), "minimumEffect", "out of range"),
    (replace(PLAN, minimum_effect=5), facts(), "minimumEffect", "out of range"),
    (replace(PLAN, sample_size=1), facts(), "sampleSize", "1 tasks: no difference"),
    (replace(PLAN, sample_size=500), facts(), "sampleSize", "asks for 500 tasks, the suite has 400"),
    (PLAN, facts(mixed=True), "suite", "no agent can work on both"),
    (replace(PLAN, replicates=0), facts(), "replicates", "out of range"),
    (replace(PLAN, looks=0), facts(), "looks", "out of range"),
    (replace(PLAN, looks=10, sample_size=8), facts(), "looks", "10 looks at 8 tasks"),
    (replace(PLAN, duration_days=0), facts(), "duration", "out of range"),
    (replace(PLAN, concurrency=0), facts(), "concurrency", "out of range"),
    (replace(PLAN, budget_usd=Decimal(5)), facts(), "budgetUsd", "do not pay one task in both arms"),
    (replace(PLAN, limits=TaskLimits(budget_usd=Decimal(0))), facts(), "limits.budgetUsd", "pays no trial"),
    (replace(PLAN, guardrails=(Guardrail(Metric.COST, 0),)), facts(), "guardrails.cost", "out of range"),
    (replace(PLAN, guardrails=(Guardrail(Metric.COST, 0.1),) * 2), facts(), "guardrails.cost", "twice"),
    (replace(PLAN, canary=Canary(margin=2)), facts(), "canary.margin", "out of range"),
    (replace(PLAN, suite=None), facts(None), "suite", "works on the tasks of a suite"),
    (PLAN, facts(None), "suite", "is not stored"),
    (PLAN, facts(5), "suite", "the suite has 5 tasks"),
    (PLAN, facts(control=NOBODY), "control", "no agent 'plain'"),
    (PLAN, facts(candidate=replace(arm(B), version=None)), "candidate", "has no version 1"),
    (replace(PLAN, control=replace(A, hash=B.hash)), facts(), "control", "in the store"),
    (SAME, facts(candidate=arm(SAME.candidate)), "candidate", "same configuration"),
    (replace(LIVE, repos=()), facts(), "repos", "people's repositories"),
    (replace(LIVE, replicates=2), facts(), "replicates", "happens once"),
    (replace(LIVE, suite=PLAN.suite), facts(), "suite", "not on a suite"),
    (replace(LIVE, control=replace(A, version=2)), facts(), "control", "use version 3, not 2"),
]


@pytest.mark.parametrize(("plan", "known", "field", "words"), CASES)
def test_a_bad_plan_is_refused_in_words(plan: ABTestPlan, known: PlanFacts, field: str, words: str) -> None:
    found = [problem for problem in check(plan, known) if problem.field == field]
    assert any(words in problem.words for problem in found), check(plan, known)
    assert all(problem.hint for problem in found)
    assert prepare(plan, known, TEST).forecast is None


@pytest.mark.parametrize("plan", [PLAN, LIVE, replace(PLAN, sample_size=6)])
def test_a_good_plan_passes(plan: ABTestPlan) -> None:
    assert check(plan, facts()) == ()


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = replace(PLAN, name="", power=2, suite=None)
    assert {problem.field for problem in check(wrong, facts(None))} == {"name", "power", "suite"}


def test_a_suite_that_is_too_small_says_what_to_choose() -> None:
    (problem,) = prepare(PLAN, facts(40), TEST).problems
    needed = tasks_needed(PLAN, facts(40))
    assert f"needs {needed} tasks, the suite has 40" in problem.words
    assert "choose sampleSize 40 (which finds " in problem.hint


def test_what_is_left_open_is_filled_in() -> None:
    ready = prepare(PLAN, facts(), TEST)
    assert ready.forecast is not None
    assert ready.plan.sample_size == tasks_needed(PLAN, facts()) == ready.looks[-1].units
    assert ready.plan.seed > 0
    assert prepare(replace(PLAN, seed=5), facts(), TEST).plan.seed == 5
    assert [look.number for look in ready.looks] == [1, 2, 3, 4, 5]


def test_the_size_is_the_published_one() -> None:
    """+10 points from 0.6 at a correlation of .46 and one look: 193 pairs, or 356 runs an arm (two looks'
    inflation apart); our assumed correlation is lower and asks for more pairs."""
    one = replace(PLAN, looks=1)
    live = tasks_needed(replace(one, mode=Mode.LIVE), facts())
    assert live == 2 * 356
    assert tasks_needed(one, facts()) == pytest.approx(193 * (1 - ICC) / (1 - 0.46), rel=0.03)
    assert tasks_needed(PLAN, facts()) == pytest.approx(1.03 * tasks_needed(one, facts()), rel=0.01)


@pytest.mark.parametrize("primary", list(Metric))
@pytest.mark.parametrize("mode", list(Mode))
def test_what_the_needed_tasks_detect_is_the_minimum_effect(primary: Metric, mode: Mode) -> None:
    least = 5.0 if primary is Metric.QUALITY else 0.15
    plan = replace(PLAN, primary=primary, mode=mode, minimum_effect=least)
    needed = tasks_needed(plan, facts())
    basis = basis_of(plan, facts())
    assert detectable(plan, basis, needed) == pytest.approx(least, rel=0.02)
    assert detectable(plan, basis, LEAST_UNITS) > least
    assert detectable(plan, basis, 4 * needed) < least


def test_more_replicates_need_fewer_tasks() -> None:
    sizes = [tasks_needed(replace(PLAN, replicates=count), facts()) for count in (1, 2, 4)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]


def test_money_and_days_come_from_history() -> None:
    ready = prepare(replace(PLAN, sample_size=100, concurrency=2), facts(), TEST).forecast
    assert ready is not None
    assert ready.trials == 200
    assert ready.cost_usd == Decimal("100.0")
    assert ready.cost_low_usd is not None
    assert ready.cost_high_usd is not None
    assert ready.cost_low_usd < 100 < ready.cost_high_usd
    assert ready.days == pytest.approx(200 * 120 / 2 / 86400)
    assert "100 and 100 earlier runs" in ready.basis
    assert "assumed" in ready.basis
    assert any("likely to be missed" in words for words in ready.warnings)


def test_without_history_the_bound_is_the_trials_own_budget() -> None:
    unknown = facts(control=arm(A, ArmHistory(0)), candidate=arm(B, ArmHistory(3)))
    ready = prepare(replace(PLAN, sample_size=400, budget_usd=Decimal(900)), unknown, TEST).forecast
    assert ready is not None
    assert (ready.cost_usd, ready.cost_high_usd) == (None, Decimal(2400))
    assert "(assumed)" in ready.basis
    assert any("may end it before" in words for words in ready.warnings)


def test_a_rehearsal_takes_seconds_whatever_is_drawn_for_it() -> None:
    known = facts(control=arm(A, KNOWN), candidate=arm(B, KNOWN), rehearsal=True)
    found = prepare(PLAN, known, TEST).forecast
    assert found is not None
    assert found.rehearsal
    assert found.days == pytest.approx(found.trials / PLAN.concurrency / 86400)


def test_a_live_test_takes_as_long_as_runs_come() -> None:
    ready = prepare(replace(LIVE, sample_size=200), facts(), TEST).forecast
    assert ready is not None
    assert (ready.trials, ready.days) == (200, 20.0)


def test_a_guardrail_that_cannot_be_proved_is_said() -> None:
    plan = replace(PLAN, guardrails=(Guardrail(Metric.COST, 0.01),), sample_size=300)
    ready = prepare(plan, facts(), TEST).forecast
    assert ready is not None
    assert any("guardrail on cost needs about" in words for words in ready.warnings)


def test_history_is_what_the_runs_say() -> None:
    runs = [production_run(A, NOW.replace(day=1 + number), number % 2 == 0) for number in range(20)]
    history = history_of(runs)
    assert (history.runs, history.success, history.cost_usd, history.seconds) == (20, 0.5, 0.1, 30.0)
    assert history.cost_spread is None, "all alike"
    assert history.runs_a_day == pytest.approx(20 / 19)
    assert history_of(runs[:9]) == ArmHistory(9)
    unpriced = [replace(run, unpriced_calls=1) for run in runs]
    assert history_of(unpriced).cost_usd is None
