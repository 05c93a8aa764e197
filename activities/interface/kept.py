"""What a workflow needs to have merged changes looked after."""

from __future__ import annotations

from dataclasses import dataclass

from activities.interface import Activity

MOST_RUNS = 10_000


@dataclass(frozen=True, slots=True)
class LookForReverts:
    limit: int = MOST_RUNS
    """Runs that are looked after at once, the longest open first."""


@dataclass(frozen=True, slots=True)
class RevertsLooked:
    """How many runs' changes were found to be kept or reverted, and what could not be told."""

    kept: int = 0
    reverted: int = 0
    lost: int = 0
    """No longer to be seen: a rewritten history, a repository that stayed out of reach."""
    waiting: int = 0
    """To be looked after the next time."""
    unread: tuple[str, ...] = ()
    """Repositories that could not be read this time, and why."""


LOOK_FOR_REVERTS: Activity[LookForReverts, RevertsLooked] = Activity("look_for_reverts", RevertsLooked)
"""Twice is once. Only a store fails it: a platform that does not answer is asked the next time."""
