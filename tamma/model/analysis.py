"""What performance analysis says: reports, comparisons, trends, recommendations, insights.

The specification's PerformanceReport, ComparisonResult, TrendAnalysis and OptimizationRecommendation, typed.
Durations in milliseconds, money in US dollars; intervals are at 95 % unless a field says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

ANALYSIS_WORKFLOW = "PerformanceAnalysis"


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `start` (included) to `end` (excluded), both with a time zone."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; None where there is too little to say."""

    value: float | None
    interval: Interval | None = None
    n: int = 0


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """Which runs are looked at. Empty fields select all."""

    agents: tuple[str, ...] = ()
    """Names or ids."""
    versions: tuple[int, ...] = ()
    repos: tuple[str, ...] = ()
    task_types: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("production",)
    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    """The configured entries that answered."""
    without_agent: bool = False
    """Only runs of no configured agent: the stock configuration of their provider."""


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """The specification's six figures, and what stands behind them."""

    runs: int
    success_rate: Estimate
    average_duration: Estimate
    """Mean over all runs: failed ones are work, too. Milliseconds."""
    duration_p50: float | None
    duration_p95: float | None
    average_cost: Estimate
    cost_per_success: Estimate
    average_quality: Estimate
    throughput: float | None
    """Runs ended in an hour of the time range."""
    context_efficiency: float | None
    """Mean of peak input tokens / window."""
    success_per_1k_tokens: float | None
    truncation_rate: float | None
    """Runs with at least one truncation."""
    cache_hit_rate: float | None
    """Cached input tokens / input tokens."""
    total_cost: Decimal = Decimal(0)
    total_tokens: int = 0
    unpriced_runs: int = 0
    errors: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often each error type ended a run."""


class Direction(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    FLAT = "flat"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """One metric of B against A, signed so that positive is better; ratios as shares."""

    metric: str
    a: float | None
    b: float | None
    difference: float | None
    interval: Interval | None
    p: float | None
    p_adjusted: float | None
    significant: bool
    method: str
    problem: str = ""
    runs_a: int = 0
    """That were compared: of strata that both sides have."""
    runs_b: int = 0


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One bin of a trend."""

    start: datetime
    runs: int
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """Where a metric's level changed."""

    at: datetime
    before: float
    after: float
    known_cause: str = ""
    """A configuration applied or a model changed at that time, in words; empty where none is known."""
    p: float | None = None
    """Adjusted by Benjamini-Hochberg over everything that was looked at."""


@dataclass(frozen=True, slots=True)
class TrendAnalysis:
    """One metric of one agent over time."""

    agent: str
    metric: str
    time_range: TimeRange
    points: tuple[TrendPoint, ...]
    direction: Direction
    change_points: tuple[ChangePoint, ...] = ()
    alerts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    change: MetricDifference | None = None
    """The second half of the range against the first, which the direction is read from."""


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """Two agents over the same time; observed, not assigned: it suggests, a test decides."""

    agent_a: str
    agent_b: str
    time_range: TimeRange
    runs_a: int
    runs_b: int
    metrics: tuple[MetricDifference, ...]
    matched_on: str
    """What makes the runs comparable: task types and repositories that both worked on."""
    summary: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CostBenefit:
    """A customised agent against the stock configuration of the same provider."""

    agent: str
    stock: str
    extra_cost_per_task: Estimate
    extra_success: Estimate
    """In points."""
    cost_per_extra_success: float | None
    summary: str


class RecommendationKind(StrEnum):
    CONTEXT = "context"
    COST = "cost"
    QUALITY = "quality"
    RELIABILITY = "reliability"


@dataclass(frozen=True, slots=True)
class OptimizationRecommendation:
    """Something worth testing, with its evidence. It is proposed, never applied."""

    id: str
    """Stable: the same finding has the same id."""
    agent: str
    """Its name."""
    kind: RecommendationKind
    title: str
    evidence: tuple[str, ...]
    """Sentences made of numbers only."""
    change: Mapping[str, str]
    """What would be different, by field: `context.compact_at` -> `0.5`. Empty where it is nothing of the
    agent's own; a key of the installation's configuration (`run.budgetUsd`) is none, either."""
    expected_saving: Estimate
    """Share of the metric that it would save (0.1 is 10 %), or points of success; no value where the runs
    say nothing of it."""
    metric: str
    confidence: Literal["low", "medium", "high"]
    command: str = ""
    """What a person types to test it; empty where it is nothing that a test of agents can decide."""
    candidate: str = ""
    """`NAME@N` that is such already; empty where the change is to be made first."""
    version: int = 0
    """Of the agent: the one whose runs were looked at."""


@dataclass(frozen=True, slots=True)
class AgentComparison:
    """One row of the cross-agent table, its p-values held together by Benjamini-Hochberg."""

    agent: str
    against: str
    metric: str
    difference: float | None
    interval: Interval | None
    p_adjusted: float | None
    significant: bool


@dataclass(frozen=True, slots=True)
class PerformanceReport:
    """One agent over a time range."""

    agent: str
    time_range: TimeRange
    metrics: MetricSummary
    previous: MetricSummary | None
    """The range of the same length before it."""
    by_task_type: Mapping[str, MetricSummary] = field(default_factory=dict[str, MetricSummary])
    by_version: Mapping[str, MetricSummary] = field(default_factory=dict[str, MetricSummary])
    trends: tuple[TrendAnalysis, ...] = ()
    comparisons: tuple[AgentComparison, ...] = ()
    cost_benefit: CostBenefit | None = None
    recommendations: tuple[OptimizationRecommendation, ...] = ()
    insights: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    changes: tuple[MetricDifference, ...] = ()
    """This range against the one before, at the same mix of task types; positive is better."""
    agent_id: str = ""
    """Empty for runs of no configured agent, and for several agents together."""
