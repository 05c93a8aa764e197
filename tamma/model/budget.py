"""Limits of spending beyond one run: by repository and period, and the money that runs reserve from them.

A run reserves before it spends, in slices, and settles to what it spent. What is reserved counts as spent
until then, so that runs side by side never reserve more than a limit has. The decisions here are pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from tamma.model.ids import TaskId
from tamma.model.references import RepoRef

EVERYTHING = "*"
"""The scope of all repositories."""

SLICE_USD = Decimal("1.00")
"""What a run reserves at once, at most, unless one call costs more: the less, the more runs share a limit."""
LEAST_USD = Decimal("0.05")
"""What is kept free for one model call at least, before any call has shown what they cost."""
HEADROOM = Decimal("1.5")
"""A call may cost this many times the dearest one before it: conversations grow from call to call."""


class Period(StrEnum):
    """What a limit counts, by UTC. Periods begin with their first day."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"

    def first_day(self, at: datetime) -> date:
        """The first day of the period that `at` lies in."""
        today = at.astimezone(UTC).date()
        match self:
            case Period.DAY:
                return today
            case Period.MONTH:
                return today.replace(day=1)
            case Period.TOTAL:
                return date.min

    def turns(self, at: datetime) -> datetime | None:
        """When the next one begins; None where there is no next one."""
        if self is Period.TOTAL:
            return None
        first = self.first_day(at)
        following = (
            first + timedelta(days=1)
            if self is Period.DAY
            else (first.replace(day=28) + timedelta(days=4)).replace(day=1)
        )
        return datetime.combine(following, time(), UTC)


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """What runs on the repositories of `scope` may spend in a period, all together."""

    scope: str
    """As `scope_of` makes it."""
    period: Period
    usd: Decimal
    set_by: str = ""


@dataclass(frozen=True, slots=True)
class LimitStanding:
    """A limit, and what is gone of it in the period of now."""

    limit: SpendLimit
    spent: Decimal
    reserved: Decimal
    """By runs that have not settled yet."""

    @property
    def left(self) -> Decimal:
        """What can still be reserved; negative where the limit was lowered below what is gone."""
        return self.limit.usd - self.spent - self.reserved


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money that one run holds. `task_id` and `key` name it: the same again is the same one."""

    task_id: TaskId
    key: str
    repo: str
    """As `repo_of` makes it."""
    workflow_id: str
    run_id: str
    """Of the run's workflow: whether it has ended says whether somebody will still settle."""
    usd: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was spent of an earlier reservation of the same run."""

    key: str | None = None
    """None: of all that the run holds."""
    spent: Decimal | None = None
    """None: unknown, so what the run's transcripts say since it reserved."""


@dataclass(frozen=True, slots=True)
class PurseState:
    """What a run or its session holds; it travels with the work, a hundred bytes."""

    prefix: str = "run"
    """Begins the names of the reservations: a run and each of its sessions have their own."""
    number: int = 0
    key: str = ""
    """The open reservation; empty where there is none."""
    granted: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    """Of `granted`. The last call may have gone beyond it."""
    dearest: Decimal = Decimal(0)
    """The most that one call cost until now."""
    lost: bool = False
    """A session ended by force: what it reserved and spent is unknown here."""

    @property
    def left(self) -> Decimal:
        return self.granted - self.spent


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much to reserve: `usd`, or as much as there is down to `least`."""

    usd: Decimal
    least: Decimal


# --- repositories and scopes ---------------------------------------------------------------------


def repo_of(repo: RepoRef) -> str:
    """`platform:owner/name` in small letters: forges do not tell names by their letters' size."""
    return f"{repo.platform_id}:{repo.full_name}".lower()


def scope_of(glob: str) -> str:
    """A glob over `platform:owner/name`, from what a person wrote: `owner/name` means that on any platform.

    `*` is any text, `?` any character. Empty or `*`: everything.
    """
    text = glob.strip().lower()
    if text in ("", EVERYTHING):
        return EVERYTHING
    return text if ":" in text else f"*:{text}"


def concerns(scope: str, repo: str) -> bool:
    """Whether a limit of this scope is one for that repository."""
    pattern = re.escape(scope).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern, repo, re.DOTALL) is not None


# --- decisions -----------------------------------------------------------------------------------


def wanted(purse: PurseState, run_left: Decimal) -> Wanted | None:
    """What to reserve before the next model call; None where what is held covers it.

    `run_left`: what the run's own budget has left, in US dollars. A call's cost is known afterwards only, so
    one and a half times the dearest call until now is kept free for it.
    """
    least = max(LEAST_USD, purse.dearest * HEADROOM)
    if purse.key and not purse.lost and purse.left >= least:
        return None
    return Wanted(max(least, min(run_left, SLICE_USD)), least)


def taken(purse: PurseState, key: str, granted: Decimal) -> PurseState:
    """After a reservation: it takes the place of the one before, which it has settled."""
    return replace(purse, key=key, granted=granted, spent=Decimal(0), number=purse.number + 1, lost=False)


def settled(purse: PurseState) -> PurseState:
    """After all that was held has been given back."""
    return replace(purse, key="", granted=Decimal(0), spent=Decimal(0), lost=False)


def charged(purse: PurseState, usd: Decimal) -> PurseState:
    """After a call that cost this much."""
    return replace(purse, spent=purse.spent + usd, dearest=max(purse.dearest, usd))


def settlement(purse: PurseState) -> Settlement:
    """What is to be said of the reservation that a purse holds."""
    return Settlement() if purse.lost else Settlement(purse.key, purse.spent)


def grant(standings: Iterable[LimitStanding], want: Decimal, least: Decimal) -> Decimal | None:
    """What may be reserved under all these limits at once; None where that is less than `least`."""
    left = min((each.left for each in standings), default=want)
    return None if left < least else min(want, left)


def binding(standings: Iterable[LimitStanding], least: Decimal) -> LimitStanding | None:
    """The limit that leaves less than `least`; of several the one that holds longest."""
    order = list(Period)
    short = [each for each in standings if each.left < least]
    return max(short, key=lambda each: (order.index(each.limit.period), -each.left), default=None)
