"""Runs as the analysis reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tamma.model.agent import TaskType
from tamma.model.ids import TaskId
from tamma.model.metrics import RunKind, RunMetrics

START = datetime(2026, 3, 2, tzinfo=UTC)


def run(
    hour: float,
    *,
    success: bool = True,
    cost: float = 1.0,
    duration: int = 60_000,
    quality: float | None = None,
    task_type: TaskType = TaskType.TESTING,
    unpriced: int = 0,
) -> RunMetrics:
    """A run that ended so many hours after `START`."""
    ended = START + timedelta(hours=hour)
    return RunMetrics(
        run_id=f"run-{hour}-{task_type}",
        task_id=TaskId("00000000-0000-7000-8000-000000000000"),
        kind=RunKind.PRODUCTION,
        agent=None,
        provider="demo",
        model="model",
        served_models=("model",),
        repo="local:example",
        issue="1",
        task_type=task_type,
        started_at=ended - timedelta(milliseconds=duration),
        ended_at=ended,
        duration_ms=duration,
        waiting_ms=0,
        turns=1,
        input_tokens=1,
        output_tokens=1,
        cache_read_tokens=0,
        cost_usd=Decimal(repr(cost)),
        unpriced_calls=unpriced,
        success=success,
        quality=quality,
    )
