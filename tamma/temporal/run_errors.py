"""What a client hears when a run, its worker or the server says no, as errors of this project."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final, cast

from temporalio.client import RPCError
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.service import RPCStatusCode

from tamma.errors import StackError, TammaError


class RunNotFound(TammaError):
    """There is no such run on this server."""


class RunAmbiguous(TammaError):
    """Several runs answer to that name."""

    exit_code = 2


class RunFinished(TammaError):
    """The run is over; what was asked for needs a live one."""


class WorkerSilent(TammaError):
    """No worker answers for the run at the moment. The run is stored and goes on when one does."""

    retryable = True

    def __init__(self, reason: str = "") -> None:
        super().__init__(
            "no worker answers for this run; the run itself is safe" + (f" ({reason})" if reason else ""),
            hint="start one: `tamma dev start` (or `tamma worker` beside servers of your own)",
        )


class ServerSilent(StackError):
    """Temporal itself does not answer. Its database has the run."""

    retryable = True


class RunRefused(TammaError):
    """The run said no: a validator, or an error of an activity that no retry can help."""

    def __init__(self, message: str, *, hint: str | None = None, kind: str = "") -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        """The name of the error's class in `tamma.errors`, or what the worker called it."""


class RunConfigRefused(RunRefused):
    exit_code = 2


class RunAuthRefused(RunRefused):
    exit_code = 4


_BY_EXIT_CODE: Final[Mapping[int, type[RunRefused]]] = {2: RunConfigRefused, 4: RunAuthRefused}


def refusal(cause: BaseException | None) -> RunRefused:
    """The worker's error, with the hint and the exit code that travel in its first detail."""
    while isinstance(cause, FailureError) and not isinstance(cause, ApplicationError) and cause.cause:
        cause = cause.cause  # an activity's failure stands inside "Activity task failed"
    if not isinstance(cause, ApplicationError):
        return RunRefused(str(cause) if cause else "the run refused without a reason")
    detail: object = cause.details[0] if cause.details else None
    extra = cast("dict[str, object]", detail) if isinstance(detail, dict) else dict[str, object]()
    hint, code = extra.get("hint"), extra.get("exit_code")
    kind = _BY_EXIT_CODE.get(code, RunRefused) if isinstance(code, int) else RunRefused
    return kind(cause.message, hint=str(hint) if hint else None, kind=cause.type or "")


@contextmanager
def server_errors(workflow: str = "") -> Generator[None]:
    """Turn what the server answers into this project's errors; other RPC errors keep their text."""
    try:
        yield
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise RunNotFound(
                f"there is no run {workflow!r} on this server: {error.message}",
                hint="`tamma list --all` shows all runs",
            ) from error
        if error.status in (
            RPCStatusCode.UNAVAILABLE,
            RPCStatusCode.DEADLINE_EXCEEDED,
            RPCStatusCode.CANCELLED,
        ):
            raise ServerSilent(
                f"Temporal does not answer: {error.message}",
                hint="`tamma dev status` shows the embedded servers; --temporal-address names others",
            ) from error
        raise StackError(f"Temporal refused: {error.message} ({error.status.name})") from error
