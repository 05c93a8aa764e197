"""What reports ask for, in PostgreSQL."""

from __future__ import annotations

from datetime import UTC
from itertools import groupby

from tamma.model.analysis import MetricFilter, TimeRange
from tamma.model.measured import LENGTH_STEP, RunGroup, RunSample, RunValues, merged
from tamma.store.database import Database, Row
from tamma.store.interface.reports import SAMPLE
from tamma.store.metrics import where
from tamma.store.report_rows import check_parts, sums_of, values_of

# In two steps, so that all is done in one pass: by length first, then the lengths of each group as arrays.
_SUMS = f"""
WITH cells AS (
    SELECT {{part}} AS part, coalesce(agent_id, '') AS agent_id, coalesce(agent_version, 0) AS version,
        task_type, error_type,
        floor(ln(greatest(duration_ms, 1)::float8) / {LENGTH_STEP})::integer AS length,
        max(agent COLLATE "C") AS agent,
        count(*) AS runs,
        count(*) FILTER (WHERE success) AS successes,
        min(duration_ms) AS least, max(duration_ms) AS most,
        sum(duration_ms) AS duration_ms, sum(duration_ms::float8 * duration_ms) AS duration_squares,
        sum(cost_usd) AS cost_usd,
        count(*) FILTER (WHERE unpriced_calls = 0) AS priced,
        count(*) FILTER (WHERE unpriced_calls = 0 AND success) AS priced_successes,
        coalesce(sum(cost_usd::float8) FILTER (WHERE unpriced_calls = 0), 0) AS priced_usd,
        coalesce(sum(cost_usd::float8 ^ 2) FILTER (WHERE unpriced_calls = 0), 0) AS priced_squares,
        coalesce(sum(cost_usd::float8) FILTER (WHERE unpriced_calls = 0 AND success), 0)
            AS priced_success_usd,
        count(quality) AS graded,
        coalesce(sum(quality), 0) AS quality, coalesce(sum(quality * quality), 0) AS quality_squares,
        sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
        sum(cache_read_tokens) AS cache_read_tokens,
        count(*) FILTER (WHERE context_window > 0) AS windowed,
        coalesce(sum(context_peak::float8 / nullif(context_window, 0)), 0) AS efficiency,
        count(*) FILTER (WHERE truncations > 0) AS truncated,
        count(*) FILTER (WHERE overflows > 0) AS overflowed,
        sum(turns) AS turns
    FROM run_metrics WHERE {{conditions}} GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT part, agent_id, max(agent COLLATE "C") AS agent, version, task_type, error_type,
    sum(runs)::bigint AS runs, sum(successes)::bigint AS successes,
    sum(duration_ms) AS duration_ms, sum(duration_squares) AS duration_squares,
    sum(cost_usd) AS cost_usd,
    sum(priced)::bigint AS priced, sum(priced_successes)::bigint AS priced_successes,
    sum(priced_usd) AS priced_usd, sum(priced_squares) AS priced_squares,
    sum(priced_success_usd) AS priced_success_usd,
    sum(graded)::bigint AS graded, sum(quality) AS quality, sum(quality_squares) AS quality_squares,
    sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(windowed)::bigint AS windowed, sum(efficiency) AS efficiency,
    sum(truncated)::bigint AS truncated, sum(overflowed)::bigint AS overflowed, sum(turns) AS turns,
    array_agg(length ORDER BY length) AS lengths, array_agg(runs ORDER BY length) AS length_runs,
    array_agg(least ORDER BY length) AS least, array_agg(most ORDER BY length) AS most
FROM cells GROUP BY 1, 2, 4, 5, 6
ORDER BY part, agent_id COLLATE "C", version, task_type COLLATE "C", error_type COLLATE "C"
"""  # noqa: S608 - the one value in it is a constant of ours

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
            seconds = (time_range.end - time_range.start).total_seconds() / parts
            args += [time_range.start, seconds, parts - 1]
            first = len(args) - 2
            since = f"extract(epoch FROM ended_at - ${first})::float8"
            part = f"least(floor({since} / ${first + 1}::float8)::integer, ${first + 2})"
        rows = await self._database.fetch(_SUMS.format(part=part, conditions=conditions), *args)
        found: list[RunGroup] = []
        for key, group in groupby(rows, key=_key):
            of = list(group)
            name = max(row["agent"] or "" for row in of)
            found.append(RunGroup(key[0], key[1], name, key[2], key[3], merged(map(sums_of, of))))
        return tuple(found)

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


def _key(row: Row) -> tuple[int, str, int, str]:
    return row["part"], row["agent_id"], row["version"], row["task_type"]


def _values(row: Row) -> RunValues:
    whole = dict(row) | {"served_models": tuple(row["served_models"])}
    return values_of(whole | {"ended_at": row["ended_at"].astimezone(UTC)})
