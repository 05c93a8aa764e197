"""Time ranges as people say them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from tamma.errors import ConfigError
from tamma.model.analysis import TimeRange

USUAL = "7d"
LONGEST = timedelta(days=3660)
_AGE = re.compile(r"(\d{1,5})\s*([hdwm])")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24, "m": 30 * 24}


def time_range(
    now: datetime,
    *,
    since: str | None = None,
    start: str | None = None,
    end: str | None = None,
    last_week: bool = False,
) -> TimeRange:
    """The range that options name: the last `since` (`36h`, `7d`, `4w`, `3m` of 30 days), `start` to `end`
    (days, or moments; the end not included), or the last whole week from Monday, all in UTC unless a moment
    says otherwise. Seven days until now, if none is given. Raises ConfigError."""
    ways = {"--since": since, "--from": start, "--last-week": last_week}
    given = [name for name, value in ways.items() if value]
    if len(given) > 1:
        raise ConfigError(f"{given[0]} and {given[1]} name two time ranges", hint="give one of them")
    if last_week:
        if end:
            raise ConfigError("--last-week has its own end", hint="leave --to out")
        monday = datetime.combine(now.astimezone(UTC).date(), time(), UTC) - timedelta(days=now.weekday())
        return TimeRange(monday - timedelta(days=7), monday)
    until = moment(end, "--to") if end else now
    began = moment(start, "--from") if start else _before(until, age(since or USUAL))
    if began >= until:
        raise ConfigError(
            f"the range from {began.isoformat()} to {until.isoformat()} is empty",
            hint="--from is the earlier one, --to the later",
        )
    if until - began > LONGEST:
        raise ConfigError("a range has ten years at most", hint="e.g. --since 12m")
    return TimeRange(began, until)


def age(text: str) -> timedelta:
    """`7d` as a length of time. Raises ConfigError."""
    found = _AGE.fullmatch(text.strip().lower())
    if found is None or not int(found[1]):
        hint = "hours, days, weeks or months: 36h, 7d, 4w, 3m"
        raise ConfigError(f"{text!r} is no length of time", hint=hint)
    length = timedelta(hours=int(found[1]) * _HOURS[found[2]])
    if length > LONGEST:
        raise ConfigError(f"{text!r} is more than ten years", hint="e.g. --since 12m")
    return length


def moment(text: str, option: str) -> datetime:
    """A day's beginning, or a moment, in UTC unless it says otherwise. Raises ConfigError."""
    try:
        found = datetime.fromisoformat(text.strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the calendar ends with the year 9999, in UTC as well
        raise ConfigError(
            f"{option} {text!r} is no day and no moment", hint="e.g. 2030-01-31 or 2030-01-31T12:00+01:00"
        ) from None


def _before(until: datetime, length: timedelta) -> datetime:
    try:
        return until - length
    except OverflowError:
        raise ConfigError(
            f"nothing is known of the time before {until.isoformat()}", hint="e.g. --to 2030-01-31"
        ) from None


def parts_of(found: TimeRange) -> int:
    """Into how many points a trend is cut: by hours up to three days, by days up to two months, by weeks up
    to a year, then by 30 days."""
    length = found.end - found.start
    for bound, step in (
        (timedelta(days=3), timedelta(hours=6)),
        (timedelta(days=62), timedelta(days=1)),
        (timedelta(days=366), timedelta(days=7)),
    ):
        if length <= bound:
            return max(round(length / step), 1)
    return max(round(length / timedelta(days=30)), 1)
