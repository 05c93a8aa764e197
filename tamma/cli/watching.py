"""Following a run until it ends, whatever happens to workers and servers meanwhile."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from tamma.cli import output, shapes
from tamma.cli.lines import Teller
from tamma.cli.story import Frame
from tamma.model.session import SessionProgress
from tamma.model.task import TaskView, Waiting
from tamma.temporal import run_index, runs
from tamma.temporal.run_errors import RunNotFound, ServerSilent, WorkerSilent
from tamma.temporal.run_index import RunRecord

if TYPE_CHECKING:
    from temporalio.client import Client

VIEW_EVERY = 0.5
PROGRESS_EVERY = 1.0
SETTLE_EVERY = 3.0
_PATIENCE = 2.0
"""Seconds for a query before it counts as unanswered."""


class Audience(Protocol):
    """Who is told about a run."""

    def show(self, frame: Frame) -> None: ...
    def notice(self, text: str) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class LineAudience:
    """Plain lines, to standard output or (where that is for JSON) to standard error."""

    def __init__(self, *, to_stderr: bool = False) -> None:
        self._write = output.note if to_stderr else output.data
        self._teller = Teller()

    def show(self, frame: Frame) -> None:
        for line in self._teller.tell(frame):
            self._write(line)

    def notice(self, text: str) -> None:
        output.note(text)

    def pause(self) -> None: ...
    def resume(self) -> None: ...


class JsonAudience:
    """One JSON object a line, whenever something changed."""

    def __init__(self, record: RunRecord, ui_url: str | None) -> None:
        self._record, self._ui_url, self._last = record, ui_url, shapes.Json()

    def show(self, frame: Frame) -> None:
        shape = shapes.task_json(self._record, frame.view, self._ui_url, frame.progress)
        shape["session"] = shapes.progress_json(frame.progress) if frame.progress else None
        if shape != self._last:
            self._last = shape
            output.json_line(shape)

    def notice(self, text: str) -> None:
        output.note(text)

    def pause(self) -> None: ...
    def resume(self) -> None: ...


def audience(*, to_stderr: bool = False) -> AbstractContextManager[Audience]:
    """The live display on a terminal, plain lines elsewhere."""
    if output.live_terminal() and not to_stderr:
        from tamma.cli.render import LiveDisplay

        return LiveDisplay()
    return nullcontext(LineAudience(to_stderr=to_stderr))


def gate(view: TaskView) -> Waiting | None:
    """What a run needs a person for, if anything."""
    return view.waiting_for if view.waiting_for is not None and view.waiting_for.person else None


@dataclass(slots=True)
class Follower:
    """Looks at one run again and again."""

    client: Client
    record: RunRecord
    audience: Audience
    ui_url: str | None = None
    _silent: bool = False
    _progress: SessionProgress | None = None
    _progress_at: float = 0.0
    _settled_at: float = 0.0

    async def until_final_or_gate(self, known: Waiting | None = None) -> TaskView:
        """Follow until the run has ended, or needs a person at another gate than the `known` one."""
        while True:
            view = await self.look()
            if view is not None:
                frame = self._frame(view, await self._session(view))
                self.audience.show(frame)
                if frame.final or gate(view) not in (None, known):
                    return view
                if known is not None and gate(view) is None:
                    known = None  # it was answered; the same question may come again
            await asyncio.sleep(VIEW_EVERY)

    async def look(self) -> TaskView | None:
        """The run's view; None where nobody answers, which is told once."""
        try:
            view = await runs.view(
                self.client, self.record.workflow_id, self.record.run_id, timeout=_PATIENCE
            )
        except WorkerSilent:
            self._quiet("worker not answering, the run is safe, waiting …")
            return await self._ended_without_worker()
        except ServerSilent:
            self._quiet("Temporal not answering, the run is safe in its database, waiting …")
            return None
        if self._silent:
            self._silent = False
            self.audience.notice("it answers again")
        return await self._settled(view)

    async def _settled(self, view: TaskView) -> TaskView:
        """Look now and then whether the run was terminated: its own view cannot tell."""
        now = time.monotonic()
        if Frame(view).final or now - self._settled_at < SETTLE_EVERY:
            return view
        self._settled_at = now
        try:
            record = await run_index.describe(self.client, self.record.workflow_id, self.record.run_id)
        except ServerSilent:
            return view
        return record.settle(view)

    def _quiet(self, text: str) -> None:
        if not self._silent:
            self._silent = True
            self.audience.notice(text)

    async def _ended_without_worker(self) -> TaskView | None:
        """A run may be over while no worker is left to answer for it: the index knows."""
        try:
            record = await run_index.describe(self.client, self.record.workflow_id, self.record.run_id)
            return None if record.live else await runs.ended(self.client, record)
        except ServerSilent:
            return None

    async def _session(self, view: TaskView) -> SessionProgress | None:
        """What the session does; asked half as often as the run itself."""
        if not view.session_workflow:
            self._progress = None
            return None
        now = time.monotonic()
        if now - self._progress_at >= PROGRESS_EVERY:
            self._progress_at = now
            try:
                self._progress = await runs.progress(self.client, view.session_workflow, timeout=_PATIENCE)
            except (WorkerSilent, ServerSilent, RunNotFound):
                self._progress = None  # it has just ended, or the next look at the run says what is wrong
        return self._progress

    def _frame(self, view: TaskView, progress: SessionProgress | None) -> Frame:
        elapsed = (datetime.now(UTC) - self.record.started_at).total_seconds()
        url = shapes.workflow_url(self.ui_url, self.record.workflow_id, self.record.run_id)
        return Frame(view, progress, elapsed, url or "")
