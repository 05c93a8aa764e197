"""Comparisons within task types and repositories, and what the mix of tasks may not fake."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tamma.analysis.figures.benefit import cost_benefit
from tamma.analysis.figures.comparing import comparison, cross_table, differences
from tamma.model.agent import AgentId, AgentPin, ConfigHash, TaskType
from tests.analysis.made import WEEK, runs, values

PIN = AgentPin(AgentId("a"), "shop", 1, ConfigHash("sha256:1"))
EASY, HARD = (TaskType.DOCUMENTATION,), (TaskType.CODE_GENERATION,)


def test_another_mix_of_tasks_is_no_difference() -> None:
    """Simpson: each type succeeds equally often, but one side has more of the hard ones."""
    a = values([*runs(PIN, 90, rate=0.9, types=EASY), *runs(PIN, 30, rate=0.3, types=HARD)])
    b = values([*runs(PIN, 30, rate=0.9, types=EASY), *runs(PIN, 90, rate=0.3, types=HARD)])
    crude = sum(run.success for run in a) / 120 - sum(run.success for run in b) / 120
    assert crude == pytest.approx(0.3)
    found = differences(a, b)[0]
    assert found.difference == pytest.approx(0.0, abs=1e-12)
    assert not found.significant


def test_a_difference_is_signed_so_that_positive_is_better() -> None:
    found = comparison(
        ("old", "new"),
        (values(runs(PIN, 100, rate=0.4, cost=0.2)), values(runs(PIN, 100, rate=0.8, cost=0.1, seed=2))),
        WEEK,
    )
    success, _, cost, _ = found.metrics
    assert (success.a, success.b, success.difference) == (0.4, 0.8, pytest.approx(0.4))
    assert success.significant
    assert cost.difference == pytest.approx(0.5, abs=0.08)
    assert cost.interval is not None
    assert cost.difference is not None
    assert 0.35 < cost.interval.low < cost.difference < cost.interval.high < 0.65
    assert cost.a is not None
    assert cost.b is not None
    assert 1 - cost.b / cost.a == pytest.approx(cost.difference)
    assert "new against old: success 40 % → 80 % (+40 points" in found.summary
    assert "cost" in found.summary
    assert found.matched_on == "code-generation in acme/calc"
    assert any("1 repositories" in each for each in found.warnings)


def test_agents_without_common_work_are_not_compared() -> None:
    found = comparison(
        ("a", "b"), (values(runs(PIN, 20, types=EASY)), values(runs(PIN, 20, types=HARD))), WEEK
    )
    assert all(each.difference is None and each.p is None for each in found.metrics)
    assert "worked on no common type of task" in found.summary
    only_types = comparison(
        ("a", "b"), (values(runs(PIN, 20, repos=("x/a",))), values(runs(PIN, 20, repos=("x/b",)))), WEEK
    )
    assert only_types.metrics[0].difference is not None
    assert any("no repository was worked on by both" in each for each in only_types.warnings)


def test_alike_agents_are_seldom_told_apart() -> None:
    """Of tables of four agents that are all alike, few say that something differs: the family is held."""
    wrong = 0
    source = random.Random(3)
    for _ in range(20):
        table = cross_table(
            {
                name: values(runs(PIN, 40, rate=source.betavariate(30, 20), seed=source.randrange(10**9)))
                for name in "abcd"
            }
        )
        assert len(table) == 6 * 4
        wrong += any(each.significant for each in table if each.metric in ("cost", "duration", "quality"))
    assert wrong <= 4


def test_costs_and_benefits_against_the_stock_configuration() -> None:
    stock = values(runs(None, 150, rate=0.4, cost=0.10))
    custom = values(runs(PIN, 150, rate=0.7, cost=0.20, seed=2))
    found = cost_benefit("shop@2", "(no agent)", custom, stock)
    assert found is not None
    assert found.extra_success.value == pytest.approx(0.3)
    assert found.extra_cost_per_task.value == pytest.approx(0.108, abs=0.02)
    assert found.cost_per_extra_success == pytest.approx(0.36, abs=0.08)
    assert "a further success costs 0.3" in found.summary
    alike = cost_benefit("a", "b", stock, values(runs(None, 150, rate=0.42, seed=5)))
    assert alike is not None
    assert alike.cost_per_extra_success is None
    assert "is open after 300 runs" in alike.summary
    assert cost_benefit("a", "b", values(runs(PIN, 9, types=EASY)), values(runs(None, 9, types=HARD))) is None


def test_runs_of_unknown_price_are_left_out_of_costs_alone() -> None:
    a, b = runs(PIN, 40), runs(PIN, 40, seed=2)
    b = [replace(run, unpriced_calls=1) for run in b]
    success, _, cost, _ = differences(values(a), values(b))
    assert success.runs_b == 40
    assert cost.difference is None
    assert "unknown price" in cost.problem or "compared" in cost.problem
