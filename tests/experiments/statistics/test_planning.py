"""Guardrails and sample sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tamma.errors import BadFigures
from tamma.experiments.statistics.guardrails import guardrail, level_for
from tamma.experiments.statistics.means import welch
from tamma.experiments.statistics.power import (
    Goal,
    means_detectable,
    means_power,
    means_tasks,
    paired_detectable,
    paired_power,
    paired_rates_spread,
    paired_tasks,
    rate_guardrail_tasks,
    rates_detectable,
    rates_power,
    rates_tasks,
    tasks,
)
from tamma.experiments.statistics.proportions import Counts, compare_rates
from tamma.experiments.statistics.ratios import ratio
from tamma.model.estimates import Comparison, GuardrailVerdict

RNG = np.random.default_rng(1)
CONTROL, SAME = RNG.normal(70, 10, 200), RNG.normal(70, 10, 200)


def scores(shift: float) -> Comparison:
    return welch(control=CONTROL, treatment=SAME + shift, level=level_for())


def test_a_score_may_fall_by_what_is_tolerated() -> None:
    result = guardrail(scores(0), limit=-5.0, higher_is_better=True)
    assert result.verdict is GuardrailVerdict.PASSED
    assert result.p is not None
    assert result.p < 0.05
    harmed = guardrail(scores(-12), limit=-5.0, higher_is_better=True)
    assert harmed.verdict is GuardrailVerdict.HARM
    assert harmed.p is not None
    assert harmed.p > 0.95
    near = guardrail(scores(-5), limit=-5.0, higher_is_better=True)
    assert near.verdict is GuardrailVerdict.UNPROVEN


@pytest.mark.parametrize("shift", [-8.0, -6.0, -5.0, -4.0, -3.0, -2.0, 0.0])
def test_the_bound_and_p_are_one_test(shift: float) -> None:
    result = guardrail(scores(shift), limit=-4.0, higher_is_better=True)
    assert result.p is not None
    assert (result.p < 0.05) is (result.verdict is GuardrailVerdict.PASSED)
    assert (result.p > 0.95) is (result.verdict is GuardrailVerdict.HARM)


def test_a_cost_may_rise_by_what_is_tolerated() -> None:
    costs = np.exp(CONTROL / 20)
    for factor, verdict in ((1.0, "passed"), (1.5, "harm"), (1.2, "unproven")):
        comparison = ratio(control=costs, treatment=np.exp(SAME / 20) * factor, level=level_for())
        result = guardrail(comparison, limit=1.2, higher_is_better=False)
        assert result.verdict == verdict
        assert result.p is not None
        assert (result.p < 0.05) is (verdict == "passed")


def test_success_rates_are_held_against_newcombes_bound() -> None:
    comparison = compare_rates(control=Counts(160, 200), treatment=Counts(158, 200), level=level_for())
    result = guardrail(comparison, limit=-0.1, higher_is_better=True)
    assert result.verdict is GuardrailVerdict.PASSED
    assert result.p is None
    assert guardrail(comparison, limit=-0.03, higher_is_better=True).verdict is GuardrailVerdict.UNPROVEN


def test_without_an_interval_nothing_is_proven() -> None:
    comparison = welch(control=[1.0], treatment=[2.0], level=level_for())
    assert guardrail(comparison, limit=-1, higher_is_better=True).verdict is GuardrailVerdict.UNPROVEN


def test_limits_and_levels_that_mean_something_else_are_refused() -> None:
    for limit, higher_is_better in ((5.0, True), (-5.0, False), (math.nan, True)):
        with pytest.raises(BadFigures, match="no tolerated worsening"):
            guardrail(scores(0), limit=limit, higher_is_better=higher_is_better)
    at_95 = welch(control=CONTROL, treatment=SAME)
    with pytest.raises(BadFigures, match=r"needs the interval of level 0\.9, not 0\.95"):
        guardrail(at_95, limit=-5, higher_is_better=True)
    with pytest.raises(BadFigures, match="one-sided alpha"):
        level_for(0.0)


# --- sample sizes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("goal", [Goal(), Goal(power=0.9), Goal(alpha=0.01), Goal(sides=1)])
@pytest.mark.parametrize("effect", [0.02, 0.1, 0.5, 1.0, 3.0])
def test_tasks_power_and_effect_are_one_relation(effect: float, goal: Goal) -> None:
    n = means_tasks(effect, goal)
    assert means_power(effect, n, goal) == pytest.approx(goal.power, abs=1e-6) or n == 2
    if n > 2:
        assert means_detectable(n, goal) == pytest.approx(effect, rel=1e-5)
    pairs = paired_tasks(effect, goal)
    assert paired_power(effect, pairs, goal) == pytest.approx(goal.power, abs=1e-6) or pairs == 2
    if pairs > 2:
        assert paired_detectable(pairs, goal) == pytest.approx(effect, rel=1e-5)
    assert paired_tasks(-effect, goal) == pairs


@pytest.mark.parametrize("goal", [Goal(), Goal(power=0.9), Goal(sides=1)])
def test_rates_likewise(goal: Goal) -> None:
    n = rates_tasks(0.6, 0.7, goal)
    # The chance of the wrong direction is not in the formula for n.
    assert rates_power(0.6, 0.7, n, goal) == pytest.approx(goal.power, abs=1e-6)
    assert rates_detectable(0.6, n, goal) == pytest.approx(0.1, abs=1e-6)
    assert rates_detectable(0.95, 5) is None


def test_power_is_what_simulation_sees() -> None:
    rng = np.random.default_rng(2)
    n, runs = 30, 4000
    a, b = rng.normal(0, 1, (runs, n)), rng.normal(0.6, 1, (runs, n))
    t = (b.mean(1) - a.mean(1)) / np.sqrt((a.var(1, ddof=1) + b.var(1, ddof=1)) / n)
    # Two binomial standard errors; 2.0017 is the critical value of 58 degrees of freedom.
    assert float((abs(t) > 2.0017).mean()) == pytest.approx(means_power(0.6, n), abs=0.016)


def test_correlation_and_repeats_save_pairs() -> None:
    spreads = [paired_rates_spread(0.6, 0.7, icc=icc) for icc in (0.0, 0.3, 0.6)]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[0] == pytest.approx(math.sqrt(0.24 + 0.21))
    one, five = (paired_rates_spread(0.6, 0.7, icc=0.46, repeats=k) for k in (1, 5))
    # Without correlation five repeats are five times the tasks; with it they save less than they cost.
    assert paired_tasks(0.1 / five) < paired_tasks(0.1 / one)
    assert paired_rates_spread(0.6, 0.7, icc=0.0, repeats=5) == pytest.approx(spreads[0] / math.sqrt(5))


def test_spread_of_repeats_is_what_simulation_sees() -> None:
    # Each task has a success chance of its own; two runs of it then correlate by Var(chance) / (p (1 - p)).
    rng = np.random.default_rng(3)
    chance = rng.beta(0.6 * 1.2, 0.4 * 1.2, 40_000)
    icc = 1 / (1 + 1.2)
    for repeats in (1, 4):
        runs = [rng.binomial(repeats, chance) / repeats for _ in range(2)]
        seen = float(np.std(runs[0] - runs[1]))
        assert seen == pytest.approx(paired_rates_spread(0.6, 0.6, icc=icc, repeats=repeats), rel=0.02)


def test_guardrails_need_many_tasks() -> None:
    # Blackwelder (1982), with equal true rates: 2 p (1 - p) ((z_a + z_b) / d)^2.
    assert tasks(rate_guardrail_tasks(0.8, 0.1, Goal(sides=1))) == 198
    assert tasks(rate_guardrail_tasks(0.8, 0.05, Goal(sides=1))) == 792


def test_what_no_number_of_tasks_can_show_is_refused() -> None:
    for call in (
        lambda: means_tasks(0.0),
        lambda: paired_tasks(math.inf),
        lambda: means_tasks(1e-9),
        lambda: rates_tasks(0.5, 0.5),
        lambda: rates_tasks(0.5, 1.0),
        lambda: means_detectable(1),
        lambda: Goal(alpha=0.0),
        lambda: Goal(power=0.01),
        lambda: paired_rates_spread(0.5, 0.6, icc=1.0),
        lambda: rate_guardrail_tasks(0.5, 0.0, Goal()),
    ):
        with pytest.raises(BadFigures):
            call()


def test_whole_tasks() -> None:
    assert (tasks(63.766), tasks(64.0), tasks(64.0000000001)) == (64, 64, 64)
