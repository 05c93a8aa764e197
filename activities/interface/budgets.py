"""What a workflow needs to keep within limits of spending that it shares with others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from activities.interface import Activity, Done
from tamma.model.budget import LimitStanding, Reservation, Settlement
from tamma.model.ids import TaskId


@dataclass(frozen=True, slots=True)
class Reserve:
    """Money for the next model calls. What the run held before is settled in the same step."""

    wish: Reservation
    want: Decimal
    least: Decimal
    settles: Settlement
    at: datetime
    """The workflow's time; a later one counts where the call comes late."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """US dollars that are reserved; or None, and the limit that leaves too little."""

    granted: Decimal | None
    limit: LimitStanding | None = None
    turns_at: datetime | None = None
    """When that limit's next period begins; None: never."""


RESERVE: Activity[Reserve, Reserved] = Activity("reserve_spending", Reserved)


@dataclass(frozen=True, slots=True)
class AwaitRoom:
    """One attempt is one look; it fails in a benign way until the limits leave `least`."""

    repo: str
    least: Decimal
    at: datetime
    poll: float
    """Seconds between looks."""


AWAIT_ROOM: Activity[AwaitRoom, Done] = Activity("await_room", Done)


@dataclass(frozen=True, slots=True)
class Settle:
    task_id: TaskId
    what: Settlement
    at: datetime


SETTLE: Activity[Settle, Done] = Activity("settle_spending", Done)
