"""A report as data: everything that a rendering shows. Plain values, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from tamma.model.analysis import Estimate, TrendAnalysis
from tamma.model.experiment import ABTestPlan, Arm, LookPlan, Metric, Outcome
from tamma.model.verdict import ABTestState, Approver, Evidence, Look, StopReason, Verdict

Won = Literal["win", "loss", "tie"]
"""From the candidate's side."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the test stands, and what became of its verdict."""

    state: ABTestState
    stop_reason: StopReason | None = None
    spent_usd: Decimal = Decimal(0)
    created_at: datetime | None = None
    ended_at: datetime | None = None
    approver: Approver | None = None
    applied_version: int | None = None
    rolled_back_to: int | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """How a cost or a duration is distributed over an arm's trials."""

    mean: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """One arm over all its trials that count. Money in dollars, time in milliseconds."""

    arm: Arm
    agent: str
    """`NAME@VERSION`."""
    config_hash: str
    assigned: int
    ended: int
    trials: int
    """In complete units: what all other figures are about."""
    success: Estimate
    quality: Estimate
    cost: Spread | None
    duration: Spread | None
    cost_per_success: float | None
    unpriced: int
    """Trials of unknown cost."""
    tokens: int
    context_efficiency: float | None
    """Mean of peak input tokens over the window."""
    truncation_rate: float | None
    cache_hit_rate: float | None
    success_per_1k_tokens: float | None
    errors: Mapping[str, int] = field(default_factory=dict[str, int])
    served_models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CellRuns:
    """One unit in one arm, its replicates averaged."""

    success: float
    quality: float | None
    cost_usd: float | None
    duration_ms: float | None
    error_type: str
    runs: tuple[str, ...]
    links: tuple[str, ...] = ()
    """Where each run can be looked at; empty strings where nowhere."""


@dataclass(frozen=True, slots=True)
class PairRow:
    """One unit of a paired test, and which arm did better on the primary metric."""

    unit: str
    repo: str
    task_type: str
    won: Won
    control: CellRuns
    candidate: CellRuns


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The primary effect within one task type or repository. Exploratory: it decides nothing."""

    kind: Literal["task type", "repository"]
    name: str
    n: int
    control: float | None
    candidate: float | None
    effect: float | None
    low: float | None
    high: float | None
    p: float | None
    """Adjusted by Benjamini-Hochberg over all groups of the report."""


@dataclass(frozen=True, slots=True)
class SequencePoint:
    """What was known after so many units, in the order in which they were completed."""

    units: int
    estimate: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Running:
    """The always-valid view: it may be looked at after every unit without raising false alarms."""

    of: Literal["effect", "wins"]
    """`wins`: of the tasks that one arm alone solved, the share that the candidate did; 0.5: alike."""
    points: tuple[SequencePoint, ...]


@dataclass(frozen=True, slots=True)
class ContextBin:
    """Trials of one arm by how full their context window was at its fullest."""

    arm: Arm
    low: float
    high: float
    trials: int
    success: Estimate


@dataclass(frozen=True, slots=True)
class ConfigPoint:
    """A configuration by what it costs and what it gives."""

    name: str
    cost_usd: float
    """Mean a task."""
    value: float
    """Mean quality, or the share of tasks solved where nothing was graded."""
    runs: int
    arm: Arm | None = None


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """One setting that differs. Long texts have a diff instead."""

    path: str
    control: str
    candidate: str
    diff: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about one test. What is empty is not shown."""

    test_id: str
    name: str
    plan: ABTestPlan
    standing: Standing
    verdict: Verdict | None
    """None before the first look."""
    evidence: Evidence | None
    looks_planned: tuple[LookPlan, ...]
    looks: tuple[Look, ...]
    arms: tuple[ArmSummary, ...]
    rollback_target: str
    """`NAME@VERSION` that a rollback goes to."""
    pairs: tuple[PairRow, ...] = ()
    groups: tuple[GroupRow, ...] = ()
    running: Running | None = None
    context: tuple[ContextBin, ...] = ()
    value_metric: Metric = Metric.SUCCESS
    """What `configs` are measured in."""
    configs: tuple[ConfigPoint, ...] = ()
    changes: tuple[ConfigChange, ...] = ()
    trends: tuple[TrendAnalysis, ...] = ()
    trials: tuple[Outcome, ...] = ()
    """Every trial that fills an assigned cell, in the order of assignment."""
    rehearsal: bool = False
    """Outcomes were drawn from declared rates: no model worked."""
    notes: tuple[str, ...] = ()
