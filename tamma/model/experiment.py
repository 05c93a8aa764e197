"""An A/B test of two agent versions: its plan, its assignments, its outcomes.

Probabilities and shares are fractions (0.05 is 5 %), money is in US dollars.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from tamma.model.agent import AgentPin, TaskType
from tamma.model.metrics import QualityPart
from tamma.model.suite import SuiteRef, TaskLimits

AB_WORKFLOW = "ABTest"
ABTestId = NewType("ABTestId", str)
"""A UUIDv7."""


def ab_id(test_id: str) -> str:
    """The id of a test's workflow."""
    return f"ab/{test_id}"


class Mode(StrEnum):
    PAIRED = "paired"
    """Both arms work on the same tasks of a suite, from the same commits."""
    LIVE = "live"
    """Each production run is given one arm."""


class Arm(StrEnum):
    CONTROL = "control"
    """The specification's agent A."""
    CANDIDATE = "candidate"
    """The specification's agent B."""


class Metric(StrEnum):
    SUCCESS = "success"
    """Share of tasks solved: more is better; effects in points (0.05 is 5 points)."""
    QUALITY = "quality"
    """0 to 100: more is better; effects in points of that scale."""
    COST = "cost"
    """Dollars a task: less is better; effects as a ratio (0.10 is 10 % less)."""
    DURATION = "duration"
    """Working time a task: less is better; effects as a ratio."""

    @property
    def more_is_better(self) -> bool:
        return self in (Metric.SUCCESS, Metric.QUALITY)

    @property
    def is_ratio(self) -> bool:
        """Whether its effects are ratios, measured on a log scale."""
        return self in (Metric.COST, Metric.DURATION)


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A metric on which the candidate must not be worse than the control by more than `margin`."""

    metric: Metric
    margin: float
    """In the metric's own effects: points, or a share for ratios. Positive."""


@dataclass(frozen=True, slots=True)
class Canary:
    """How a winner is watched after it has become the active version."""

    runs: int = 20
    """Production runs to watch; 0: no canary."""
    days: float = 14.0
    """After which it ends with what there is."""
    margin: float = 0.10
    """It is rolled back when it is proved to be worse by more than this, in points of success."""


@dataclass(frozen=True, slots=True)
class ABTestPlan:
    """What is asked for (the specification's ABTestPlan, and what it leaves open)."""

    name: str
    control: AgentPin
    candidate: AgentPin
    mode: Mode = Mode.PAIRED
    suite: SuiteRef | None = None
    """What is worked on in paired tests."""
    task_types: tuple[TaskType, ...] = ()
    """Empty: all."""
    repos: tuple[str, ...] = ()
    """In live tests: globs over `platform:owner/name`. Empty: all."""
    primary: Metric = Metric.SUCCESS
    secondary: tuple[Metric, ...] = (Metric.QUALITY, Metric.COST, Metric.DURATION)
    guardrails: tuple[Guardrail, ...] = ()
    sample_size: int = 0
    """Tasks in paired tests, runs in live ones. 0: as many as the power asks for."""
    replicates: int = 1
    """How often each arm works on each task; averaged a task."""
    confidence_level: float = 0.95
    power: float = 0.80
    minimum_effect: float = 0.05
    """The least effect of the primary metric that is worth having."""
    looks: int = 5
    budget_usd: Decimal | None = None
    """Both arms together, all trials. None: no limit but each trial's own."""
    duration_days: float = 30.0
    """After which the last look is taken with what there is."""
    concurrency: int = 4
    """Trials at once."""
    limits: TaskLimits = field(default_factory=TaskLimits)
    auto_approve: bool = False
    """Apply a winner unasked, where the adjusted interval's lower bound beats the minimum effect."""
    reminder_hours: float = 24.0
    """How often people are reminded of a verdict that waits for them."""
    approval_days: float = 30.0
    """After which a verdict that nobody answered is archived without being applied."""
    canary: Canary = field(default_factory=Canary)
    seed: int = 0
    """Of arm orders, blocks and bootstraps. 0: drawn from the test's id."""
    note: str = ""
    """Why the test is made: a person's words, or the recommendation's."""


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """Why a plan cannot be followed, and what to do about it."""

    field: str
    """As a plan file names it."""
    words: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a plan asks for, before it starts."""

    tasks_needed: int
    """For the power that is asked, at the last look, the sequential design's inflation included."""
    tasks_planned: int
    trials: int
    detectable: float
    """The least effect that `tasks_planned` finds with that power."""
    cost_usd: Decimal | None
    """Expected; None where nothing is known of either arm."""
    cost_low_usd: Decimal | None = None
    cost_high_usd: Decimal | None = None
    days: float | None = None
    basis: str = ""
    """Where the rates, the correlation, the costs come from: history, or assumptions named as such."""
    warnings: tuple[str, ...] = ()
    rehearsal: bool = False
    """Whether no model works and nothing is paid: costs are drawn from declared rates."""


@dataclass(frozen=True, slots=True)
class LookPlan:
    """One planned look: after how many completed units, and how extreme |z| must be."""

    number: int
    units: int
    boundary: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one trial gave: one cell (unit, arm, replicate). A missing value is None, never a guess."""

    unit: str
    arm: Arm
    replicate: int
    run_id: str
    success: bool
    """Intention to treat: timeouts and crashes are failures and keep their cost."""
    quality: float | None
    cost_usd: float | None
    """None where a call had no known price."""
    duration_ms: float
    stratum: str
    """Task type and repository."""
    repo: str
    task_type: TaskType
    served_models: tuple[str, ...] = ()
    error_type: str = ""
    tokens: int = 0
    context_efficiency: float | None = None
    truncations: int = 0
    cache_read_tokens: int = 0
    quality_parts: tuple[QualityPart, ...] = ()
    ended_at: datetime | None = None
    config_hash: str = ""
    """Of the configuration that really ran; empty where no configured agent did."""
    input_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which arms a unit gets, in which order; recorded before anything runs."""

    position: int
    """From 0."""
    unit: str
    stratum: str
    arms: tuple[Arm, ...]
    """Paired: both, in the drawn order, once per replicate. Live: one."""
