"""Limits of spending, and what is reserved from them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Protocol

from tamma.model.budget import LimitStanding, Period, Reservation, Settlement, SpendLimit
from tamma.model.ids import TaskId


class BudgetStore(Protocol):
    """One lock orders reservations and settlements: what is reserved and spent never exceeds a limit, whoever
    asks at the same moment. All moments have a time zone; what is spent counts on the day it is settled."""

    async def set_spend_limit(self, limit: SpendLimit) -> None:
        """Set or change the limit of a scope and period. Reservations made stay."""
        ...

    async def remove_spend_limit(self, scope: str, period: Period) -> bool:
        """False where there was none."""
        ...

    async def limits_standing(self, at: datetime, repo: str | None = None) -> tuple[LimitStanding, ...]:
        """The limits that concern a repository, or all, by scope and period, and what is gone of them."""
        ...

    async def reserve(
        self, wish: Reservation, want: Decimal, least: Decimal, at: datetime, settles: Settlement
    ) -> Decimal | None:
        """Settle what the run held, then reserve up to `want` from all limits that concern its repository.

        What was reserved, in US dollars; None where some limit leaves less than `least`. A reservation that
        was made already is answered as it was, and changes nothing.
        """
        ...

    async def settle(self, task_id: TaskId, what: Settlement, at: datetime) -> None:
        """Give back what a run holds and count what it spent. Again, or without a reservation: nothing."""
        ...

    async def open_reservations(self, *, limit: int = 1000) -> tuple[Reservation, ...]:
        """Those that nobody has settled, oldest first."""
        ...
