"""The analyzer over a store: reports, comparisons, trends and insights of runs that are known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tamma.analysis.analyzer import PerformanceAnalyzer
from tamma.analysis.gathering import NO_AGENT, before
from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig, Parameters, TaskType
from tamma.model.analysis import MetricFilter, TimeRange
from tamma.store.memory import MemoryStore
from tests.analysis.made import END, WEEK, add_agent, record, runs

WARM = AgentConfig("x", parameters=Parameters(temperature=0.7))
COOL = AgentConfig("x", parameters=Parameters(temperature=0.2))


async def test_a_report_of_an_agent_with_the_range_before_and_by_type_and_version() -> None:
    store = MemoryStore()
    old, new = await add_agent(store, "shop", WARM, COOL)
    types = (TaskType.TESTING, TaskType.CODE_REVIEW)
    await record(
        store,
        runs(old, 100, rate=0.5, within=before(WEEK), types=types),
        runs(new, 100, rate=0.8, types=types, seed=2),
        runs(None, 100, rate=0.5, cost=0.05, types=types, seed=3),
    )
    found = await PerformanceAnalyzer(store).report("shop", WEEK)
    assert (found.metrics.runs, found.metrics.success_rate.value) == (100, 0.8)
    assert found.previous is not None
    assert found.previous.success_rate.value == 0.5
    assert {name: each.runs for name, each in found.by_task_type.items()} == {
        "code-review": 50,
        "testing": 50,
    }
    assert {name: each.runs for name, each in found.by_version.items()} == {"2": 100}
    assert found.metrics.throughput == pytest.approx(100 / 168)
    success = found.changes[0]
    assert success.significant
    assert success.difference == pytest.approx(0.3, abs=0.05)
    assert found.cost_benefit is not None
    assert found.cost_benefit.stock == NO_AGENT
    assert found.cost_benefit.extra_success.value == pytest.approx(0.3, abs=0.05)
    told = "\n".join(found.insights)
    assert "better than in the range before, at the same mix of tasks: success" in told
    assert "shop@2 (parameters.temperature 0.7 → 0.2) against @1: success" in told
    assert "shop succeeded in 80 % (71 to 87 %, 100 runs)" in told
    assert all(any(letter.isdigit() for letter in line) for line in found.insights)


async def test_all_agents_are_reported_and_compared_together() -> None:
    store = MemoryStore()
    (good,) = await add_agent(store, "good", WARM)
    (bad,) = await add_agent(store, "bad", COOL)
    await add_agent(store, "idle", WARM)
    await record(store, runs(good, 80, rate=0.9), runs(bad, 80, rate=0.4, seed=2))
    found = await PerformanceAnalyzer(store).reports(WEEK)
    assert [each.agent for each in found] == ["bad", "good", "idle"]
    bad_report, _, idle = found
    (pair,) = (each for each in bad_report.comparisons if each.metric == "success")
    assert (pair.agent, pair.against, pair.significant) == ("good", "bad", True)
    assert any("behind good in success" in line for line in bad_report.insights)
    assert any(each.candidate == "good@1" for each in bad_report.recommendations)
    assert (idle.metrics.runs, idle.insights, idle.recommendations) == (0, (), ())


async def test_filters_versions_and_comparisons() -> None:
    store = MemoryStore()
    one, two = await add_agent(store, "shop", WARM, COOL)
    await record(store, runs(one, 60, rate=0.4), runs(two, 60, rate=0.9, seed=2))
    analyzer = PerformanceAnalyzer(store)
    assert (await analyzer.report("shop@1", WEEK)).metrics.success_rate.value == 0.4
    nothing = await analyzer.report("shop", WEEK, MetricFilter(repos=("nowhere/at-all",)))
    assert (nothing.metrics.runs, nothing.insights) == (0, ())
    compared = await analyzer.compare("shop@1", "shop@2", WEEK)
    assert (compared.runs_a, compared.runs_b, compared.agent_b) == (60, 60, "shop@2")
    assert compared.metrics[0].difference == pytest.approx(0.5)
    for wrong, hint in (("shpo", "there are: shop"), ("shop@9", "1 to 2"), ("shop@x", "1 to 2")):
        with pytest.raises(ConfigError) as caught:
            await analyzer.report(wrong, WEEK)
        assert hint in (caught.value.hint or "")


async def test_trends_know_when_models_changed() -> None:
    store = MemoryStore()
    (pin,) = await add_agent(store, "shop", WARM)
    month = TimeRange(END - timedelta(days=28), END)
    middle = END - timedelta(days=14)
    late = runs(pin, 100, rate=0.4, seed=2, within=TimeRange(middle, END))
    await record(
        store,
        runs(pin, 100, rate=0.9, within=TimeRange(month.start, middle)),
        [replace(run, served_models=("m-2",)) for run in late],
    )
    found = await PerformanceAnalyzer(store).trends([], month, parts=4)
    (alert,) = found[0].alerts
    assert "when m answered as m-2 (before: m)" in alert
    assert [point.runs for point in found[0].points] == [50, 50, 50, 50]


async def test_nothing_is_said_of_one_run() -> None:
    store = MemoryStore()
    (pin,) = await add_agent(store, "shop", WARM)
    await record(store, runs(pin, 1))
    found = await PerformanceAnalyzer(store).report("shop", WEEK)
    assert (found.insights, found.recommendations, found.cost_benefit) == ((), (), None)
    assert found.notes == ("one run: there is no spread, and nothing can be compared",)
    assert all(each.difference is None for each in found.changes)
