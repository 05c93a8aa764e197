"""Measurements of runs in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tamma.model.analysis import MetricFilter, TimeRange
from tamma.model.metrics import QualityPart, RunMetrics, rated, told, weighted
from tamma.store.codec import check_key
from tamma.store.database import Database
from tamma.store.metric_rows import (
    check_rating,
    check_run,
    clean_part,
    kept,
    not_measured,
    parts_from_json,
    parts_to_json,
    run_json,
    run_of,
    step_of,
    steps_json,
)

_RECORD = "SELECT record_run($1, $2)"
_READ = "SELECT * FROM run_metrics WHERE run_id = $1"
_STEPS = "SELECT * FROM step_metrics WHERE run_id = $1 ORDER BY number"
_CELLS = "SELECT * FROM run_metrics WHERE test = $1 ORDER BY ended_at, run_id"
_LAST = """
SELECT run_id, quality_parts FROM run_metrics
WHERE task_id = $1 ORDER BY ended_at DESC, run_id DESC LIMIT 1"""
_RATE = """
UPDATE run_metrics SET quality = $3, quality_parts = $4, rated = true
WHERE run_id = $1 AND quality_parts = $2 RETURNING run_id"""
_UNSETTLED = "SELECT * FROM run_metrics WHERE unsettled_since < $1 ORDER BY unsettled_since, run_id LIMIT $2"
_OPEN = "SELECT quality_parts FROM run_metrics WHERE run_id = $1 AND unsettled_since IS NOT NULL"
_SETTLE = """
UPDATE run_metrics SET quality = $3, quality_parts = $4, rated = true, unsettled_since = NULL
WHERE run_id = $1 AND quality_parts = $2 AND unsettled_since IS NOT NULL RETURNING run_id"""
_GIVE_UP = "UPDATE run_metrics SET unsettled_since = NULL WHERE run_id = $1"
# Each name by one look into the index, instead of all rows.
_REPOS = """
WITH RECURSIVE names AS (
    (SELECT repo FROM run_metrics ORDER BY repo LIMIT 1)
    UNION ALL
    SELECT (SELECT r.repo FROM run_metrics r WHERE r.repo > n.repo ORDER BY r.repo LIMIT 1)
    FROM names n WHERE n.repo IS NOT NULL
)
SELECT repo FROM names WHERE repo IS NOT NULL"""
_LATEST = "SELECT max(ended_at) AS latest FROM run_metrics"


class Metrics:
    """Implements `MetricStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_run(self, run: RunMetrics) -> None:
        check_run(run)
        run = kept(run)
        await self._database.fetch(_RECORD, run_json(run), steps_json(run))

    async def read_runs(
        self, selected: MetricFilter, time_range: TimeRange | None = None, *, limit: int = 100_000
    ) -> tuple[RunMetrics, ...]:
        conditions, args = where(selected, time_range)
        args.append(max(limit, 0))
        # Conditions are constants; every value is an argument.
        statement = f"""
            SELECT * FROM run_metrics WHERE {conditions} ORDER BY ended_at, run_id LIMIT ${len(args)}"""  # noqa: S608
        return tuple(run_of(row) for row in await self._database.fetch(statement, *args))

    async def read_run(self, run_id: str) -> RunMetrics | None:
        check_key("the run id", run_id)
        rows = await self._database.fetch(_READ, run_id)
        if not rows:
            return None
        steps = await self._database.fetch(_STEPS, run_id)
        return run_of(rows[0], tuple(map(step_of, steps)))

    async def newest_run(self, task_id: str) -> RunMetrics | None:
        check_key("the task id", task_id)
        rows = await self._database.fetch(_LAST, task_id)
        return await self.read_run(rows[0]["run_id"]) if rows else None

    async def cell_runs(self, test: str) -> tuple[RunMetrics, ...]:
        check_key("the test", test)
        return tuple(run_of(row) for row in await self._database.fetch(_CELLS, test))

    async def rate_run(self, task_id: str, score: float, *, by: str, detail: str = "") -> None:
        check_rating(score, by)
        check_key("the task id", task_id)
        while True:
            rows = await self._database.fetch(_LAST, task_id)
            if not rows:
                raise not_measured(task_id)
            before = rows[0]["quality_parts"]
            given = rated(parts_from_json(before), score, by=by, detail=detail)
            parts = tuple(clean_part(part) for part in given)
            # Where somebody else rated it meanwhile, the parts are not what was read: look again.
            if await self._database.fetch(
                _RATE, rows[0]["run_id"], before, weighted(parts), parts_to_json(parts)
            ):
                return

    async def unsettled_runs(self, before: datetime, *, limit: int) -> tuple[RunMetrics, ...]:
        rows = await self._database.fetch(_UNSETTLED, before, max(limit, 0))
        return tuple(map(run_of, rows))

    async def settle_run(self, run_id: str, part: QualityPart | None) -> None:
        check_key("the run id", run_id)
        if part is None:
            await self._database.fetch(_GIVE_UP, run_id)
            return
        while rows := await self._database.fetch(_OPEN, run_id):
            before = rows[0]["quality_parts"]
            parts = told(parts_from_json(before), clean_part(part))
            # As in `rate_run`: somebody may rate it meanwhile.
            if await self._database.fetch(_SETTLE, run_id, before, weighted(parts), parts_to_json(parts)):
                return

    async def known_repos(self) -> Sequence[str]:
        return [row["repo"] for row in await self._database.fetch(_REPOS)]

    async def latest_run(self) -> datetime | None:
        return (await self._database.fetchrow(_LATEST))["latest"]


def where(selected: MetricFilter, time_range: TimeRange | None) -> tuple[str, list[object]]:
    """The condition on `run_metrics` and its arguments, from `$1`. Values are never part of the text."""
    args: list[object] = []
    conditions = ["true"]

    def add(condition: str, value: object) -> None:
        args.append(value)
        conditions.append(condition.replace("?", f"${len(args)}"))

    if time_range is not None:
        add("ended_at >= ?", time_range.start)
        add("ended_at < ?", time_range.end)
    if selected.agents:
        add("(agent = ANY (?) OR agent_id = ANY (?))", list(selected.agents))
    for column, values in (
        ("agent_version", selected.versions),
        ("repo", selected.repos),
        ("task_type", selected.task_types),
        ("kind", selected.kinds),
        ("model", selected.models),
        ("provider", selected.providers),
    ):
        if values:
            add(f"{column} = ANY (?)", list(values))
    if selected.without_agent:
        conditions.append("agent_id IS NULL")
    return " AND ".join(conditions), args
