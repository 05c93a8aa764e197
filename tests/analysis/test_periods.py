"""Time ranges as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tamma.analysis.periods import parts_of, time_range
from tamma.errors import ConfigError
from tamma.model.analysis import TimeRange

NOW = datetime(2030, 1, 31, 12, 30, tzinfo=UTC)  # a Thursday


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [
        ({}, NOW - timedelta(days=7), NOW),
        ({"since": "36h"}, NOW - timedelta(hours=36), NOW),
        ({"since": "4W"}, NOW - timedelta(weeks=4), NOW),
        ({"since": "3m", "end": "2030-01-01"}, day("2029-10-03"), day("2030-01-01")),
        ({"start": "2030-01-01"}, day("2030-01-01"), NOW),
        (
            {"start": "2030-01-01", "end": "2030-01-08T00:00+01:00"},
            day("2030-01-01"),
            day("2030-01-07T23:00"),
        ),
        ({"last_week": True}, day("2030-01-21"), day("2030-01-28")),
    ],
)
def test_ranges(given: dict[str, Any], start: datetime, end: datetime) -> None:
    assert time_range(NOW, **given) == TimeRange(start, end)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"since": "soon"}, "no length of time"),
        ({"since": "0d"}, "no length of time"),
        ({"since": "99999w"}, "ten years"),
        ({"start": "yesterday"}, "no day and no moment"),
        ({"start": "2030-02-01"}, "is empty"),
        ({"start": "1990-01-01"}, "ten years"),
        ({"since": "7d", "last_week": True}, "two time ranges"),
        ({"last_week": True, "end": "2030-01-01"}, "its own end"),
    ],
)
def test_what_is_no_range_is_said(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        time_range(NOW, **given)
    assert caught.value.hint


@pytest.mark.parametrize(("days", "parts"), [(1, 4), (7, 7), (30, 30), (90, 13), (365, 52), (3650, 122)])
def test_trends_have_points_that_people_can_read(days: int, parts: int) -> None:
    assert parts_of(TimeRange(NOW - timedelta(days=days), NOW)) == parts
