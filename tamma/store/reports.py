"""What reports ask for, in PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import UTC

from tamma.model.analysis import MetricFilter, TimeRange
from tamma.model.measured import LENGTH_STEP, RunGroup, RunSample, RunValues
from tamma.store.database import Database, Row
from tamma.store.interface.reports import SAMPLE
from tamma.store.metrics import where
from tamma.store.report_rows import bounds, check_parts, groups_of, values_of

# By success and by having all prices, too: cheaper than sums that look at both for each run.
_SUMS = """
SELECT {part} AS part, agent_id, agent_version, task_type, error_type, success, unpriced_calls = 0 AS priced,
    max(agent COLLATE "C") AS agent,
    count(*) AS runs,
    sum(duration_ms) AS duration_ms, sum(duration_ms::float8 * duration_ms) AS duration_squares,
    sum(cost_usd) AS cost_usd, sum(cost_usd * cost_usd) AS cost_squares,
    count(quality) AS graded, sum(quality) AS quality, sum(quality * quality) AS quality_squares,
    sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    count(*) FILTER (WHERE context_window > 0) AS windowed,
    sum(context_peak::float8 / nullif(context_window, 0)) AS efficiency,
    count(*) FILTER (WHERE truncations > 0) AS truncated,
    count(*) FILTER (WHERE overflows > 0) AS overflowed,
    sum(turns) AS turns
FROM run_metrics WHERE {conditions} GROUP BY 1, 2, 3, 4, 5, 6, 7"""

# Apart from the sums: with them its groups would be too wide to be kept in memory.
_LENGTHS = """
SELECT {part} AS part, agent_id, agent_version, task_type,
    floor(ln(greatest(duration_ms, 1)::float8) / {step})::integer AS length,
    count(*) AS runs, min(duration_ms) AS least, max(duration_ms) AS most
FROM run_metrics WHERE {conditions} GROUP BY 1, 2, 3, 4, 5"""

_QUICK = {"jit": "off", "enable_sort": "off", "work_mem": "64MB"}
"""The planner takes each run's length and moment for a group of its own, and would sort all runs; compiling
a statement takes longer than running it."""

_VALUES = """
SELECT run_id, ended_at, coalesce(agent_id, '') AS agent_id, coalesce(agent, '') AS agent,
    coalesce(agent_version, 0) AS version, provider, model, served_models, repo, task_type, success,
    error_type, quality, cost_usd::float8 AS cost_usd, unpriced_calls, duration_ms, input_tokens,
    output_tokens, cache_read_tokens, context_window AS window, context_peak AS peak, truncations, overflows,
    turns, coalesce(agent_config, '') AS config
FROM run_metrics WHERE {conditions} {chosen}"""


class Reports:
    """Implements `ReportStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sum_runs(
        self, selected: MetricFilter, time_range: TimeRange, *, parts: int = 1
    ) -> tuple[RunGroup, ...]:
        check_parts(parts, time_range)
        conditions, args = where(selected, time_range)
        part = "0"
        if parts > 1:
            args.append(bounds(time_range, parts))
            part = f"width_bucket(ended_at, ${len(args)}::timestamptz[])"
        sums, lengths = await asyncio.gather(
            *(
                self._database.fetch(
                    statement.format(part=part, conditions=conditions, step=LENGTH_STEP),
                    *args,
                    settings=_QUICK,
                )
                for statement in (_SUMS, _LENGTHS)
            )
        )
        return groups_of(sums, lengths)

    async def sample_runs(
        self, selected: MetricFilter, time_range: TimeRange, *, limit: int = SAMPLE
    ) -> RunSample:
        conditions, args = where(selected, time_range)
        # Conditions are constants; every value is an argument.
        count = f"SELECT count(*) AS runs FROM run_metrics WHERE {conditions}"  # noqa: S608
        of = int((await self._database.fetchrow(count, *args))["runs"])
        chosen = ""
        if of > limit:
            args.append(limit)
            chosen = f"ORDER BY sha256(convert_to(run_id, 'UTF8')) LIMIT ${len(args)}"
        rows = await self._database.fetch(_VALUES.format(conditions=conditions, chosen=chosen), *args)
        found = sorted(map(_values, rows), key=lambda run: (run.ended_at, run.run_id))
        return RunSample(tuple(found), max(of, len(found)))


def _values(row: Row) -> RunValues:
    whole = dict(row) | {"served_models": tuple(row["served_models"])}
    return values_of(whole | {"ended_at": row["ended_at"].astimezone(UTC)})
