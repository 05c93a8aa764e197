"""The activities of the performance analysis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from activities.interface import Activity, Done
from tamma.model.analysis_run import AnalysisOutcome, Proposal


@dataclass(frozen=True, slots=True)
class AnalyseAgents:
    key: str
    start: datetime
    end: datetime


ANALYSE_AGENTS: Activity[AnalyseAgents, AnalysisOutcome] = Activity("analyse_agents", AnalysisOutcome)
"""Report on all active agents and keep the reports under the key; the same key again replaces them."""


@dataclass(frozen=True, slots=True)
class ProposeTest:
    key: str
    agent: str
    recommendation: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """The proposal, or why there is none."""

    proposal: Proposal | None
    note: str = ""


PROPOSE_TEST: Activity[ProposeTest, Proposed] = Activity("propose_test", Proposed)
"""Make a draft of a kept recommendation. Nothing is activated, no test is started; twice is once."""


KEEP_PROPOSALS: Activity[AnalysisOutcome, Done] = Activity("keep_proposals", Done)
"""Add what was proposed to the analysis that is kept, and say in the log what was found."""
