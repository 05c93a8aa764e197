"""What a workflow needs to have a run's measurements kept."""

from __future__ import annotations

from dataclasses import dataclass

from activities.interface import Activity
from tamma.model.experiment import ABTestId
from tamma.model.metrics import RunMetrics


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was measured is kept."""

    awaited_by: tuple[ABTestId, ...] = ()
    """A/B tests that count this run and may be waiting for it."""


RECORD_RUN: Activity[RunMetrics, Recorded] = Activity("record_run", Recorded)
"""Recording a run again replaces it."""
