"""What a service's headers say of its limits. Pure.

Sources: GitHub (docs.github.com/rest/using-the-rest-api/rate-limits), GitLab (docs.gitlab.com, "Rate limits":
`RateLimit-*`), Bitbucket Data Center (`X-RateLimit-*`), Azure DevOps (learn.microsoft.com, "Rate and usage
limits": `X-RateLimit-*`, and `Retry-After` on answers that were only delayed), RFC 9110 for `Retry-After`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tamma.model.repository import RateLimit

DEFAULT_WAIT = 60.0
"""Seconds to wait where a service limits us and does not say for how long."""
_FAR = 1_000_000_000.0
"""A reset above this is a time since 1970, one below it a number of seconds from now."""


def clock(headers: Mapping[str, str]) -> float:
    """The service's time in seconds since 1970, by its `Date`; ours where it sends none.

    What it says of a moment is meant by its own clock: by one of ours that is wrong, an hour may be a year.
    """
    return _moment(headers.get("date", "")) or time.time()


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """`Retry-After` in seconds from `now` (since 1970), from either form; None where there is none."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    seconds = _finite(value)
    if seconds is None:
        moment = _moment(value)
        seconds = DEFAULT_WAIT if moment is None else moment - now
    return max(seconds, 0.0)


def rate_limit(headers: Mapping[str, str], now: float) -> RateLimit:
    """The budget of the last answer; empty where the service says nothing."""
    reset = _number(headers, "reset")
    if reset is not None and reset < _FAR:
        reset += now
    return RateLimit(
        limit=_whole(headers, "limit"),
        remaining=_whole(headers, "remaining"),
        resets_at=None if reset is None else moment(reset),
    )


def moment(seconds: float) -> datetime | None:
    """A time since 1970; None for one that no service can mean."""
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 4 * _FAR else None


def seconds_left(budget: RateLimit, now: float) -> float | None:
    """How long an empty budget stays empty; None where it is not empty, or nobody says."""
    if budget.remaining != 0 or budget.resets_at is None:
        return None
    return max(budget.resets_at.timestamp() - now, 1.0)


def _number(headers: Mapping[str, str], name: str) -> float | None:
    for prefix in ("x-ratelimit-", "ratelimit-"):
        value = headers.get(prefix + name)
        if value is not None:
            return _finite(value)
    return None


def _finite(text: str) -> float | None:
    """The number that a header holds; None where it is none, or none that anybody can count with."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _moment(text: str) -> float | None:
    """A date of HTTP in seconds since 1970."""
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None


def _whole(headers: Mapping[str, str], name: str) -> int | None:
    value = _number(headers, name)
    return None if value is None else int(value)
