"""A benchmark: every task of a suite, tried by several agents, several times."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from tamma.model.agent import AgentPin
from tamma.model.ids import BlobId
from tamma.model.suite import SuiteRef, TaskLimits

BenchId = NewType("BenchId", str)
"""A UUIDv7."""

BENCH_WORKFLOW = "BenchRun"
MOST_EVENTS = 4000
"""A history of so many events, some 570 trials, is continued as a new one."""


def bench_workflow_id(bench_id: BenchId) -> str:
    """`bench/<benchId>`."""
    return f"bench/{bench_id}"


@dataclass(frozen=True, slots=True)
class BenchArm:
    """One of those that are compared."""

    label: str
    """Names it in cells and reports: `NAME@3`, with `+FILE` where instructions of its own are laid over."""
    agent: AgentPin | None = None
    """None: results of others were imported."""
    instructions: BlobId | None = None
    """A text that stands as AGENTS.md in its clones."""


@dataclass(frozen=True, slots=True)
class BenchTally:
    """What has ended, in small; the measurements are in the run metrics under the cells."""

    begun: int = 0
    """Cells that were begun, in the order of `bench_cell`: the next one has this number."""
    ended: int = 0
    solved: int = 0
    lost: int = 0
    """Trials that left no measurements."""
    spent_usd: Decimal = Decimal(0)
    refused: int = 0
    """Trials in a row that ended because a provider refused."""
    notes: tuple[str, ...] = ()
    """Why trials were lost, at most 10."""


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """The input of the `BenchRun` workflow: references only. `tally` is carried on when it goes on as new."""

    bench_id: BenchId
    suite: SuiteRef
    arms: tuple[BenchArm, ...]
    repeats: int = 1
    budget_usd: Decimal | None = None
    """No trial begins that could take the whole beyond it. None: no bound but the trials' own."""
    concurrency: int = 4
    seed: int = 0
    limits: TaskLimits | None = None
    """None: each task's own."""
    started_by: str = ""
    tally: BenchTally = field(default_factory=BenchTally)
    paused: bool = False

    @property
    def cells(self) -> int:
        """How many trials it plans."""
        return self.suite.tasks * self.repeats * len(self.arms)


class BenchState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    STOPPED = "stopped"
    """Somebody stopped it."""
    BUDGET = "budget"
    """The budget does not bear another trial."""
    REFUSED = "refused"
    """The provider refused one trial after the other: a key, a quota, a model."""
    IMPORTED = "imported"
    """The results of others."""

    @property
    def over(self) -> bool:
        return self not in (BenchState.RUNNING, BenchState.PAUSED)


@dataclass(frozen=True, slots=True)
class BenchView:
    """The answer of the `progress` query, and what `tamma bench status` shows."""

    request: BenchRequest
    state: BenchState
    running: tuple[str, ...] = ()
    """The cells that run now, as `arm unit#replicate`."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BenchRecord:
    """What is kept of a benchmark for good: its plan, and how it ended."""

    request: BenchRequest
    state: BenchState
    created_at: datetime
    ended_at: datetime | None = None
    reason: str = ""


def bench_cell(number: int, arms: int, repeats: int) -> tuple[int, int, int]:
    """(task, arm, replicate) of a cell by its number from 0.

    Task by task, so that a benchmark that is cut short compares the arms on the same tasks. Which arm goes
    first rotates, so that what drifts over time hits all alike.
    """
    unit, place = divmod(number, arms * repeats)
    replicate, turn = divmod(place, arms)
    return unit, (turn + unit + replicate) % arms, replicate
