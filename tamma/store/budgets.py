"""Limits of spending in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from tamma.model.budget import LimitStanding, Period, Reservation, Settlement, SpendLimit
from tamma.model.ids import TaskId
from tamma.model.tries import try_of_reservation
from tamma.store.codec import check_key
from tamma.store.database import Database

_SET = """
INSERT INTO spend_limits (scope, period, usd, set_by) VALUES ($1, $2, $3, $4)
ON CONFLICT (scope, period)
    DO UPDATE SET usd = excluded.usd, set_by = excluded.set_by, set_at = excluded.set_at"""
_REMOVE = "DELETE FROM spend_limits WHERE scope = $1 AND period = $2 RETURNING scope"
_STANDING = "SELECT scope, period, usd, set_by, spent, reserved FROM limits_standing($1, $2)"
_RESERVE = "SELECT reserve_spending($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS granted"
_SETTLE = "SELECT settle_spending($1, $2, $3, $4)"
_HELD = """
SELECT key, taken_at FROM reservations
WHERE task_id = $1 AND settled_at IS NULL AND ($2::text IS NULL OR key = $2) ORDER BY key"""
_TRANSCRIBED = """
SELECT coalesce(sum(cost_usd), 0) AS usd FROM entries WHERE session_id = $1 AND recorded_at >= $2"""
_OPEN = """
SELECT task_id, key, repo, workflow_id, run_id, usd FROM reservations
WHERE settled_at IS NULL ORDER BY taken_at, task_id, key LIMIT $1"""


class Budgets:
    """Implements `BudgetStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_spend_limit(self, limit: SpendLimit) -> None:
        await self._database.fetch(
            _SET,
            check_key("the scope", limit.scope),
            limit.period.value,
            limit.usd,
            check_key("the name", limit.set_by),
        )

    async def remove_spend_limit(self, scope: str, period: Period) -> bool:
        return bool(await self._database.fetch(_REMOVE, check_key("the scope", scope), period.value))

    async def limits_standing(self, at: datetime, repo: str | None = None) -> tuple[LimitStanding, ...]:
        if repo is not None:
            check_key("the repository", repo)
        rows = await self._database.fetch(_STANDING, repo, at)
        return tuple(
            LimitStanding(
                SpendLimit(row["scope"], Period(row["period"]), row["usd"], row["set_by"]),
                row["spent"],
                row["reserved"],
            )
            for row in rows
        )

    async def reserve(
        self, wish: Reservation, want: Decimal, least: Decimal, at: datetime, settles: Settlement
    ) -> Decimal | None:
        check_key("the task's id", wish.task_id)
        if settles.spent is None:
            await self._settle_tries(wish.task_id, settles.key, at)
        row = await self._database.fetchrow(
            _RESERVE,
            wish.task_id,
            check_key("the key", wish.key),
            check_key("the repository", wish.repo),
            check_key("the workflow's id", wish.workflow_id),
            check_key("the run's id", wish.run_id),
            want,
            least,
            at,
            settles.key,
            settles.spent,
        )
        return row["granted"]

    async def settle(self, task_id: TaskId, what: Settlement, at: datetime) -> None:
        check_key("the task's id", task_id)
        if what.spent is None:
            await self._settle_tries(task_id, what.key, at)
        await self._database.fetch(_SETTLE, task_id, what.key, what.spent, at)

    async def _settle_tries(self, task_id: TaskId, key: str | None, at: datetime) -> None:
        """Those that several tries hold at once, each by its own transcript: what the others spent since is
        none of its spending, and may be settled."""
        for row in await self._database.fetch(_HELD, task_id, key):
            if (session := try_of_reservation(task_id, row["key"])) is not None:
                spent = await self._database.fetchrow(_TRANSCRIBED, session, row["taken_at"])
                await self._database.fetch(_SETTLE, task_id, row["key"], spent["usd"], at)

    async def open_reservations(self, *, limit: int = 1000) -> tuple[Reservation, ...]:
        rows = await self._database.fetch(_OPEN, max(limit, 0))
        return tuple(
            Reservation(
                TaskId(row["task_id"]),
                row["key"],
                row["repo"],
                row["workflow_id"],
                row["run_id"],
                row["usd"],
            )
            for row in rows
        )
