"""How long a service that says "too many" wants to be left alone: read from its headers. Pure.

`retry-after` goes before everything. Services that do not send it tell when a limit that is used up is new
again, in one of three forms: OpenAI's (`x-ratelimit-reset-requests: 6m0s`), Anthropic's (a date in RFC 3339)
and a plain number, which is a time since 1970 in seconds or milliseconds (OpenRouter, most gateways) or
seconds from now (the IETF's draft `ratelimit-reset`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from tamma.errors import ProviderError, RateLimited
from tamma.providers.common.errors import retry_after

LONGEST_READ_PAUSE = 3600.0
"""Seconds. A reset is read from forms that nobody has agreed on: beyond this the service is asked again."""

_RESETS: tuple[tuple[str, str], ...] = tuple(
    (f"{prefix}reset{of}", f"{prefix}remaining{of}")
    for prefix in ("x-ratelimit-", "ratelimit-")
    for of in ("", "-requests", "-tokens")
) + tuple(
    (f"anthropic-ratelimit-{of}-reset", f"anthropic-ratelimit-{of}-remaining")
    for of in ("requests", "tokens", "input-tokens", "output-tokens")
)
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?")
_UNITS = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_SINCE_1970, _MILLISECONDS_SINCE_1970 = 1e9, 1e12
"""Numbers from here on are no durations: 30 years, or the year 2001."""


def pause_after(
    kind: type[ProviderError], headers: Mapping[str, str], now: datetime | None = None
) -> float | None:
    """Seconds that an answer with these headers asks for; None where it asks for nothing.

    Only a RateLimited is read for resets: other answers carry those headers, too, and mean nothing by them.
    """
    named = retry_after(headers, now)
    if named is not None or not issubclass(kind, RateLimited):
        return named
    now = now or datetime.now(UTC)
    used_up: list[float] = []
    for reset, remaining in _RESETS:
        left = headers.get(remaining, "0").strip()
        seconds = _seconds(headers[reset].strip(), now) if reset in headers else None
        if seconds is not None and left in ("0", ""):
            used_up.append(seconds)
    return min(max(used_up), LONGEST_READ_PAUSE) if used_up else None


def _seconds(value: str, now: datetime) -> float | None:
    """Seconds from `now`, more than zero; None for what is past, or no time at all."""
    seconds = _of_number(value, now)
    if seconds is None and value and (found := _DURATION.fullmatch(value)):
        try:
            parts = [float(part or 0) for part in found.groups()]
        except ValueError:  # 1.2.3s
            return None
        seconds = sum(part * unit for part, unit in zip(parts, _UNITS, strict=True))
    if seconds is None:
        seconds = _of_date(value, now)
    return seconds if seconds is not None and seconds > 0 else None


def _of_number(value: str, now: datetime) -> float | None:
    if not re.fullmatch(r"\d{1,20}(?:\.\d{1,20})?", value):
        return None
    number = float(value)
    if number < _SINCE_1970:
        return number
    return (number / 1000 if number >= _MILLISECONDS_SINCE_1970 else number) - now.timestamp()


def _of_date(value: str, now: datetime) -> float | None:
    try:
        date = datetime.fromisoformat(value)
    except ValueError:
        return None
    return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
