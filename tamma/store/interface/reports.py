"""What reports ask of the measurements of runs: sums that the database makes, and samples of runs."""

from __future__ import annotations

from typing import Protocol

from tamma.model.analysis import MetricFilter, TimeRange
from tamma.model.measured import RunGroup, RunSample

SAMPLE = 20_000
"""Runs that are read one by one at most: more say nothing that these do not."""
MOST_PARTS = 400


class ReportStore(Protocol):
    async def sum_runs(
        self, selected: MetricFilter, time_range: TimeRange, *, parts: int = 1
    ) -> tuple[RunGroup, ...]:
        """The runs that ended in the range, summed by part of the range, agent, version and task type, in
        this order. Parts are equally long; 1 to `MOST_PARTS`. Raises StoreError for another number."""
        ...

    async def sample_runs(
        self, selected: MetricFilter, time_range: TimeRange, *, limit: int = SAMPLE
    ) -> RunSample:
        """The runs that ended in the range, oldest first. Where there are more than `limit`, so many of them,
        chosen by a hash of their ids: always the same ones, and at random as far as results go."""
        ...
