"""What a run does when an activity has used up its retries: wait, ask a person, or rebuild.

A pure table over the names of the error tree. Nothing here fails a run: limits pause, they never discard.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from temporalio.exceptions import ActivityError, ApplicationError, RetryState, TimeoutType
from temporalio.exceptions import TimeoutError as ActivityTimeout

from tamma.model.task import Gate, Waiting


class Remedy(StrEnum):
    WAIT = "wait"
    """It may pass by itself: wait, try again, wait longer."""
    PERSON = "person"
    """Somebody has to change something first."""
    REBUILD = "rebuild"
    """The workspace's host is gone: build it again elsewhere."""


_PASSING = frozenset(
    {
        "RateLimited",
        "Overloaded",
        "CircuitOpen",
        "ProviderTimeout",
        "ProviderUnreachable",
        "StreamInterrupted",
        "StoreUnavailable",
        "PlatformRateLimited",
        "Transient",
        "CloneFailed",
        "Superseded",
        "WorkspacesFull",
    }
)
_PROVIDER = frozenset(
    {
        "QuotaExhausted",
        "AuthFailed",
        "ContextOverflow",
        "ContentFiltered",
        "ModelNotFound",
        "InvalidRequest",
        "ConfigError",
    }
)


WORKER_GONE = "WorkerGone"
"""Nobody took the call from the workspace's queue in time."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong, in words, and what to do about it."""

    remedy: Remedy
    kind: str
    reason: str
    hint: str
    retry_after: float | None = None

    def waiting(self) -> Waiting:
        """What people are shown while the run stands still."""
        if self.remedy is Remedy.WAIT:
            return Waiting(
                Gate.OUTAGE,
                self.reason,
                self.hint or "the run tries again by itself; `tamma resume TASK` tries at once",
                person=False,
            )
        gate = Gate.PROVIDER if self.kind in _PROVIDER else Gate.PLATFORM
        hint = f"{self.hint}; then `tamma resume TASK`" if self.hint else "`tamma resume TASK` tries again"
        return Waiting(gate, self.reason, hint)


def diagnose(error: ActivityError) -> Trouble:
    """What an activity's final failure means for the run."""
    cause = error.cause
    if isinstance(cause, ActivityTimeout):
        if cause.type is TimeoutType.SCHEDULE_TO_START:
            return Trouble(Remedy.REBUILD, WORKER_GONE, "no worker polls the workspace's queue", "")
        what = (cause.type.name if cause.type else "timeout").lower().replace("_", "-")
        return Trouble(Remedy.WAIT, "Timeout", f"{error.activity_type} timed out ({what})", "")
    if isinstance(cause, ApplicationError):
        kind = cause.type or "Error"
        details = _details(cause)
        remedy = Remedy.PERSON
        if kind == "WorkspaceLost":
            remedy = Remedy.REBUILD
        elif kind in _PASSING and not (kind == "CloneFailed" and cause.non_retryable):
            remedy = Remedy.WAIT
        after = details.get("retry_after")
        return Trouble(
            remedy,
            kind,
            cause.message,
            str(details.get("hint") or ""),
            float(after) if isinstance(after, int | float) else None,
        )
    return Trouble(Remedy.WAIT, type(cause).__name__, str(cause or error), "")


def ran_out(error: ActivityError) -> bool:
    """Whether only the time for all attempts was up.

    The server does not wait for that time: as soon as the next attempt would be too late, the failure of the
    last one, whatever that was, ends the activity. A timeout is what ends an attempt that is under way.
    """
    return error.retry_state is RetryState.TIMEOUT or isinstance(error.cause, ActivityTimeout)


def _details(error: ApplicationError) -> dict[str, object]:
    first = error.details[0] if error.details else None
    return cast("dict[str, object]", first) if isinstance(first, dict) else {}
