"""The project's errors as Temporal's failures."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.failures import failing_well, failure, not_yet
from tamma.errors import (
    AuthFailed,
    CloneFailed,
    NotFound,
    Overloaded,
    PlatformRateLimited,
    QuotaExhausted,
    RateLimited,
    TammaError,
    Transient,
)


@pytest.mark.parametrize(
    ("error", "non_retryable", "delay"),
    [
        (RateLimited("slow down", retry_after=7), False, timedelta(seconds=7)),
        (RateLimited("slow down"), False, None),
        (RateLimited("tomorrow", retry_after=3600), True, None),
        (Overloaded("busy"), False, None),
        (QuotaExhausted("no credit"), True, None),
        (AuthFailed("wrong key"), True, None),
        (NotFound("no such issue"), True, None),
        (CloneFailed("network", transient=True), False, None),
        (CloneFailed("no such repository"), True, None),
    ],
)
def test_each_error_says_whether_and_when_to_try_again(
    error: TammaError, non_retryable: bool, delay: timedelta | None
) -> None:
    made = failure(error)
    assert made.type == type(error).__name__
    assert made.non_retryable is non_retryable
    assert made.next_retry_delay == delay


@pytest.mark.parametrize(("attempt", "least"), [(1, 2), (2, 4), (3, 8), (9, 60)])
def test_calls_to_platforms_come_back_at_slightly_different_times(attempt: int, least: float) -> None:
    delays = {failure(Transient("busy"), attempt).next_retry_delay for _ in range(20)}
    assert len(delays) > 1
    assert all(delay is not None and least <= delay.total_seconds() <= least * 1.25 for delay in delays)


def test_no_call_comes_back_before_the_time_that_a_platform_names() -> None:
    for _ in range(20):
        delay = failure(PlatformRateLimited("slow down", retry_after=30)).next_retry_delay
        assert delay is not None
        assert 30 <= delay.total_seconds() <= 35


def test_a_long_wait_is_told_to_the_workflow() -> None:
    assert failure(RateLimited("x", retry_after=3600)).details[0]["retry_after"] == 3600


def test_hints_and_exit_codes_travel() -> None:
    details = failure(AuthFailed("x", hint="set ANTHROPIC_API_KEY")).details[0]
    assert details == {"hint": "set ANTHROPIC_API_KEY", "exit_code": 4}


def test_no_answer_yet_is_no_alarm() -> None:
    made = not_yet("checks are running", 15)
    assert made.category is ApplicationErrorCategory.BENIGN
    assert made.next_retry_delay == timedelta(seconds=15)


async def test_what_leaves_an_activity_has_no_cause_that_could_hold_a_request() -> None:
    @failing_well
    async def call() -> None:
        raise Overloaded("busy") from ValueError("authorization: canary-key")

    with pytest.raises(ApplicationError) as raised:
        await call()
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("told", "waits"),
    [(1e9, 86_400.0), (1e308, 86_400.0), (float("inf"), 86_400.0), (-5.0, 0.0), (float("nan"), None)],
)
def test_a_run_waits_no_longer_than_a_day_whatever_a_service_says(told: float, waits: float | None) -> None:
    assert RateLimited("x", retry_after=told).retry_after == waits
    details = failure(RateLimited("x", retry_after=told)).details[0]
    assert details.get("retry_after") == waits
    timedelta(seconds=details.get("retry_after", 0.0))  # the workflow's timer takes it
