"""How long a service wants to be left alone, in the forms that services say it in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.errors import Overloaded, RateLimited
from tamma.providers.common.pauses import LONGEST_READ_PAUSE, pause_after

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
SINCE_1970 = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7", "x-ratelimit-reset": "90"}, 7),
        ({"retry-after": "Mon, 04 May 2026 12:00:09 GMT"}, 9),
        ({"x-ratelimit-reset": str(SINCE_1970 + 30)}, 30),
        ({"x-ratelimit-reset": str((SINCE_1970 + 30) * 1000)}, 30),
        ({"ratelimit-reset": "12"}, 12),
        ({"ratelimit-reset": "0.25"}, 0.25),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0"}, 360),
        ({"x-ratelimit-reset-tokens": "120ms"}, 0.12),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s", "x-ratelimit-remaining-tokens": "0"}, 3600),
        # Of two limits the one that is used up counts.
        (
            {
                "x-ratelimit-reset-requests": "50s",
                "x-ratelimit-remaining-requests": "3",
                "x-ratelimit-reset-tokens": "8s",
                "x-ratelimit-remaining-tokens": "0",
            },
            8,
        ),
        ({"x-ratelimit-reset-requests": "5s", "x-ratelimit-reset-tokens": "8s"}, 8),
        (
            {
                "anthropic-ratelimit-tokens-reset": "2026-05-04T12:00:20Z",
                "anthropic-ratelimit-tokens-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-05-04T12:00:50Z",
                "anthropic-ratelimit-requests-remaining": "49",
            },
            20,
        ),
        ({"x-ratelimit-reset": str(SINCE_1970 + 10**6)}, LONGEST_READ_PAUSE),
        ({"x-ratelimit-reset": str(SINCE_1970 - 5)}, None),
        ({"x-ratelimit-reset": "0"}, None),
        ({"x-ratelimit-reset": "soon"}, None),
        ({"x-ratelimit-reset": ""}, None),
        ({"x-ratelimit-reset-requests": "1.2.3s"}, None),
        ({"x-ratelimit-reset": "9", "x-ratelimit-remaining": "2"}, None),
        ({}, None),
    ],
)
def test_a_limit_that_is_reached_says_when_it_is_new(
    headers: Mapping[str, str], seconds: float | None
) -> None:
    assert pause_after(RateLimited, headers, NOW) == pytest.approx(seconds)  # pyright: ignore[reportUnknownMemberType]


def test_other_failures_are_not_read_for_resets() -> None:
    assert pause_after(Overloaded, {"x-ratelimit-reset": "9"}, NOW) is None
    assert pause_after(Overloaded, {"retry-after": "9"}, NOW) == 9


@given(st.text())
def test_whatever_stands_there_is_a_bounded_time_or_nothing(value: str) -> None:
    found = pause_after(RateLimited, {"x-ratelimit-reset": value}, NOW)
    assert found is None or 0 < found <= LONGEST_READ_PAUSE
