"""The performance analysis on the real server: by hand, by schedule, and what it leaves alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from activities.analysis import AnalysisActivities
from activities.store import StoreActivities
from tamma.model.agent import AgentConfig, OptimizationSettings, Parameters, VersionState
from tamma.model.analysis import TimeRange
from tamma.model.analysis_run import AnalysisOutcome, AnalysisRequest
from tamma.model.task import TASK_QUEUE
from tamma.store.interface import Event, EventQuery
from tamma.store.memory import MemoryStore
from tamma.temporal import analysis
from tests.analysis.made import add_agent, record, runs
from tests.support.experiments import add_suite
from tests.support.histories import replay_and_keep
from workflows.performance_analysis import PerformanceAnalysis

OPEN = OptimizationSettings(enable_ab_testing=True)
WARM = AgentConfig("x", parameters=Parameters(temperature=0.9), optimization=OPEN)


@asynccontextmanager
async def serving(
    client: Client, store: MemoryStore, *, recommend: bool = True, propose: bool = True
) -> AsyncGenerator[None]:
    """A worker that analyses."""
    ours, small = AnalysisActivities(store, recommend=recommend, propose=propose), StoreActivities(store)
    async with Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[PerformanceAnalysis],
        activities=[ours.analyse_agents, ours.propose_test, ours.keep_proposals, small.record_event],
    ):
        yield


async def worsening(store: MemoryStore, config: AgentConfig = WARM) -> None:
    """An agent that has done worse in the last week than in the one before."""
    now = datetime.now(UTC)
    hour = timedelta(hours=1)  # the analysis begins later than this
    week = TimeRange(now - timedelta(days=7) + hour, now)
    earlier = TimeRange(week.start - timedelta(days=7), week.start - 2 * hour)
    (pin,) = await add_agent(store, "shop", config)
    await record(
        store, runs(pin, 100, rate=0.9, within=earlier), runs(pin, 100, rate=0.4, seed=2, within=week)
    )


async def analysed(client: Client) -> AnalysisOutcome:
    handle = await analysis.analyse_now(client, AnalysisRequest())
    found = await handle.result()
    await replay_and_keep({"run": await handle.fetch_history()}, [PerformanceAnalysis])
    return found


async def test_it_reports_compares_stores_proposes_and_tells(client: Client) -> None:
    store = MemoryStore()
    await worsening(store)
    await add_suite(store, 5)
    async with serving(client, store):
        found = await analysed(client)
        (agent,) = found.agents
        assert (agent.agent, agent.runs, agent.success, agent.worse) == ("shop", 100, 0.4, ("success",))
        assert any("success" in alert for alert in agent.alerts)
        (proposal,) = found.proposals
        assert (proposal.control, proposal.candidate) == ("shop@1", "shop@2")
        assert proposal.command.startswith("tamma ab start --name rec-")
        assert "--suite drill" in proposal.command
        again = await analysed(client)
        assert [each.candidate for each in again.proposals] == ["shop@2"], "the same draft, not another one"

    kept = await store.find_agent("shop")
    assert kept is not None
    assert (kept.active, kept.latest) == (1, 2), "proposed, never applied"
    draft = await store.read_version(kept.agent_id, 2)
    assert draft is not None
    assert (draft.state, draft.author) == (VersionState.DRAFT, "tamma")
    assert proposal.recommendation in draft.reason
    assert await store.list_results() == ()

    (key, at, body), _ = reversed(await store.read_analyses())
    assert (key, at) == (found.key, found.end)
    (report,) = cast("list[dict[str, Any]]", body["reports"])
    assert report["metrics"]["successRate"]["value"] == 0.4
    assert report["previous"]["successRate"]["value"] == 0.9
    assert cast("list[dict[str, Any]]", body["proposals"])[0]["candidate"] == "shop@2"
    events = await store.read_events(EventQuery(("performance.analysis.completed",)))
    assert len(events) == 2
    assert events[0].data["summary"] == found.summary
    assert f"agent:{kept.agent_id}" in events[0].tags


@pytest.mark.parametrize(
    ("config", "allowed", "suite", "note"),
    [
        (replace(WARM, optimization=OptimizationSettings()), {}, True, ""),
        (WARM, {"propose": False}, True, ""),
        (WARM, {"recommend": False}, True, "agents.optimizationEnabled"),
        (WARM, {}, False, "no suite"),
    ],
)
async def test_it_proposes_only_what_is_allowed_and_can_be_tested(
    client: Client, config: AgentConfig, allowed: dict[str, bool], suite: bool, note: str
) -> None:
    store = MemoryStore()
    await worsening(store, config)
    if suite:
        await add_suite(store, 5)
    async with serving(client, store, **allowed):
        found = await (await analysis.analyse_now(client, AnalysisRequest())).result()
    assert found.proposals == ()
    assert note in "".join(found.notes)
    agent = await store.find_agent("shop")
    assert agent is not None
    assert agent.latest == 1


async def told(store: MemoryStore) -> tuple[Event, ...]:
    """The events that say that an analysis is done, once there is one."""
    async with asyncio.timeout(120):
        while True:
            if found := await store.read_events(EventQuery(("performance.analysis.completed",))):
                return found
            await asyncio.sleep(0.05)


async def test_it_is_scheduled_once_changed_shown_and_taken_away(client: Client) -> None:
    store = MemoryStore()
    await worsening(store)
    try:
        assert (await analysis.show_schedule(client)).rhythm == "off"
        await analysis.set_schedule(client, "daily")
        found = await analysis.set_schedule(client, "daily")
        assert found.rhythm == "daily"
        assert found.next is not None
        assert found.next.hour == analysis.HOUR
        assert found.next - datetime.now(UTC) <= timedelta(days=1)
        found = await analysis.set_schedule(client, "weekly")
        assert found.rhythm == "weekly"
        assert found.next is not None
        assert found.next.isoweekday() == 1
        async with serving(client, store):
            await client.get_schedule_handle(analysis.SCHEDULE).trigger()
            kept = await told(store)
        assert str(kept[0].data["key"]).startswith("analysis/weekly")
        assert kept[0].data["by"] == "weekly"
    finally:
        for _ in range(2):
            assert (await analysis.remove_schedule(client)).rhythm == "off"
    assert (await analysis.show_schedule(client)).rhythm == "off"


async def test_without_agents_it_says_so(client: Client) -> None:
    async with serving(client, MemoryStore()):
        found = await (await analysis.analyse_now(client, AnalysisRequest())).result()
    assert found.agents == ()
    assert found.summary == "0 agents, 0 runs: 0 regressions, 0 recommendations, 0 tests proposed"
