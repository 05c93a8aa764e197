"""The one place where the project's errors become Temporal's failures."""

from __future__ import annotations

import functools
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from tamma.errors import PlatformError, TammaError
from tamma.telemetry.redaction import redact_text

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_RETRY_AFTER = 60.0
"""Seconds that an activity's own retry waits at most; a longer Retry-After makes the workflow wait."""
PLATFORM_BACKOFF = 2.0
"""Seconds before the second attempt of a call to a Git platform, then twice as long (the specification's)."""


def failure(error: TammaError, attempt: int = 1) -> ApplicationError:
    """The Temporal failure of an error: its class name as type, hint and numbers as details.

    A service's Retry-After up to a minute becomes the delay of the next attempt. A longer one ends the
    attempts, and the workflow waits for that long, durably. `attempt` counts from 1.
    """
    after = error.retry_after
    patient = error.may_retry and not (after is not None and after > LONGEST_RETRY_AFTER)
    # A history is kept for months and shown in the Web UI: nothing secret may get into it.
    details: dict[str, object] = {"hint": redact_text(error.hint or ""), "exit_code": error.exit_code}
    if after is not None:
        details["retry_after"] = after
    return ApplicationError(
        redact_text(error.message),
        details,
        type=type(error).__name__,
        non_retryable=not patient,
        next_retry_delay=timedelta(seconds=_delay(error, attempt)) if patient and _spread(error) else None,
    )


def _spread(error: TammaError) -> bool:
    """Whether we say when the next attempt is, and not the activity's retry policy, which has no jitter."""
    return error.retry_after is not None or isinstance(error, PlatformError)


def _delay(error: TammaError, attempt: int) -> float:
    """Seconds. Many runs that meet one limit of a Git platform do not all come back in the same moment."""
    base = error.retry_after
    if base is None:
        base = min(PLATFORM_BACKOFF * 2.0 ** (attempt - 1), LONGEST_RETRY_AFTER)
    if not isinstance(error, PlatformError):
        return base
    return base + random.uniform(0.0, min(max(base * 0.25, 0.1), 5.0))  # noqa: S311 - guards nothing


def not_yet(what: str, seconds: float) -> ApplicationError:
    """Nothing is wrong, there is just no answer yet: look again in `seconds`. Benign: no alarm, no log."""
    return ApplicationError(
        what,
        type="NotYet",
        next_retry_delay=timedelta(seconds=seconds),
        category=ApplicationErrorCategory.BENIGN,
    )


def failing_well(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Turn the project's errors, as they leave an activity, into Temporal's failures."""

    @functools.wraps(function)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await function(*args, **kwargs)
        except TammaError as error:
            # The cause may hold a vendor's request with headers: it stays in this process.
            raise failure(error, activity.info().attempt if activity.in_activity() else 1) from None

    return wrapped
