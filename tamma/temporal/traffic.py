"""The runs of one repository, as the selection of issues has to know them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tamma.model.ids import WorkflowId, forge_run_id
from tamma.model.references import RepoRef
from tamma.model.selection import KnownRun, Traffic
from tamma.model.task import Gate, Phase, TaskView
from tamma.selection.files import MOST_FILES, files_named
from tamma.temporal import run_index, runs
from tamma.temporal.run_errors import RunNotFound, ServerSilent, WorkerSilent

if TYPE_CHECKING:
    from temporalio.client import Client

MOST_RUNS = 5000
"""Of a repository, that the index is asked for."""
MOST_ASKED = 50
"""Live runs that are asked for their plans."""
PATIENCE = 3.0
"""Seconds that a run is given to answer: its files only help to choose."""


class RepositoryTraffic:
    """Asks the server's index, and live runs what they change."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def traffic(
        self, repo: RepoRef, issue_files: dict[WorkflowId, tuple[str, ...]], now: datetime
    ) -> Traffic:
        """See `activities.selection.RepositoryRuns`."""
        prefix = forge_run_id(repo, "") + "/"
        records = await run_index.runs_below(self._client, prefix, limit=MOST_RUNS)
        known = [_known(record) for record in records]
        live = [run for run in known if run.live]
        asked = await asyncio.gather(*(self._with_files(run, issue_files) for run in live[:MOST_ASKED]))
        return Traffic(
            live=(*asked, *live[MOST_ASKED:]),
            past=tuple(run for run in known if not run.live and run.workflow_id in issue_files),
            begun_today=sum(run.started_at > now - timedelta(days=1) for run in known),
            moved_at=max((run.moved_at for run in known), default=None),
        )

    async def live(self, prefix: str) -> tuple[KnownRun, ...]:
        """See `activities.coordination.OpenRuns`."""
        found = await run_index.live_below(self._client, prefix, limit=MOST_RUNS)
        return tuple(_known(record) for record in found)

    async def _with_files(self, run: KnownRun, issue_files: dict[WorkflowId, tuple[str, ...]]) -> KnownRun:
        """With the files of its change and its plan; until there are some, with those of its issue. And
        whether it has begun: whoever does not answer is taken to have."""
        files, waits = list[str](), False
        try:
            view = await runs.view(self._client, run.workflow_id, timeout=PATIENCE)
        except (WorkerSilent, ServerSilent, RunNotFound):
            pass  # no worker has it now, or it has just ended
        else:
            if view.workflow_type == "manual-assist":
                return run  # it pushes nothing: nobody meets it
            files += view.diff.files if view.diff is not None else ()
            files += files_named(view.plan)
            waits = waits_for_issues(view)
        found = tuple(dict.fromkeys(files)) or issue_files.get(run.workflow_id, ())
        return replace(run, files=found[:MOST_FILES], waits=waits)


def waits_for_issues(view: TaskView) -> bool:
    """Whether the run stands still before its first step. The phase alone does not say so: every run
    begins in that one."""
    waiting = view.waiting_for
    return view.phase is Phase.ACCEPT and waiting is not None and waiting.gate is Gate.ORDER


def _known(record: run_index.RunRecord) -> KnownRun:
    return KnownRun(
        record.workflow_id,
        record.task_id,
        record.issue,
        record.status,
        record.started_at,
        record.closed_at,
    )
