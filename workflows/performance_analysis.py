"""`PerformanceAnalysis`: report on all active agents, compare with the days before, propose what to test.

Schedules start it daily or weekly, people by hand. It applies nothing and starts no test: a person does.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.interface import RECORD_EVENT, RecordEvent
from activities.interface.analysis import (
    ANALYSE_AGENTS,
    KEEP_PROPOSALS,
    PROPOSE_TEST,
    AnalyseAgents,
    Proposed,
    ProposeTest,
)
from tamma.model.analysis import ANALYSIS_WORKFLOW
from tamma.model.analysis_run import AgentBrief, AnalysisOutcome, AnalysisRequest
from tamma.model.ids import TaskId
from workflows.calls import call
from workflows.options import ANALYSIS, STORE_CALL
from workflows.visibility import OUTCOME, mark

_MOST_ALERTS = 20
_TRIES = 3
"""Recommendations of an agent that are tried, until one makes a test."""


@workflow.defn(name=ANALYSIS_WORKFLOW)
class PerformanceAnalysis:
    """One analysis."""

    @workflow.run
    async def run(self, request: AnalysisRequest) -> AnalysisOutcome:
        end = workflow.now()
        key = workflow.info().workflow_id
        given = AnalyseAgents(key, end - timedelta(days=request.days), end)
        found = await call(ANALYSE_AGENTS, given, ANALYSIS, summary=f"the last {request.days} days")
        for agent in found.agents:
            found = await self._propose(found, agent)
        await call(KEEP_PROPOSALS, found, STORE_CALL, summary=found.summary)
        await self._tell(request, found)
        self._show(found)
        mark(OUTCOME, "regressed" if found.alerts else "completed")
        return found

    async def _propose(self, found: AnalysisOutcome, agent: AgentBrief) -> AnalysisOutcome:
        """The first recommendation that makes a test: one at a time tells what helped."""
        for recommendation in agent.proposable[:_TRIES]:
            given = ProposeTest(found.key, agent.agent, recommendation)
            try:
                made = await call(PROPOSE_TEST, given, STORE_CALL, summary=f"draft for {agent.agent}")
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                # Somebody changed the agent in this moment, say: that is no reason to lose what was found.
                made = Proposed(None, f"{agent.agent}: {recommendation} makes no test: {error.cause}")
            if made.proposal is not None:
                return replace(found, proposals=(*found.proposals, made.proposal))
            found = replace(found, notes=(*found.notes, made.note))
        return found

    async def _tell(self, request: AnalysisRequest, found: AnalysisOutcome) -> None:
        data = {
            "key": found.key,
            "by": request.by,
            "from": found.start.isoformat(),
            "to": found.end.isoformat(),
            "summary": found.summary,
            "alerts": "\n".join(found.alerts[:_MOST_ALERTS]),
            "proposals": ", ".join(each.candidate for each in found.proposals),
        }
        tags = (
            f"analysis:{found.key}",
            *(f"agent:{each.agent_id}" for each in found.agents if each.agent_id),
        )
        event = RecordEvent(TaskId(found.key), "completed", "performance.analysis.completed", tags, data)
        await call(RECORD_EVENT, event, STORE_CALL, summary="performance.analysis.completed")

    def _show(self, found: AnalysisOutcome) -> None:
        lines = [
            f"### {found.summary}",
            "",
            "| agent | runs | success | worse | better |",
            "|---|---|---|---|---|",
        ]
        for each in found.agents:
            success = "" if each.success is None else f"{each.success:.0%}"
            worse, better = ", ".join(each.worse), ", ".join(each.better)
            lines.append(f"| {each.agent} | {each.runs} | {success} | {worse} | {better} |")
        lines += ["", *(f"- {alert}" for alert in found.alerts[:_MOST_ALERTS])]
        lines += [f"- proposed: `{each.command}`" for each in found.proposals]
        workflow.set_current_details("\n".join([*lines, *(f"- {note}" for note in found.notes)]))
