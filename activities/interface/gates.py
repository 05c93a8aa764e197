"""What a workflow needs to have the project's gates run."""

from __future__ import annotations

from dataclasses import dataclass

from activities.interface import Activity
from tamma.model.ids import BlobId
from tamma.model.task import TestRun


@dataclass(frozen=True, slots=True)
class RunGate:
    """Run a command, and undo what it does to the work tree."""

    workspace_id: str
    command: str
    timeout: float
    before: BlobId | None = None
    """What it printed before anything was changed, where it was red then."""


@dataclass(frozen=True, slots=True)
class GateRun:
    test: TestRun
    output: BlobId
    """What it printed; the new findings alone, where they can be told."""
    new: int | None = None
    """Findings that `before` has not; None where that cannot be told."""


RUN_GATE: Activity[RunGate, GateRun] = Activity("run_gate", GateRun)
