"""What rules look at, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tamma.model.agent import AgentConfig
from tamma.model.analysis import Estimate, RecommendationKind
from tamma.model.experiment import Metric
from tamma.model.measured import RunSums, RunValues

UNKNOWN = Estimate(None)
LEAST = 10
"""Runs under which nothing is recommended."""
MANY = 30
"""Runs under which confidence is low."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another version, of this agent or of another one, and its runs over the same time."""

    label: str
    """`NAME@N`."""
    config: AgentConfig
    runs: Sequence[RunValues]


@dataclass(frozen=True, slots=True)
class Case:
    """One version of an agent and its runs."""

    agent: str
    version: int
    latest: int
    config: AgentConfig
    sums: RunSums
    runs: Sequence[RunValues]
    """All of them, or a sample."""
    peers: tuple[Peer, ...] = ()
    suite: str = ""
    """Where a change could be tested: a suite's name, or else a repository that it works on."""
    tasks: int = 0
    """How many that suite has."""
    repo: str = ""

    @property
    def label(self) -> str:
        return f"{self.agent}@{self.version}"


@dataclass(frozen=True, slots=True)
class Idea:
    """What a rule says."""

    kind: RecommendationKind
    title: str
    evidence: tuple[str, ...]
    metric: Metric
    change: Mapping[str, str] = field(default_factory=dict[str, str])
    saving: Estimate = UNKNOWN
    confidence: Literal["low", "medium", "high"] = "low"
    candidate: str = ""
    """The peer that is such already; empty where the change is to be made first."""


Rule = Callable[[Case], Iterable[Idea]]


def confidence(runs: int, *, proved: bool) -> Literal["low", "medium", "high"]:
    """High for what is proved over many runs; low for what few runs say."""
    if runs < MANY:
        return "low"
    return "high" if proved and runs >= 3 * MANY else "medium"
