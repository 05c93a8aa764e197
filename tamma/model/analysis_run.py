"""A run of the performance analysis: what it is asked, what it found in short. The whole is in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Rhythm = Literal["daily", "weekly"]
MANUAL = "manual"
ANALYSIS_DAYS = 7


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """Analyse the last days of all active agents, and the days before them."""

    days: int = ANALYSIS_DAYS
    by: str = MANUAL
    """`daily`, `weekly`, or `manual`."""


@dataclass(frozen=True, slots=True)
class AgentBrief:
    """One agent's report in short."""

    agent: str
    agent_id: str
    runs: int
    success: float | None
    cost_per_success: float | None
    better: tuple[str, ...] = ()
    """Metrics that are proved to be better than in the days before."""
    worse: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    recommendations: int = 0
    proposable: tuple[str, ...] = ()
    """Ids of recommendations that may become a proposed test, the surest first. Empty where the agent or the
    installation does not allow that."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that waits to be tested. Its candidate is a draft; nothing was applied, nothing started."""

    agent: str
    recommendation: str
    title: str
    control: str
    candidate: str
    """`NAME@N`."""
    command: str
    """What starts the test."""


@dataclass(frozen=True, slots=True)
class AnalysisOutcome:
    """What an analysis found, in short."""

    key: str
    """Of the whole in the store."""
    start: datetime
    end: datetime
    agents: tuple[AgentBrief, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def alerts(self) -> tuple[str, ...]:
        return tuple(alert for each in self.agents for alert in each.alerts)

    @property
    def summary(self) -> str:
        """A sentence for the log."""
        runs = sum(each.runs for each in self.agents)
        recommendations = sum(each.recommendations for each in self.agents)
        return (
            f"{len(self.agents)} agents, {runs} runs: {len(self.alerts)} regressions, {recommendations} "
            f"recommendations, {len(self.proposals)} tests proposed"
        )
