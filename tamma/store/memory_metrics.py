"""Measurements of runs in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tamma.model.analysis import MetricFilter, TimeRange
from tamma.model.metrics import QualityPart, RunMetrics, rated, told, weighted
from tamma.store.codec import check_key
from tamma.store.metric_rows import check_rating, check_run, clean_part, kept, not_measured


class MemoryMetrics:
    """Implements `MetricStore`."""

    def __init__(self) -> None:
        super().__init__()
        self._runs: dict[str, RunMetrics] = {}
        self._rated: set[str] = set()
        self._settled: set[str] = set()

    async def record_run(self, run: RunMetrics) -> None:
        check_run(run)
        run = kept(run)
        if run.run_id in self._rated:
            earlier = self._runs[run.run_id]
            run = replace(run, quality=earlier.quality, quality_parts=earlier.quality_parts)
        if run.cell is not None:
            for other in [other for other in self._runs.values() if other.cell == run.cell]:
                del self._runs[other.run_id]
                if other.run_id != run.run_id:
                    self._rated.discard(other.run_id)
                    self._settled.discard(other.run_id)
        self._runs[run.run_id] = run

    async def read_runs(
        self, selected: MetricFilter, time_range: TimeRange | None = None, *, limit: int = 100_000
    ) -> tuple[RunMetrics, ...]:
        found = [run for run in self._runs.values() if selects(selected, time_range, run)]
        return tuple(_without_steps(run) for run in _by_end(found)[: max(limit, 0)])

    async def read_run(self, run_id: str) -> RunMetrics | None:
        check_key("the run id", run_id)
        return self._runs.get(run_id)

    async def newest_run(self, task_id: str) -> RunMetrics | None:
        check_key("the task id", task_id)
        runs = _by_end([run for run in self._runs.values() if run.task_id == task_id])
        return runs[-1] if runs else None

    async def cell_runs(self, test: str) -> tuple[RunMetrics, ...]:
        check_key("the test", test)
        found = [run for run in self._runs.values() if run.cell is not None and run.cell.test == test]
        return tuple(map(_without_steps, _by_end(found)))

    async def rate_run(self, task_id: str, score: float, *, by: str, detail: str = "") -> None:
        check_rating(score, by)
        check_key("the task id", task_id)
        run = await self.newest_run(task_id)
        if run is None:
            raise not_measured(task_id)
        parts = tuple(map(clean_part, rated(run.quality_parts, score, by=by, detail=detail)))
        self._runs[run.run_id] = replace(run, quality=weighted(parts), quality_parts=parts)
        self._rated.add(run.run_id)

    async def unsettled_runs(self, before: datetime, *, limit: int) -> tuple[RunMetrics, ...]:
        found = [
            (run.merged.at, run.run_id, run)
            for run in self._runs.values()
            if run.merged is not None and run.run_id not in self._settled and run.merged.at < before
        ]
        return tuple(
            _without_steps(run) for *_, run in sorted(found, key=lambda item: item[:2])[: max(limit, 0)]
        )

    async def settle_run(self, run_id: str, part: QualityPart | None) -> None:
        check_key("the run id", run_id)
        run = self._runs.get(run_id)
        if run is None or run.merged is None or run_id in self._settled:
            return
        self._settled.add(run_id)
        if part is not None:
            parts = told(run.quality_parts, clean_part(part))
            self._runs[run_id] = replace(run, quality=weighted(parts), quality_parts=parts)
            self._rated.add(run_id)

    async def known_repos(self) -> Sequence[str]:
        return sorted({run.repo for run in self._runs.values()})

    async def latest_run(self) -> datetime | None:
        return max((run.ended_at for run in self._runs.values()), default=None)


def selects(selected: MetricFilter, time_range: TimeRange | None, run: RunMetrics) -> bool:
    """Whether a run is one of those that are looked at."""
    if time_range is not None and not time_range.start <= run.ended_at < time_range.end:
        return False
    agent = run.agent
    if selected.agents and (agent is None or not {agent.name, agent.agent_id} & set(selected.agents)):
        return False
    if selected.versions and (agent is None or agent.version not in selected.versions):
        return False
    if selected.without_agent and agent is not None:
        return False
    return all(
        not wanted or value in wanted
        for value, wanted in (
            (run.repo, selected.repos),
            (run.task_type.value, selected.task_types),
            (run.kind.value, selected.kinds),
            (run.model, selected.models),
            (run.provider, selected.providers),
        )
    )


def _by_end(runs: list[RunMetrics]) -> list[RunMetrics]:
    return sorted(runs, key=lambda run: (run.ended_at, run.run_id))


def _without_steps(run: RunMetrics) -> RunMetrics:
    return replace(run, steps=())
