"""What a workflow needs to have a run's measurements kept."""

from __future__ import annotations

from activities.interface import Activity, Done
from tamma.model.metrics import RunMetrics

RECORD_RUN: Activity[RunMetrics, Done] = Activity("record_run", Done)
"""Recording a run again replaces it."""
