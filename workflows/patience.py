"""Standing still without losing anything: gates, outages and limits are durable waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from tamma.model.task import Gate, Waiting
from workflows.cancelling import heed
from workflows.options import FIRST_OUTAGE_WAIT, LONGEST_OUTAGE_WAIT
from workflows.recovery import Remedy, Trouble, diagnose

T = TypeVar("T")


class Rejected(Exception):
    """The way ends at a gate: a person said no, or nobody is there to be asked."""

    def __init__(self, reason: str, gate: Gate | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.gate = gate


class Patience:
    """Waits for people and for better times. `waiting` is what the run waits for, if anything.

    `unattended`: nobody is there. What would wait for a person is Rejected at once, and so is an outage when
    all of them together have lasted that many seconds.
    """

    def __init__(self, changed: Callable[[Waiting | None], None], unattended: float | None = None) -> None:
        self.waiting: Waiting | None = None
        self.troubles: dict[str, int] = {}
        """How often something failed for good, by the error's name."""
        self._unattended = unattended
        self._changed = changed
        self._resumed = False
        self._rejected: str | None = None

    def resume(self) -> None:
        """Let it go on now."""
        self._resumed = True

    def reject(self, reason: str) -> None:
        """End what waits by raising Rejected there."""
        self._rejected = reason

    async def wait(
        self,
        waiting: Waiting,
        *,
        seconds: float | None = None,
        unless: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Stand still until `resume`, for `seconds`, or until `unless` holds. Whether somebody answered.

        Raises Rejected.
        """
        heed()
        seconds = self._bounded(waiting, seconds)
        self._resumed = False
        self._show(waiting)
        try:
            await workflow.wait_condition(
                lambda: self._resumed or self._rejected is not None or unless(),
                timeout=None if seconds is None else timedelta(seconds=seconds),
            )
        except TimeoutError:
            pass  # the time has come: go on
        except asyncio.CancelledError:
            self._show(None)
            raise
        # No `finally`: it would also run when an evicted workflow's coroutine is thrown away, where nothing
        # of the workflow may be touched.
        self._show(None)
        if self._rejected is not None:
            reason, self._rejected = self._rejected, None
            raise Rejected(reason, waiting.gate)
        return self._resumed

    async def patiently(
        self,
        step: Callable[[], Awaitable[T]],
        *,
        rebuild: Callable[[Trouble], Awaitable[None]] | None = None,
    ) -> T:
        """The result of `step`, however long it takes: outages are waited out, people asked.

        `rebuild` is called where a workspace is lost. Raises Rejected where a person gives up, and
        cancellation as it comes.
        """
        pause = FIRST_OUTAGE_WAIT
        while True:
            try:
                return await step()
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                trouble = diagnose(error)
            self.troubles[trouble.kind] = self.troubles.get(trouble.kind, 0) + 1
            if trouble.remedy is Remedy.REBUILD and rebuild is not None:
                await rebuild(trouble)
            elif trouble.remedy is Remedy.PERSON:
                await self.wait(trouble.waiting())
            else:
                await self.wait(trouble.waiting(), seconds=trouble.retry_after or pause)
                pause = min(pause * 2, LONGEST_OUTAGE_WAIT)

    async def or_refuse(self, step: Callable[[], Awaitable[T]]) -> T:
        """The result of a first `step`, whose sender waits for an answer: outages are waited out, and what a
        person would have to change first is refused. Raises ApplicationError in the words of the failure."""
        while True:
            try:
                return await step()
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                trouble, cause = diagnose(error), error.cause
                if trouble.remedy is not Remedy.WAIT and isinstance(cause, ApplicationError):
                    raise ApplicationError(
                        cause.message, *cause.details, type=cause.type, non_retryable=True
                    ) from error
            await self.wait(trouble.waiting(), seconds=trouble.retry_after or FIRST_OUTAGE_WAIT)

    def _bounded(self, waiting: Waiting, seconds: float | None) -> float | None:
        """How long it may wait: as long as it likes where somebody may come."""
        if self._unattended is None or waiting.gate is Gate.PAUSED:
            return seconds
        if waiting.person or seconds is None or self._unattended <= 0:
            raise Rejected(waiting.reason, waiting.gate)
        seconds = min(seconds, self._unattended)
        self._unattended -= seconds
        return seconds

    def _show(self, waiting: Waiting | None) -> None:
        self.waiting = waiting
        self._changed(waiting)
