"""Tries that only wait, while another one has finished: they get minutes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from tamma.model.session import SessionNews
from tamma.model.task import Gate, Spend

GRACE = timedelta(minutes=10)
"""How long the others of a finished try may wait for a service, or for room in a limit. Alone, one waits for
days; here there is a result already, and one provider that is away must not keep it."""


def only_waits(news: SessionNews) -> bool:
    """Whether it stands still for something that may come by itself. For who has paused it, it waits."""
    return news.waiting is not None and news.waiting.gate in (Gate.OUTAGE, Gate.BUDGET)


class Lagging:
    """Since when tries wait. Between two attempts at the same call none of them works: a try has got on
    where it has spent more."""

    def __init__(self) -> None:
        self._since: dict[int, tuple[datetime, Spend]] = {}

    def look(self, idle: Mapping[int, Spend], now: datetime) -> tuple[int, ...]:
        """Which have waited too long, of those that wait now, each with what it has spent."""
        for number, spend in idle.items():
            if number not in self._since or self._since[number][1] != spend:
                self._since[number] = now, spend
        return tuple(number for number in idle if self._since[number][0] + GRACE <= now)

    def left(self, idle: Mapping[int, Spend], now: datetime) -> timedelta | None:
        """Until the first of them has; None where none waits. Only after `look` at the same."""
        return min((self._since[number][0] + GRACE - now for number in idle), default=None)
