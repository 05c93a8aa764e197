"""Runs that need somebody: those that ended before their end, and those that wait for help."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tamma.cli import story
from tamma.model.task import Gate, Phase, TaskView
from tamma.temporal import run_index, runs
from tamma.temporal.run_errors import RunNotFound, ServerSilent, WorkerSilent

if TYPE_CHECKING:
    from temporalio.client import Client

    from tamma.temporal.run_index import RunRecord

MOST_LIVE = 200
"""Live runs that are asked whether they stand still."""
WHEN_ASKED = frozenset({Gate.PLAN, Gate.PATCH, Gate.MERGE, Gate.PAUSED})
"""Gates at which a run stands because somebody wanted it so: nothing went wrong."""


@dataclass(frozen=True, slots=True)
class Needy:
    """A run, why it needs somebody, and what to do."""

    record: RunRecord
    why: str
    next: str
    view: TaskView | None = None
    """Of a live one."""


async def find(client: Client, since: datetime | None, limit: int) -> tuple[Needy, ...]:
    """Those of `limit` runs that ended since then, and of the live ones; newest first."""
    ended, live = await asyncio.gather(
        run_index.list_runs(client, failed=True, since=since, limit=limit),
        run_index.list_runs(client, live=True, limit=MOST_LIVE),
    )
    newest = await asyncio.gather(*(_is_newest(client, record) for record in ended))
    views = await asyncio.gather(*(_view(client, record) for record in live))
    found = [_ended(record) for record, last in zip(ended, newest, strict=True) if last]
    found += [
        Needy(record, view.waiting_for.reason, story.hint(view, view.waiting_for), view)
        for record, view in zip(live, views, strict=True)
        if view is not None and view.waiting_for is not None and _needs_help(view)
    ]
    found.sort(key=lambda each: each.record.started_at, reverse=True)
    return tuple(found[:limit])


def _needs_help(view: TaskView) -> bool:
    waiting = view.waiting_for
    return waiting is not None and waiting.person and waiting.gate not in WHEN_ASKED


def _ended(record: RunRecord) -> Needy:
    why = record.why or "it was ended from outside, or ran out of time on the server"
    if record.phase is Phase.ACCEPT:
        return Needy(record, why, "it had not read its issue yet: hand it in again with `tamma submit`")
    return Needy(record, why, f"`tamma retry {record.task_id}` goes on from there")


async def _is_newest(client: Client, record: RunRecord) -> bool:
    """Whether no later run of the same issue took its place."""
    try:
        return (await run_index.describe(client, record.workflow_id)).run_id == record.run_id
    except RunNotFound:
        return True  # the server is about to forget it


async def _view(client: Client, record: RunRecord) -> TaskView | None:
    try:
        return await runs.view(client, record.workflow_id, record.run_id, timeout=2.0)
    except (WorkerSilent, ServerSilent, RunNotFound):
        return None
