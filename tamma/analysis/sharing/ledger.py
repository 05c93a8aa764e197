"""Releases are drawn once: the same month gives the same bytes for good, and what all tell has a limit.

Noise that is drawn again and again averages out. So a month's bytes are kept when they are first drawn, with
what they tell in the event log, and no preview or export draws again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, cast

from tamma.analysis.periods import moment
from tamma.analysis.sharing.document import Terms, release
from tamma.analysis.sharing.groups import grouped
from tamma.analysis.sharing.noise import System
from tamma.errors import ConfigError, StoreConflict
from tamma.model.agent import AgentConfig, ConfigHash
from tamma.model.analysis import MetricFilter, TimeRange
from tamma.model.ids import BlobId
from tamma.store.interface import (
    AgentStore,
    AppendCondition,
    BlobStore,
    Event,
    EventQuery,
    EventStore,
    NewEvent,
    ReportStore,
)

DRAWN = "sharing.drawn"
TAG = "sharing"
_MOST_RUNS = 200_000
_TRIES = 3


class SharingStore(ReportStore, AgentStore, EventStore, BlobStore, Protocol):
    """What a release reads and keeps."""


@dataclass(frozen=True, slots=True)
class Release:
    """A month's bytes."""

    month: str
    content: bytes
    epsilon: float
    spent: float
    """What all releases so far tell, this one included."""
    drawn_before: bool


async def release_of(
    store: SharingStore,
    month: str,
    terms: Terms,
    *,
    total_epsilon: float,
    now: datetime,
    source: System | None = None,
) -> Release:
    """The release of a month (`2030-01`) that is over; drawn now, unless it was before.

    `source` is for tests: noise that somebody can draw again hides nothing. Raises ConfigError for a month
    that is not over, and where the limit of all releases would be passed.
    """
    time_range = month_range(month, now)
    for last in (False,) * (_TRIES - 1) + (True,):
        drawn = await _drawn(store)
        found = next((event for event in drawn if event.data["month"] == month), None)
        spent = sum(_epsilon(event) for event in drawn)
        if found is not None:
            content = await store.get_blob(BlobId(str(found.data["blob"])))
            return Release(month, content, _epsilon(found), spent, drawn_before=True)
        if spent + terms.epsilon > total_epsilon + 1e-9:
            raise ConfigError(
                f"releases have told {spent:g} of at most {total_epsilon:g} in all; {month} would add "
                f"{terms.epsilon:g}",
                hint="sharing.totalEpsilon is the limit; raising it weakens what was promised before",
            )
        content = await _draw(store, month, time_range, terms, source or random.SystemRandom())
        try:
            await _keep(store, month, content, terms, after=drawn[-1].position if drawn else 0)
        except StoreConflict:
            if last:
                raise
        else:
            return Release(month, content, terms.epsilon, spent + terms.epsilon, drawn_before=False)
    raise AssertionError("unreachable")


def month_range(month: str, now: datetime) -> TimeRange:
    """A month in UTC. Raises ConfigError for what is none, or is not over."""
    start = moment(f"{month}-01", "--month")
    if f"{start:%Y-%m}" != month:
        raise ConfigError(f"{month!r} is no month", hint="e.g. --month 2030-01")
    if start > now or (end := (start + timedelta(days=32)).replace(day=1)) > now:
        raise ConfigError(
            f"{month} is not over: runs that end later would never be shared", hint="name a month before"
        )
    return TimeRange(start, end)


def last_month(now: datetime) -> str:
    """The newest month that is over."""
    return f"{now.astimezone(UTC).replace(day=1) - timedelta(days=1):%Y-%m}"


async def _drawn(store: SharingStore) -> tuple[Event, ...]:
    return await store.read_events(EventQuery((DRAWN,), (TAG,)))


async def _draw(
    store: SharingStore, month: str, time_range: TimeRange, terms: Terms, source: System
) -> bytes:
    found = await store.sample_runs(MetricFilter(), time_range, limit=_MOST_RUNS)
    configs: dict[str, AgentConfig] = {}
    for name in {run.config for run in found.values if run.config}:
        config = await store.read_config(ConfigHash(name))
        if config is not None:
            configs[name] = config
    return release(month, grouped(found.values, configs), terms, source)


async def _keep(store: SharingStore, month: str, content: bytes, terms: Terms, *, after: int) -> None:
    """Raises StoreConflict where somebody drew one in this moment."""
    blob = await store.put_blob(content, "application/json")
    data = {"month": month, "epsilon": terms.epsilon, "minGroup": terms.min_group, "blob": blob}
    event = NewEvent(f"{TAG}/{month}", DRAWN, (TAG,), "tamma", data)
    await store.append_events((event,), AppendCondition(EventQuery((DRAWN,), (TAG,)), after))


def _epsilon(event: Event) -> float:
    return float(cast("float", event.data["epsilon"]))
