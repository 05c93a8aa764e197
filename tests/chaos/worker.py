"""The real worker, struck where a plan says: `python -m tests.chaos.worker`.

`TAMMA_TEST_STRIKES` names the folder of the run's `Book`, `TAMMA_TEST_RUN_ID` the workflow to strike: its
sessions' ids begin with it. `TAMMA_TEST_HEARTBEAT` bounds the heartbeat timeouts, in seconds. Everything else
is the worker's own.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, Plugin
from temporalio.plugin import SimplePlugin
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from tamma.temporal.client import connect
from tamma.worker import running
from tests.chaos.book import Book, Deed
from tests.chaos.points import Moment, Point
from workflows import options


class Striker(Interceptor):
    """Strikes the activities of one run."""

    def __init__(self, book: Book, run: str) -> None:
        self._book = book
        self._run = run

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        return _Struck(next, self._book, self._run)


class _Struck(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, book: Book, run: str) -> None:
        super().__init__(following)
        self._book = book
        self._run = run
        self._watching: set[asyncio.Task[None]] = set()

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        if not (info.workflow_id or "").startswith(self._run):
            return await super().execute_activity(input)
        number = self._book.begin(info.activity_type, _execution(info))
        await self._at(Point(info.activity_type, number, Moment.BEFORE))
        result = await super().execute_activity(input)
        await self._at(Point(info.activity_type, number, Moment.EFFECT))
        last = Point(info.activity_type, number, Moment.AFTER)
        if last in self._book.planned():
            task = asyncio.create_task(self._when_known(last))
            self._watching.add(task)
            task.add_done_callback(self._watching.discard)
        return result

    async def _at(self, point: Point) -> None:
        deed = self._book.strike(point, _execution(activity.info()))
        if deed is Deed.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        while deed is Deed.HOLD and not self._book.released:
            activity.heartbeat("held")
            await asyncio.sleep(0.02)

    async def _when_known(self, point: Point) -> None:
        """Strike when the server's history has the result."""
        info = activity.info()
        assert info.workflow_id is not None
        handle = activity.client().get_workflow_handle(info.workflow_id, run_id=info.workflow_run_id)
        scheduled: int | None = None
        async for event in handle.fetch_history_events(wait_new_event=True):
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                if event.activity_task_scheduled_event_attributes.activity_id == info.activity_id:
                    scheduled = event.event_id
            elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                completed = event.activity_task_completed_event_attributes
                if scheduled is not None and completed.scheduled_event_id == scheduled:
                    await self._at(point)
                    return


def _execution(info: activity.Info) -> str:
    return f"{info.workflow_run_id}/{info.activity_id}"


async def _connect(*args: Any, plugins: Sequence[Plugin], **options: Any) -> Client:
    """The worker's own connection, with the striker beside the project's plugin."""
    striker = Striker(Book(Path(os.environ["TAMMA_TEST_STRIKES"])), os.environ["TAMMA_TEST_RUN_ID"])
    return await connect(
        *args, plugins=(*plugins, SimplePlugin("strikes", interceptors=[striker])), **options
    )


def _notice_sooner(seconds: float) -> None:
    """Shorten the heartbeat timeouts that workflows ask for; their sandbox shares the module."""
    for name, given in vars(options).items():
        if isinstance(given, options.Options) and given.heartbeat is not None:
            setattr(options, name, replace(given, heartbeat=min(given.heartbeat, seconds)))


if __name__ == "__main__":
    if heartbeat := os.environ.get("TAMMA_TEST_HEARTBEAT"):
        _notice_sooner(float(heartbeat))
    # The composition stays the worker's own; only its connection has a plugin more.
    running.connect = _connect
    os._exit(asyncio.run(running.main()))
