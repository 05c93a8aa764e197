"""Runs in the server's index: find one by its name, list many. No worker is needed for any of this."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from temporalio.client import WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey

from tamma.model.ids import TaskId, WorkflowId
from tamma.model.references import PLAIN_GIT, RepoRef
from tamma.model.suggestion import WorkflowType
from tamma.model.task import DEV_WORKFLOW, AgentChoice, Phase, TaskStatus, TaskView
from tamma.temporal.run_errors import RunAmbiguous, RunNotFound, server_errors

if TYPE_CHECKING:
    from temporalio.client import Client

TASK: Final = SearchAttributeKey.for_keyword("TammaTask")
REPO: Final = SearchAttributeKey.for_keyword("TammaRepo")
ISSUE: Final = SearchAttributeKey.for_keyword("TammaIssue")
PHASE: Final = SearchAttributeKey.for_keyword("TammaPhase")
OUTCOME: Final = SearchAttributeKey.for_keyword("TammaOutcome")
PULL_REQUEST: Final = SearchAttributeKey.for_keyword("TammaPullRequest")
AGENT: Final = SearchAttributeKey.for_keyword("TammaAgent")

_ALL = f"WorkflowType = '{DEV_WORKFLOW}'"
_LIVE = "ExecutionStatus = 'Running'"
_INDEX_LAG = 1.5
"""Seconds after which a run that was just started must be in the index."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the server's index knows it."""

    workflow_id: WorkflowId
    run_id: str
    task_id: TaskId
    status: TaskStatus
    phase: Phase
    repo: str
    issue: str
    started_at: datetime
    closed_at: datetime | None = None
    workflow_type: WorkflowType = "autonomous-dev"
    title: str = ""
    issue_url: str = ""
    agent: str = ""
    pull_request: str = ""
    why: str = ""
    """Of a run that ended before its end: what ended it, in its own words."""

    @property
    def live(self) -> bool:
        return self.closed_at is None

    def settle(self, view: TaskView) -> TaskView:
        """The view of a run that was ended from outside: it never learned that, so it says it runs."""
        if self.live or view.status.final:
            return view
        return replace(view, status=self.status, waiting_for=None, session_workflow="")

    def sketch(self) -> TaskView:
        """A view with what the index knows, for when no worker answers for the run."""
        platform = self.workflow_id.split("/")[1] if self.workflow_id.count("/") > 1 else ""
        owner, _, name = ("", "", self.repo) if platform == PLAIN_GIT else self.repo.rpartition("/")
        return TaskView(
            task_id=self.task_id,
            status=self.status,
            phase=self.phase,
            repo=RepoRef(platform, owner, name),
            issue=self.issue,
            title=self.title,
            issue_url=self.issue_url,
            agent=_agent(self.agent) if self.agent else None,
            pull_request_url=self.pull_request,
            workflow_type=self.workflow_type,
        )


def _agent(label: str) -> AgentChoice:
    """The inverse of `AgentChoice.label`, as far as it says."""
    name, _, version = label.rpartition("@")
    if name and "/" not in name and version.isdecimal():
        return AgentChoice("", name=name, version=int(version))
    provider, _, model = label.partition("/")
    return AgentChoice(provider, model or None)


async def describe(client: Client, workflow: str, run_id: str | None = None) -> RunRecord:
    """The record of one run (the latest of that workflow id). Raises RunNotFound."""
    with server_errors(workflow):
        return await _record(await client.get_workflow_handle(workflow, run_id=run_id).describe())


async def find_by_task(client: Client, prefix: str, *, whole: bool) -> RunRecord:
    """The run whose task id is, or begins with, `prefix`. Raises RunNotFound, RunAmbiguous."""
    condition = f"TammaTask = {_literal(prefix)}" if whole else f"TammaTask STARTS_WITH {_literal(prefix)}"
    found = await _search(client, condition, limit=6)
    if not found and whole:
        await asyncio.sleep(_INDEX_LAG)
        found = await _search(client, condition, limit=1)
    if not found:
        raise RunNotFound(f"there is no run with the task id {prefix!r}", hint="`tamma list --all` shows all")
    if len({record.task_id for record in found}) > 1:
        raise RunAmbiguous(
            f"{prefix!r} fits several runs: {_named(found)}", hint="give more characters of the task id"
        )
    return found[0]


async def find_by_repository(client: Client, name: str) -> RunRecord:
    """A repository's one live run, else its latest. Raises RunNotFound, RunAmbiguous where several live."""
    found = await _search(client, f"TammaRepo = {_literal(name)}", limit=20)
    if not found:
        raise RunNotFound(f"there is no run for {name!r}", hint="`tamma list --all` shows all runs")
    live = tuple(record for record in found if record.live)
    if len(live) > 1:
        raise RunAmbiguous(
            f"{name!r} has {len(live)} live runs: {_named(live)}", hint="name one by its task id or its issue"
        )
    return (live or found)[0]


async def list_runs(
    client: Client,
    *,
    failed: bool = False,
    live: bool = False,
    since: datetime | None = None,
    limit: int = 20,
) -> tuple[RunRecord, ...]:
    """Runs, newest first; `failed`: those that ended before their end; `live`: those that have not.

    With `since`, finished ones count only if they ended after it.
    """
    conditions: list[str] = []
    if failed:
        conditions.append(
            "(TammaOutcome IN ('failed', 'cancelled') OR "
            "ExecutionStatus IN ('Failed', 'Terminated', 'TimedOut', 'Canceled'))"
        )
    if live:
        conditions.append("ExecutionStatus = 'Running'")
    if since is not None:
        conditions.append(f"(ExecutionStatus = 'Running' OR CloseTime > '{since.isoformat()}')")
    return await _search(client, " AND ".join(conditions), limit=limit)


async def runs_below(client: Client, prefix: str, *, limit: int) -> tuple[RunRecord, ...]:
    """Runs whose workflow ids begin with `prefix`, live or not, newest first. Raises ServerSilent."""
    return await _search(client, f"WorkflowId STARTS_WITH {_literal(prefix)}", limit=limit)


async def live_below(client: Client, prefix: str, *, limit: int) -> tuple[RunRecord, ...]:
    """The live ones of them. Raises ServerSilent."""
    return await _search(client, f"{_LIVE} AND WorkflowId STARTS_WITH {_literal(prefix)}", limit=limit)


async def live_of_issue(client: Client, issue: str, *, limit: int) -> tuple[RunRecord, ...]:
    """Live runs of issues of that name, whatever repository they are for. Raises ServerSilent."""
    return await _search(client, f"{_LIVE} AND TammaIssue = {_literal(issue)}", limit=limit)


async def _search(client: Client, condition: str, *, limit: int) -> tuple[RunRecord, ...]:
    query = f"{_ALL} AND {condition}" if condition else _ALL
    with server_errors():
        executions = client.list_workflows(query, limit=limit, page_size=min(limit, 200))
        records = [await _record(execution) async for execution in executions]
    return tuple(sorted(records, key=lambda record: record.started_at, reverse=True))


def _literal(text: str) -> str:
    """A string in the index's query language, which is SQL's and knows backslashes too."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _named(records: tuple[RunRecord, ...]) -> str:
    return ", ".join(f"{record.task_id} ({record.issue})" for record in records[:5])


async def _record(execution: WorkflowExecution) -> RunRecord:
    memo = await execution.memo()
    attributes = execution.typed_search_attributes
    return RunRecord(
        workflow_id=WorkflowId(execution.id),
        run_id=execution.run_id,
        task_id=TaskId(attributes.get(TASK) or str(memo.get("taskId", ""))),
        status=_status(execution.status, attributes.get(OUTCOME)),
        phase=_phase(attributes.get(PHASE)),
        repo=attributes.get(REPO) or "",
        issue=attributes.get(ISSUE) or "",
        started_at=execution.start_time,
        closed_at=execution.close_time,
        workflow_type="manual-assist" if memo.get("workflowType") == "manual-assist" else "autonomous-dev",
        title=str(memo.get("title", "")),
        issue_url=str(memo.get("issueUrl", "")),
        agent=attributes.get(AGENT) or "",
        pull_request=attributes.get(PULL_REQUEST) or "",
        why=str(memo.get("why", "")),
    )


def _phase(word: str | None) -> Phase:
    return next((phase for phase in Phase if phase.value == word), Phase.ACCEPT)


_STATUS: Final[Mapping[WorkflowExecutionStatus, TaskStatus]] = {
    WorkflowExecutionStatus.RUNNING: TaskStatus.RUNNING,
    WorkflowExecutionStatus.CONTINUED_AS_NEW: TaskStatus.RUNNING,
    WorkflowExecutionStatus.COMPLETED: TaskStatus.COMPLETED,
    WorkflowExecutionStatus.CANCELED: TaskStatus.CANCELLED,
    WorkflowExecutionStatus.FAILED: TaskStatus.FAILED,
    WorkflowExecutionStatus.TERMINATED: TaskStatus.FAILED,
    WorkflowExecutionStatus.TIMED_OUT: TaskStatus.FAILED,
}


def _status(status: WorkflowExecutionStatus | None, outcome: str | None) -> TaskStatus:
    """The run's own word on its outcome counts; where it could say none, the server's."""
    if status is WorkflowExecutionStatus.COMPLETED:
        return next((own for own in TaskStatus if own.value == outcome), TaskStatus.COMPLETED)
    return _STATUS.get(status, TaskStatus.RUNNING) if status else TaskStatus.RUNNING
