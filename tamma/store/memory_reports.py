"""What reports ask for, in memory: the twin of `tamma.store.reports`."""

from __future__ import annotations

import hashlib
from bisect import bisect_right

from tamma.model.analysis import MetricFilter, TimeRange
from tamma.model.measured import LengthBin, RunGroup, RunSample, RunSums, RunValues, merged
from tamma.model.metrics import RunMetrics
from tamma.store.interface.reports import SAMPLE
from tamma.store.memory_metrics import MemoryMetrics, selects
from tamma.store.report_rows import UNKNOWN, bounds, check_parts

_Key = tuple[int, str, int, str]


class MemoryReports(MemoryMetrics):
    """Implements `ReportStore` over the runs of `MemoryMetrics`."""

    async def sum_runs(
        self, selected: MetricFilter, time_range: TimeRange, *, parts: int = 1
    ) -> tuple[RunGroup, ...]:
        check_parts(parts, time_range)
        starts = bounds(time_range, parts)
        groups: dict[_Key, list[RunMetrics]] = {}
        for run in self._runs.values():
            if not selects(selected, time_range, run):
                continue
            agent = run.agent
            key = (
                bisect_right(starts, run.ended_at),
                agent.agent_id if agent else "",
                agent.version if agent else 0,
                run.task_type.value,
            )
            groups.setdefault(key, []).append(run)
        return tuple(
            RunGroup(key[0], key[1], _name(runs), key[2], key[3], merged(map(sums_of_run, runs)))
            for key, runs in sorted(groups.items())
        )

    async def sample_runs(
        self, selected: MetricFilter, time_range: TimeRange, *, limit: int = SAMPLE
    ) -> RunSample:
        found = [run for run in self._runs.values() if selects(selected, time_range, run)]
        of = len(found)
        if of > limit:
            found = sorted(found, key=lambda run: hashlib.sha256(run.run_id.encode()).digest())[:limit]
        values = sorted(map(values_of_run, found), key=lambda run: (run.ended_at, run.run_id))
        return RunSample(tuple(values), of)


def sums_of_run(run: RunMetrics) -> RunSums:
    """One run as sums."""
    cost, priced, window = float(run.cost_usd), run.unpriced_calls == 0, run.context.window
    known = cost if priced else 0.0
    return RunSums(
        runs=1,
        successes=int(run.success),
        duration_ms=run.duration_ms,
        duration_squares=float(run.duration_ms) ** 2,
        cost_usd=run.cost_usd,
        priced=int(priced),
        priced_successes=int(priced and run.success),
        priced_usd=known,
        priced_squares=known**2,
        priced_success_usd=known if run.success else 0.0,
        graded=int(run.quality is not None),
        quality=run.quality or 0.0,
        quality_squares=(run.quality or 0.0) ** 2,
        input_tokens=run.input_tokens,
        output_tokens=run.output_tokens,
        cache_read_tokens=run.cache_read_tokens,
        windowed=int(window > 0),
        efficiency=run.context.efficiency or 0.0,
        truncated=int(run.context.truncations > 0),
        overflowed=int(run.context.overflows > 0),
        turns=run.turns,
        errors={} if run.success else {run.error_type or UNKNOWN: 1},
        lengths=(LengthBin(LengthBin.index_of(run.duration_ms), 1, run.duration_ms, run.duration_ms),),
    )


def values_of_run(run: RunMetrics) -> RunValues:
    """A run without what only explains it."""
    agent, use = run.agent, run.context
    return RunValues(
        run_id=run.run_id,
        ended_at=run.ended_at,
        agent_id=agent.agent_id if agent else "",
        agent=agent.name if agent else "",
        version=agent.version if agent else 0,
        provider=run.provider,
        model=run.model,
        served_models=run.served_models,
        repo=run.repo,
        task_type=run.task_type.value,
        success=run.success,
        error_type=run.error_type,
        quality=run.quality,
        cost_usd=float(run.cost_usd),
        unpriced_calls=run.unpriced_calls,
        duration_ms=run.duration_ms,
        input_tokens=run.input_tokens,
        output_tokens=run.output_tokens,
        cache_read_tokens=run.cache_read_tokens,
        window=use.window,
        peak=use.peak,
        truncations=use.truncations,
        overflows=use.overflows,
        turns=run.turns,
        config=agent.hash if agent else "",
    )


def _name(runs: list[RunMetrics]) -> str:
    return max(run.agent.name if run.agent else "" for run in runs)
