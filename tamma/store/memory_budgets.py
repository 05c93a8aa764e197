"""Limits of spending in memory: the same answers as in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from tamma.model.budget import (
    LimitStanding,
    Period,
    Reservation,
    Settlement,
    SpendLimit,
    concerns,
    grant,
)
from tamma.model.ids import SessionId, TaskId
from tamma.model.tries import try_of_reservation
from tamma.store.codec import check_key
from tamma.store.interface import Entry


class MemoryBudgets:
    """Implements `BudgetStore`. Its transcripts are those of the whole store."""

    _entries: defaultdict[SessionId, list[Entry]]

    def __init__(self) -> None:
        super().__init__()
        self._spend_limits: dict[tuple[str, Period], SpendLimit] = {}
        self._reserved: dict[tuple[TaskId, str], Reservation] = {}
        """All that ever were, in their order."""
        self._taken_at: dict[tuple[TaskId, str], datetime] = {}
        """Of those that are open."""
        self._spent_by_day: defaultdict[tuple[date, str], Decimal] = defaultdict(Decimal)

    async def set_spend_limit(self, limit: SpendLimit) -> None:
        check_key("the scope", limit.scope)
        check_key("the name", limit.set_by)
        self._spend_limits[limit.scope, limit.period] = limit

    async def remove_spend_limit(self, scope: str, period: Period) -> bool:
        check_key("the scope", scope)
        return self._spend_limits.pop((scope, period), None) is not None

    async def limits_standing(self, at: datetime, repo: str | None = None) -> tuple[LimitStanding, ...]:
        if repo is not None:
            check_key("the repository", repo)
        limits = sorted(self._spend_limits.values(), key=lambda each: (each.scope, each.period.value))
        return tuple(
            self._standing(each, at) for each in limits if repo is None or concerns(each.scope, repo)
        )

    async def reserve(
        self, wish: Reservation, want: Decimal, least: Decimal, at: datetime, settles: Settlement
    ) -> Decimal | None:
        for what in ("task_id", "key", "repo", "workflow_id", "run_id"):
            check_key(f"the {what}", getattr(wish, what))
        name = wish.task_id, wish.key
        if name in self._reserved:
            return self._reserved[name].usd
        await self.settle(wish.task_id, settles, at)
        granted = grant(await self.limits_standing(at, wish.repo), want, least)
        if granted is not None:
            self._reserved[name] = replace(wish, usd=granted)
            self._taken_at[name] = at
        return granted

    async def settle(self, task_id: TaskId, what: Settlement, at: datetime) -> None:
        check_key("the task's id", task_id)
        names = [name for name in self._taken_at if name[0] == task_id and what.key in (None, name[1])]
        if what.spent is None:
            for name in tuple(names):
                if (session := try_of_reservation(*name)) is not None:
                    names.remove(name)
                    spent = self._transcribed(session, self._taken_at.pop(name))
                    self._count(self._reserved[name].repo, spent, at)
        if not names:
            return
        since = min(self._taken_at.pop(name) for name in names)
        spent = self._transcribed(f"{task_id}/", since) if what.spent is None else what.spent
        self._count(self._reserved[names[0]].repo, spent, at)

    def _count(self, repo: str, usd: Decimal, at: datetime) -> None:
        self._spent_by_day[at.astimezone(UTC).date(), repo] += usd

    async def open_reservations(self, *, limit: int = 1000) -> tuple[Reservation, ...]:
        names = sorted(self._taken_at, key=lambda name: (self._taken_at[name], *name))
        return tuple(self._reserved[name] for name in names[: max(limit, 0)])

    def _standing(self, limit: SpendLimit, at: datetime) -> LimitStanding:
        first = limit.period.first_day(at)
        spent = sum(
            (
                usd
                for (day, repo), usd in self._spent_by_day.items()
                if day >= first and concerns(limit.scope, repo)
            ),
            Decimal(0),
        )
        held = (self._reserved[name] for name in self._taken_at)
        reserved = sum((each.usd for each in held if concerns(limit.scope, each.repo)), Decimal(0))
        return LimitStanding(limit, spent, reserved)

    def _transcribed(self, sessions: str, since: datetime) -> Decimal:
        """What transcripts say that they cost from a moment on: one by its name, a run's by `run/`."""
        return sum(
            (
                entry.cost_usd
                for session, entries in self._entries.items()
                if session == sessions or (sessions.endswith("/") and session.startswith(sessions))
                for entry in entries
                if entry.cost_usd is not None and entry.recorded_at is not None and entry.recorded_at >= since
            ),
            Decimal(0),
        )
