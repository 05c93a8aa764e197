"""Measurements of runs and their steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tamma.model.analysis import MetricFilter, TimeRange
from tamma.model.metrics import QualityPart, RunMetrics


class MetricStore(Protocol):
    async def record_run(self, run: RunMetrics) -> None:
        """Keep a run and its steps; recording the same run id again replaces both. A cell has one run,
        the last one recorded."""
        ...

    async def read_runs(
        self, selected: MetricFilter, time_range: TimeRange | None = None, *, limit: int = 100_000
    ) -> tuple[RunMetrics, ...]:
        """Runs that ended in the range, oldest first, without their steps."""
        ...

    async def read_run(self, run_id: str) -> RunMetrics | None:
        """One run with its steps."""
        ...

    async def newest_run(self, task_id: str) -> RunMetrics | None:
        """The run of a task that ended last, with its steps; None where none was measured."""
        ...

    async def cell_runs(self, test: str) -> tuple[RunMetrics, ...]:
        """The runs that fill the cells of a test or a benchmark, in the order of their ends."""
        ...

    async def rate_run(self, task_id: str, score: float, *, by: str, detail: str = "") -> None:
        """Add a person's rating (0 to 100) to a run's quality parts; the same person again replaces it.

        Raises StoreError where there is no such run.
        """
        ...

    async def unsettled_runs(self, before: datetime, *, limit: int) -> tuple[RunMetrics, ...]:
        """Runs that merged something before then of which it is open whether it was kept; the longest open
        first, without their steps."""
        ...

    async def settle_run(self, run_id: str, part: QualityPart | None) -> None:
        """Add the answer to the run's quality parts, once; None: there will be none. What is settled, or is
        not there, stays as it is."""
        ...

    async def known_repos(self) -> Sequence[str]: ...

    async def latest_run(self) -> datetime | None:
        """When the newest run ended."""
        ...
