"""What is measured of every run and each of its steps. Durations in milliseconds, money in US dollars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tamma.model.agent import AgentPin, TaskType
from tamma.model.ids import TaskId
from tamma.model.references import RepoRef


class RunKind(StrEnum):
    """Why a run was made. Only `production` runs changed somebody's repository."""

    PRODUCTION = "production"
    BENCH = "bench"
    REPLAY = "replay"
    """An arm of a paired A/B test."""


@dataclass(frozen=True, slots=True)
class ContextUse:
    """How a stretch of model calls used the context window. Tokens are the service's count."""

    window: int = 0
    """The model's window; 0 where it is unknown."""
    peak: int = 0
    """Input tokens of the largest call."""
    truncations: int = 0
    """How often old tool results were dropped to make room."""
    overflows: int = 0
    """How often the conversation did not fit."""

    def __add__(self, other: ContextUse) -> ContextUse:
        return ContextUse(
            max(self.window, other.window),
            max(self.peak, other.peak),
            self.truncations + other.truncations,
            self.overflows + other.overflows,
        )

    @property
    def efficiency(self) -> float | None:
        """`peak / window`: the specification's "tokens used / context window size"."""
        return self.peak / self.window if self.window else None


MOST_MODELS = 8
"""Names of served models that are remembered; a run's history carries them."""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """Who answered a stretch of model calls, and how they used the window."""

    provider: str = ""
    """The configured entry that answered last."""
    models: tuple[str, ...] = ()
    """As they called themselves, by first appearance."""
    context: ContextUse = field(default_factory=ContextUse)

    def __add__(self, other: ModelUse) -> ModelUse:
        return ModelUse(
            other.provider or self.provider,
            tuple(dict.fromkeys((*self.models, *other.models)))[:MOST_MODELS],
            self.context + other.context,
        )


@dataclass(frozen=True, slots=True)
class QualityPart:
    """One grader's word: `score` from 0 to 100, `weight` its share, `detail` for people."""

    grader: str
    score: float
    weight: float
    detail: str = ""


PERSON = "person:"
"""What the graders begin with that are people; their names follow."""
PEOPLES_WEIGHT = 0.3
"""The share of people's ratings in a quality, however many rated. The shares of others are declared where
they grade: `tamma/agents/quality.py` for runs, a suite's weights for trials."""


def weighted(parts: Sequence[QualityPart]) -> float | None:
    """The weighted mean of the parts' scores, 0 to 100; None where nothing that counts graded."""
    heaviest = max((part.weight for part in parts), default=0)
    if heaviest <= 0:
        return None
    # Of the heaviest, for a product with a weight next to nothing would be nothing.
    shares = [part.weight / heaviest for part in parts]
    # Six digits: a sum of shares may come out a hair above the largest score.
    mean = sum(part.score * share for part, share in zip(parts, shares, strict=True)) / sum(shares)
    return round(mean, 6)


def rated(
    parts: Sequence[QualityPart], score: float, *, by: str, detail: str = ""
) -> tuple[QualityPart, ...]:
    """The parts with one person's rating (0 to 100) added, or replaced. People share `PEOPLES_WEIGHT`."""
    given = QualityPart(PERSON + by, score, PEOPLES_WEIGHT, detail)
    graders = [part for part in parts if not part.grader.startswith(PERSON)]
    people = [part for part in parts if part.grader.startswith(PERSON) and part.grader != given.grader]
    people.append(given)
    shared = (replace(part, weight=PEOPLES_WEIGHT / len(people)) for part in people)
    return (*graders, *shared)


def told(parts: Sequence[QualityPart], part: QualityPart) -> tuple[QualityPart, ...]:
    """The parts with one that is known only later, added before what people said, or replaced."""
    others = [other for other in parts if other.grader != part.grader]
    people = [other for other in others if other.grader.startswith(PERSON)]
    return (*(other for other in others if other not in people), part, *people)


@dataclass(frozen=True, slots=True)
class StepMetrics:
    """One step of a run: `plan`, `test`, `implement`, `fix` or `review`."""

    number: int
    """From 1, in the order of their ends."""
    step: str
    provider: str
    model: str
    """As the service called itself."""
    started_at: datetime
    duration_ms: int
    turns: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cost_usd: Decimal
    unpriced_calls: int
    success: bool
    error_type: str = ""
    context: ContextUse = field(default_factory=ContextUse)


@dataclass(frozen=True, slots=True)
class Cell:
    """Which cell of a benchmark or an A/B test a run fills."""

    test: str
    """The id of the A/B test or the benchmark run."""
    arm: str
    """`control`, `candidate`, or an agent's name in a benchmark."""
    unit: str
    """The task's id within its suite; in a live split the run's issue."""
    replicate: int = 0


@dataclass(frozen=True, slots=True)
class MergedChange:
    """What a run merged, and where: how it is found again when it is asked whether it was kept."""

    repo: RepoRef
    branch: str
    """It was merged into this one."""
    sha: str
    """The commit that brought it in."""
    at: datetime
    head_sha: str = ""
    """The commit that was reviewed."""
    pull_request: str = ""
    """Its number; empty where there are none."""


@dataclass(frozen=True, slots=True)
class RunMetrics:
    """A run as a whole (the specification's PerformanceMetrics, and what explains it)."""

    run_id: str
    """Unique: the workflow's run id. Recording it again replaces the row."""
    task_id: TaskId
    kind: RunKind
    agent: AgentPin | None
    """None: no configured agent, just a provider and a model; or several agents, each with its tries."""
    provider: str
    model: str
    served_models: tuple[str, ...]
    """Every model that answered, as it called itself: how a changed alias is seen."""
    repo: str
    issue: str
    task_type: TaskType
    started_at: datetime
    ended_at: datetime
    duration_ms: int
    """Work alone: without waiting for people, money or outages."""
    waiting_ms: int
    turns: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cost_usd: Decimal
    unpriced_calls: int
    success: bool
    error_type: str = ""
    """Why it did not succeed: a gate's name, an error's, `cancelled`, `timeout`; empty on success."""
    quality: float | None = None
    """0 to 100, the weighted mean of `quality_parts`; None where nothing graded it."""
    quality_parts: tuple[QualityPart, ...] = ()
    context: ContextUse = field(default_factory=ContextUse)
    steps: tuple[StepMetrics, ...] = ()
    cell: Cell | None = None
    merged: MergedChange | None = None
    """None: the run merged nothing, or it is older than this question."""
