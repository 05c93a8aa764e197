"""Hand in a run that goes on from another one, and tell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamma.cli import gates, output, shapes, story
from tamma.cli.retrying.ordering import Changes, order
from tamma.model.ids import WorkflowId, new_task_id
from tamma.temporal import run_index, runs

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.cli.retrying.places import Place
    from tamma.model.task import DevRequest
    from tamma.store.interface import BlobStore
    from tamma.temporal.run_index import RunRecord
    from tamma.temporal.runs import StartedRun


async def request_of(store: BlobStore, place: Place, changes: Changes) -> DevRequest:
    """The order, with the issue itself where it stands in no tracker. Raises ConfigError."""
    issue = place.standing.issue
    text = None
    if "issues" not in issue.capabilities:
        text = (await store.get_blob(issue.snapshot)).decode()
    return order(place, changes, new_task_id(), gates.person(), text)


async def begin(link: Link, request: DevRequest, record: RunRecord) -> StartedRun:
    """Start it: in the place of the other run, or beside it where it is a fork. Raises RunRefused."""
    assert request.continues is not None
    workflow = record.workflow_id
    if request.continues.fork:
        workflow = WorkflowId(f"{workflow}/{request.suffix}")
    return await runs.start_run(link.client, request, workflow, again=True)


async def tell(
    link: Link, started: StartedRun, request: DevRequest, place: Place, *, watch: bool, as_json: bool
) -> int:
    """What was started; with `watch`, how it goes on until its end. The exit code."""
    if not started.new:
        output.note("this issue has a live run already; this is it")
    record = await run_index.describe(link.client, started.workflow_id, started.run_id)
    if watch:
        return await _watch(link, record, as_json=as_json)
    accepted, origin = started.accepted, place.origin
    before = place.spent + place.standing.spent_before
    if as_json:
        output.json_document(
            {
                "taskId": accepted.task_id,
                "workflowId": started.workflow_id,
                "runId": started.run_id,
                "issueReference": f"{request.repo.full_name}#{request.issue}",
                "title": accepted.title,
                "branch": accepted.branch or None,
                "baseBranch": accepted.base_branch,
                "new": started.new,
                "continues": {"taskId": origin.task_id, "step": origin.step or None},
                "phaseThere": place.standing.phase.value,
                "spentThereUsd": shapes.number(before.cost_usd),
                "budgetUsd": shapes.number(request.limits.budget_usd),
                "uiUrl": shapes.workflow_url(link.ui_url, started.workflow_id, started.run_id),
            }
        )
        return 0
    where = f"step {origin.step}" if origin.fork else f"phase {place.standing.phase.value}"
    output.data(f"{request.repo.full_name}#{request.issue}  {accepted.title}")
    output.data(f"  task       {accepted.task_id}")
    output.data(f"  goes on    from {origin.task_id}, {where}")
    output.data(f"  branch     {story.branch_of(accepted)}")
    money = f"{story.usd(before.cost_usd)} there, at most {story.usd(request.limits.budget_usd)} from here on"
    output.data(f"  spent      {money}")
    output.note(f"hint: `tamma watch {accepted.task_id}` follows it")
    return 0


async def _watch(link: Link, record: RunRecord, *, as_json: bool) -> int:
    from tamma.cli.following import exit_code, follow_for_people

    view = await follow_for_people(link, record, may_wait=False, to_stderr=as_json)
    if as_json:
        record = await run_index.describe(link.client, record.workflow_id, record.run_id)
        output.json_document(shapes.task_json(record, view, link.ui_url))
    return exit_code(view)
