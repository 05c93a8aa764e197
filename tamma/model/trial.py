"""A trial: one agent works on one task of a suite, in a workspace of its own, and is graded.

Nothing is pushed and no platform is asked: what a trial leaves behind is its measurements and its transcript.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal

from tamma.model.agent import AgentPin
from tamma.model.ids import BlobId, TaskId
from tamma.model.metrics import Cell, RunKind
from tamma.model.suite import SuiteRef, TaskLimits

TRIAL_WORKFLOW = "Trial"
_CELLS = uuid.UUID("7c1f1f6e-3c55-5f0c-9a53-5b1d2f0c7f4e")
"""The name space of the task ids of trials."""


@dataclass(frozen=True, slots=True)
class TrialRequest:
    """The input of the `Trial` workflow: references only."""

    task_id: TaskId
    kind: RunKind
    cell: Cell
    """`cell.unit` is the id of the suite's task."""
    suite: SuiteRef
    agent: AgentPin
    limits: TaskLimits | None = None
    """None: the task's own."""
    seed: int = 0
    """Of rehearsals; the same cell with the same seed always ends alike."""
    instructions: BlobId | None = None
    """A text that stands as AGENTS.md in the clone, to compare variants of it."""


def trial_id(cell: Cell) -> str:
    """The id of the workflow that fills a cell: `trial/<test>/<arm>/<unit>/<replicate>`."""
    return f"trial/{cell.test}/{cell.arm}/{cell.unit}/{cell.replicate}"


def trial_task(workflow: str) -> TaskId:
    """The task id of the trial with this workflow id (`trial_id`): the same cell always has the same."""
    return TaskId(str(uuid.uuid5(_CELLS, workflow)))


@dataclass(frozen=True, slots=True)
class TrialResult:
    """How a trial ended, in small; the whole is in the run metrics under `run_id`."""

    run_id: str
    success: bool
    cost_usd: Decimal
    duration_ms: int
    quality: float | None = None
    error_type: str = ""
    grading_usd: Decimal = Decimal(0)
    """What a judging model cost: the benchmark's money, and no part of what the agent costs."""
    unpriced_calls: int = 0
    """Calls of unknown price, of the agent's and the judge's: `cost_usd` and `grading_usd` lack them."""

    def charge(self, most: Decimal) -> Decimal:
        """What it counts against a budget. What is unknown counts as `most`, all that a trial may spend: as
        nothing it would never use the budget up."""
        known = self.cost_usd + self.grading_usd
        return max(known, most) if self.unpriced_calls else known


_COPY = "-grade"


def graded_copy(task_id: TaskId) -> TaskId:
    """The workspace in which a trial's work is graded, apart from what the agent left beside it."""
    return TaskId(f"{task_id}{_COPY}")


def trial_of(workspace_id: str) -> str:
    """The trial to which such a copy belongs; other workspaces' names are as they were."""
    return workspace_id.removesuffix(_COPY)
