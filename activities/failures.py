"""The one place where the project's errors become Temporal's failures."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from tamma.errors import TammaError
from tamma.telemetry.redaction import redact_text

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_RETRY_AFTER = 60.0
"""Seconds that an activity's own retry waits at most; a longer Retry-After makes the workflow wait."""


def failure(error: TammaError) -> ApplicationError:
    """The Temporal failure of an error: its class name as type, hint and numbers as details.

    A service's Retry-After up to a minute becomes the delay of the next attempt. A longer one ends the
    attempts, and the workflow waits for that long, durably.
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
        next_retry_delay=timedelta(seconds=after) if patient and after is not None else None,
    )


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
            raise failure(error) from None

    return wrapped
