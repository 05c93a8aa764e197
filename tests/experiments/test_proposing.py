"""From a recommendation to a test: a draft, never more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tamma.errors import ConfigError
from tamma.experiments.proposing import changed, start_from_recommendation
from tamma.model.agent import AgentConfig, AgentId, OptimizationSettings, VersionState
from tamma.model.analysis import Estimate, OptimizationRecommendation, RecommendationKind
from tamma.model.experiment import Metric
from tamma.model.ids import uuid7
from tamma.model.suite import SuiteHash, SuiteRef
from tamma.store.memory import MemoryStore

SUITE = SuiteRef("mine", SuiteHash("sha256:" + "c" * 64), 100)
FOUND = OptimizationRecommendation(
    "ctx-1",
    "plain",
    RecommendationKind.CONTEXT,
    "Compact earlier",
    (),
    {"context.compact_at": "0.5", "model": "cheap"},
    Estimate(0.1),
    "average_cost",
    "high",
)
CONFIG = AgentConfig(
    "x", optimization=OptimizationSettings(enable_ab_testing=True, performance_threshold=0.2)
)


async def agent(config: AgentConfig = CONFIG) -> MemoryStore:
    store = MemoryStore()
    made = await store.create_agent(AgentId(uuid7()), "plain", config, author="me", reason="")
    await store.activate(made.agent_id, 1, author="me", reason="", revision=1)
    return store


async def test_a_recommendation_becomes_a_draft_and_a_test() -> None:
    store = await agent()
    start = await start_from_recommendation(store, FOUND, SUITE)
    found = await store.find_agent("plain")
    assert found is not None
    assert found.active == 1, "never applied without a test"
    draft = await store.read_version(found.agent_id, 2)
    assert draft is not None
    assert (draft.state, draft.author, draft.parent) == (VersionState.DRAFT, "tamma", 1)
    assert (draft.config.context.compact_at, draft.config.model) == (0.5, "cheap")
    plan = start.plan
    assert (plan.control.version, plan.candidate.version, plan.candidate.hash) == (1, 2, draft.hash)
    assert (plan.primary, plan.minimum_effect, plan.auto_approve) == (Metric.COST, 0.2, False)
    assert [guardrail.metric for guardrail in plan.guardrails] == [Metric.SUCCESS]
    assert await start_from_recommendation(store, FOUND, SUITE) == start
    assert len(await store.list_versions(found.agent_id)) == 2
    other = await start_from_recommendation(store, replace(FOUND, id="ctx-2"), SUITE)
    assert other.test_id != start.test_id


async def test_an_agent_that_does_not_allow_it_is_left_alone() -> None:
    store = await agent(AgentConfig("x"))
    with pytest.raises(ConfigError, match="does not allow"):
        await start_from_recommendation(store, FOUND, SUITE)
    with pytest.raises(ConfigError, match="no version"):
        await start_from_recommendation(store, replace(FOUND, agent="nobody"), SUITE)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"context.compactness": "1"}, "has no field 'context.compactness'"),
        ({"nothing.at.all": "1"}, "has no field"),
        ({"context.compact_at": "often"}, "makes no configuration"),
        ({"context.compact_at": "0.7"}, "changes nothing"),
        ({}, "changes nothing"),
    ],
)
def test_a_change_that_makes_no_other_configuration_is_refused(change: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        changed(CONFIG, change)


def test_a_prompt_may_be_new() -> None:
    assert changed(CONFIG, {"prompts.system": "Be brief."}).prompts == {"system": "Be brief."}
