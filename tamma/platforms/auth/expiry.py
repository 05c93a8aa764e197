"""When to say that credentials come to their end. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOTICE = timedelta(days=14)


def ends_within(expires_at: datetime | None, now: datetime, notice: timedelta = NOTICE) -> str | None:
    """`ends in 3 days, on 2026-12-01`, or that it ended; None where there is more time than `notice`."""
    if expires_at is None or expires_at - now > notice:
        return None
    day = f"{expires_at.astimezone(UTC):%Y-%m-%d}"
    left = expires_at - now
    if left <= timedelta(0):
        return f"ended on {day}"
    number, unit = (left.days, "day") if left.days else (left.seconds // 3600, "hour")
    return f"ends in {number} {unit}{'' if number == 1 else 's'}, on {day}"
