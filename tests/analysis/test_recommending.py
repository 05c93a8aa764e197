"""What is recommended, on what evidence; and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tamma.analysis.configs import difference_words, differing, settings
from tamma.analysis.recommending.case import Case, Peer
from tamma.analysis.recommending.rules import recommendations
from tamma.experiments.proposing import start_from_recommendation
from tamma.model.agent import (
    AgentConfig,
    AgentId,
    AgentPin,
    ConfigHash,
    ContextStrategy,
    OptimizationSettings,
    Parameters,
)
from tamma.model.analysis import OptimizationRecommendation, RecommendationKind
from tamma.model.measured import merged
from tamma.model.metrics import ContextUse, RunMetrics
from tamma.store.memory import MemoryStore
from tamma.store.memory_reports import sums_of_run
from tests.analysis.made import add_agent, runs, values
from tests.support.experiments import add_suite

PIN = AgentPin(AgentId("a"), "shop", 3, ConfigHash("sha256:1"))
PLAIN = AgentConfig("claude", context=ContextStrategy(map_files=100))


def case(made: list[RunMetrics], config: AgentConfig = PLAIN, *peers: Peer) -> Case:
    sums = merged(map(sums_of_run, made))
    return Case("shop", 3, 3, config, sums, values(made), peers, suite="drill", repo="acme/calc")


def kinds(found: tuple[OptimizationRecommendation, ...]) -> set[RecommendationKind]:
    return {each.kind for each in found}


def succeeding(count: int, **changes: object) -> list[RunMetrics]:
    return runs(PIN, count, rate=1.0, **changes)  # pyright: ignore[reportArgumentType] - fields of a run


def test_nothing_is_recommended_of_few_runs_or_of_good_ones() -> None:
    assert recommendations(case(runs(PIN, 9, rate=0.0))) == ()
    assert recommendations(case(succeeding(100))) == ()


def test_a_cheaper_peer_that_succeeds_as_often_is_worth_a_test() -> None:
    cheap = Peer(
        "fast@1", replace(PLAIN, model="small"), values(runs(PIN, 150, rate=0.62, cost=0.04, seed=2))
    )
    (found,) = (
        each
        for each in recommendations(case(runs(PIN, 150, cost=0.11), PLAIN, cheap))
        if each.candidate == "fast@1"
    )
    assert (found.kind, found.metric, found.confidence) == (RecommendationKind.COST, "cost", "high")
    assert found.title == "work as fast@1 does: model default → small"
    assert found.expected_saving.value == pytest.approx(0.636, abs=0.05)
    assert found.expected_saving.interval is not None
    assert 0.55 < found.expected_saving.interval.low < 0.636 < found.expected_saving.interval.high < 0.72
    told = "fast@1, 150 runs, against shop@3, 150 runs: "
    assert found.evidence[0].startswith(told + "success 60 % → 62 % (+2 points, ")
    assert found.evidence[2].startswith(told + "cost 0.1")
    assert found.command == (
        f"tamma ab start --name {found.id} --control shop@3 --candidate fast@1 --suite drill --primary cost"
    )
    worse = replace(cheap, runs=values(runs(PIN, 150, rate=0.3, cost=0.04, seed=2)))
    assert RecommendationKind.COST not in kinds(recommendations(case(runs(PIN, 150), PLAIN, worse)))


def test_a_better_peer_is_a_matter_of_quality() -> None:
    better = Peer(
        "shop@2",
        replace(PLAIN, parameters=Parameters(temperature=0.2)),
        values(runs(PIN, 150, rate=0.9, seed=2)),
    )
    found = next(
        each for each in recommendations(case(runs(PIN, 150), PLAIN, better)) if each.candidate == "shop@2"
    )
    assert (found.kind, found.metric) == (RecommendationKind.QUALITY, "success")
    assert found.expected_saving.value == pytest.approx(0.3)
    assert found.change == {"parameters.temperature": "0.2"}


def test_cuts_lead_to_shorter_slices_with_what_they_cost() -> None:
    whole = runs(PIN, 60, rate=1.0, cost=0.1)
    cut = [
        replace(run, run_id=f"c{n}", context=ContextUse(1000, 700, 3))
        for n, run in enumerate(runs(PIN, 60, rate=1.0, cost=0.2, seed=2))
    ]
    (found,) = recommendations(case([*whole, *cut]))
    assert (found.kind, found.change) == (RecommendationKind.CONTEXT, {"context.slice_lines": "200"})
    # Half of the runs are cut and cost twice as much: a third of all cost would go.
    assert found.expected_saving.value == pytest.approx(1 / 3, abs=0.05)
    assert found.expected_saving.interval is not None
    assert found.expected_saving.interval.low < 1 / 3 < found.expected_saving.interval.high
    assert found.evidence[0] == "old results were dropped in 50 % (41 to 59 %, 120 runs)"
    assert found.command.startswith("tamma agent edit shop@3 --set context.slice_lines=200 --reason rec-")
    assert "&& tamma ab start --name rec-" in found.command
    assert "--candidate shop@4 --suite drill" in found.command
    short = replace(PLAIN, context=ContextStrategy(map_files=100, slice_lines=150))
    assert recommendations(case([*whole, *cut], short))[0].change == {"context.compact_at": "0.85"}


def test_the_window_the_cache_and_the_map() -> None:
    config = AgentConfig(
        "claude", context=ContextStrategy(compaction="none", cache_layout="task-first", map_files=400)
    )
    made = [
        replace(run, context=ContextUse(1000, 900, 0, 1), success=number > 5)
        for number, run in enumerate(succeeding(40))
    ]
    changes = [each.change for each in recommendations(case(made, config))]
    assert {"context.compaction": "drop-results"} in changes
    assert {"context.cache_layout": "stable-first"} in changes
    assert {"context.map_files": "200"} in changes


def test_failures_by_their_reason_and_their_cost() -> None:
    warm = replace(PLAIN, parameters=Parameters(temperature=0.8))
    made = runs(PIN, 100, rate=0.5, cost=0.1)
    made = [
        run
        if run.success
        else replace(run, error_type="tests" if number % 2 else "RateLimited", cost_usd=run.cost_usd * 8)
        for number, run in enumerate(made)
    ]
    found = recommendations(case(made, warm))
    assert {"parameters.temperature": "0.2"} in [each.change for each in found]
    service = next(each for each in found if each.kind is RecommendationKind.RELIABILITY)
    assert "providers.fallbacks" in service.title
    assert service.command == ""
    budget = next(each for each in found if "run.budgetUsd" in each.change)
    assert budget.expected_saving.value is not None
    assert 0.5 < budget.expected_saving.value < 0.8
    assert budget.command == ""


def test_ids_are_stable_and_settings_forbid() -> None:
    first, again = (
        recommendations(
            case(runs(PIN, count, rate=0.3, error_type=""), replace(PLAIN, parameters=Parameters(0.9)))
        )
        for count in (40, 80)
    )
    assert [each.id for each in first] == [each.id for each in again]
    assert all(each.evidence and any(c.isdigit() for c in line) for each in first for line in each.evidence)
    forbidden = replace(PLAIN, optimization=OptimizationSettings(quality_optimization=False))
    assert recommendations(case(runs(PIN, 40, rate=0.3), forbidden)) == ()


def test_configurations_are_compared_by_field_and_no_prompt_is_shown() -> None:
    new = replace(PLAIN, model="small", prompts={"system": "Be terse."}, parameters=Parameters(0.2))
    assert differing(PLAIN, new) == {
        "model": ("null", "small"),
        "parameters.temperature": ("null", "0.2"),
        "prompts.system": ("null", settings(new)["prompts.system"]),
    }
    words = difference_words(PLAIN, new)
    assert words == "model default → small, parameters.temperature default → 0.2, prompts.system (text)"
    assert "terse" not in str(settings(new))


@pytest.mark.parametrize("temperature", [0.8, None])
async def test_a_recommendation_can_become_a_draft_and_a_test(temperature: float | None) -> None:
    """What rules ask for is what the tests' planning understands."""
    store = MemoryStore()
    config = replace(
        PLAIN,
        parameters=Parameters(temperature, reasoning="low"),
        optimization=OptimizationSettings(enable_ab_testing=True),
    )
    (pin,) = await add_agent(store, "shop", config)
    made = runs(pin, 60, rate=0.4)
    ideas = Case("shop", 1, 1, config, merged(map(sums_of_run, made)), values(made), suite="drill")
    found = next(each for each in recommendations(ideas) if each.command)
    start = await start_from_recommendation(store, found, await add_suite(store, 3))
    draft = await store.read_version(pin.agent_id, start.plan.candidate.version)
    assert draft is not None
    ((key, (_, value)),) = differing(config, draft.config).items()
    assert {key: value} == found.change
    assert f"--candidate shop@{draft.number} " in found.command
