"""The performance analysis: report on all agents, keep it, propose tests. Nothing is ever applied here."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from temporalio import activity

from activities.failures import failing_well
from activities.heartbeat import heard
from activities.interface import Done
from activities.interface.analysis import (
    ANALYSE_AGENTS,
    KEEP_PROPOSALS,
    PROPOSE_TEST,
    AnalyseAgents,
    Proposed,
    ProposeTest,
)
from tamma.analysis.analyzer import PerformanceAnalyzer
from tamma.analysis.wire import document, plain
from tamma.errors import ConfigError, StoreError
from tamma.experiments.proposing import start_from_recommendation
from tamma.model.analysis import (
    Estimate,
    OptimizationRecommendation,
    PerformanceReport,
    RecommendationKind,
    TimeRange,
)
from tamma.model.analysis_run import AgentBrief, AnalysisOutcome, Proposal
from tamma.store.interface import Store

if TYPE_CHECKING:
    from tamma.model.suite import SuiteRef

_NEWEST = 50
"""Analyses among which one that is being made must be."""
Json = Mapping[str, object]


class AnalysisActivities:
    """Holds the store. `recommend` and `propose` are what the installation allows
    (`agents.optimizationEnabled`, `agents.abTestingEnabled`)."""

    def __init__(self, store: Store, *, recommend: bool = False, propose: bool = False) -> None:
        self._store = store
        self._recommend = recommend
        self._propose = propose

    @activity.defn(name=ANALYSE_AGENTS.name)
    @failing_well
    @heard
    async def analyse_agents(self, given: AnalyseAgents) -> AnalysisOutcome:
        """Reports on all active agents, compared with the range before and with each other."""
        found = await PerformanceAnalyzer(self._store).reports(TimeRange(given.start, given.end))
        if not self._recommend:
            found = tuple(_without_recommendations(each) for each in found)
        briefs = tuple([await self._brief(each) for each in found])
        body = {"reports": [document(each) for each in found], "proposals": []}
        await self._store.save_analysis(given.key, given.end, body)
        notes = () if self._recommend else ("no recommendations: agents.optimizationEnabled is not set",)
        return AnalysisOutcome(given.key, given.start, given.end, briefs, notes=notes)

    @activity.defn(name=PROPOSE_TEST.name)
    @failing_well
    @heard
    async def propose_test(self, given: ProposeTest) -> Proposed:
        """A draft with the recommended change, and the command that tests it."""
        suites = await self._store.list_suites()
        if not suites:
            return Proposed(None, f"{given.agent}: no suite to test on: `tamma bench import` adds one")
        body = await self._kept(given.key)
        found = _recommendation(body, given.recommendation)
        suite = max(suites, key=lambda each: each.tasks)
        try:
            start = await start_from_recommendation(self._store, found, suite)
        except ConfigError as error:
            return Proposed(None, f"{given.agent}: {found.id} makes no test: {error.message}")
        return Proposed(_proposal(found, start.plan.control.version, start.plan.candidate.version, suite))

    @activity.defn(name=KEEP_PROPOSALS.name)
    @failing_well
    @heard
    async def keep_proposals(self, given: AnalysisOutcome) -> Done:
        """The analysis as it is kept, with what was proposed."""
        body = dict(await self._kept(given.key))
        body["proposals"] = plain(given.proposals)
        await self._store.save_analysis(given.key, given.end, body)
        activity.logger.info("performance analysis %s: %s", given.key, given.summary)
        return Done()

    async def _brief(self, report: PerformanceReport) -> AgentBrief:
        changes = [each for each in report.changes if each.significant and each.difference is not None]
        return AgentBrief(
            agent=report.agent,
            agent_id=report.agent_id,
            runs=report.metrics.runs,
            success=report.metrics.success_rate.value,
            cost_per_success=report.metrics.cost_per_success.value,
            better=tuple(each.metric for each in changes if (each.difference or 0) > 0),
            worse=tuple(each.metric for each in changes if (each.difference or 0) < 0),
            alerts=tuple(alert for trend in report.trends for alert in trend.alerts),
            recommendations=len(report.recommendations),
            proposable=await self._proposable(report),
        )

    async def _proposable(self, report: PerformanceReport) -> tuple[str, ...]:
        """Those that a version of this agent can be made of, if it allows tests."""
        agent = await self._store.find_agent(report.agent_id) if self._propose and report.agent_id else None
        if agent is None or agent.active is None:
            return ()
        active = await self._store.read_version(agent.agent_id, agent.active)
        if active is None or not active.config.optimization.enable_ab_testing:
            return ()
        return tuple(
            each.id for each in report.recommendations if each.command and not _has_prompts(each.change)
        )

    async def _kept(self, key: str) -> Json:
        for found, _, body in await self._store.read_analyses(limit=_NEWEST):
            if found == key:
                return body
        raise StoreError(f"there is no analysis {key!r} any more", hint="analyse again")


def _has_prompts(change: Mapping[str, str]) -> bool:
    """Whether texts differ: a recommendation has only their hashes."""
    return any(key.startswith("prompts.") for key in change)


def _without_recommendations(report: PerformanceReport) -> PerformanceReport:
    return replace(report, recommendations=())


def _recommendation(body: Json, wanted: str) -> OptimizationRecommendation:
    """The kept recommendation, as far as a test needs it. Raises StoreError where there is none."""
    for report in cast("list[Json]", body["reports"]):
        for each in cast("list[dict[str, str]]", report["recommendations"]):
            if each["id"] == wanted:
                return OptimizationRecommendation(
                    id=each["id"],
                    agent=each["agent"],
                    kind=RecommendationKind(each["kind"]),
                    title=each["title"],
                    evidence=(),
                    change=cast("Mapping[str, str]", each["change"]),
                    expected_saving=Estimate(None),
                    metric=each["metric"],
                    confidence="low",
                )
    raise StoreError(f"the analysis has no recommendation {wanted!r}")


def _proposal(found: OptimizationRecommendation, control: int, candidate: int, suite: SuiteRef) -> Proposal:
    before, after = f"{found.agent}@{control}", f"{found.agent}@{candidate}"
    words = ["tamma", "ab", "start", "--name", found.id, "--control", before, "--candidate", after]
    words += ["--suite", suite.name, "--primary", found.metric]
    return Proposal(found.agent, found.id, found.title, before, after, shlex.join(words))
