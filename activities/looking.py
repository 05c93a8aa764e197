"""How often an activity that waits for somebody looks: it fails with `not_yet`, and is tried again."""

from __future__ import annotations

LONGEST_PAUSE = 600.0
"""Seconds between looks at what has not changed for hours."""


def pause_after(attempt: int, poll: float, *, growth: float = 1.1, longest: float = LONGEST_PAUSE) -> float:
    """Seconds until the next look: `poll` after the first one (1), then longer by `growth` each time, up to
    `longest`; `poll` always where that is longer.

    News are found late by about `growth - 1` of the time they took: with a tenth, checks that run for an hour
    are known to have ended within six minutes. Two weeks of waiting are some 2,000 looks, not 80,000.
    """
    return max(poll, min(poll * growth ** min(attempt - 1, 200), longest))
