"""`tamma list`: the runs there are."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, server_options

if TYPE_CHECKING:
    from temporalio.client import Client

    from tamma.cli.linking import Link
    from tamma.model.task import TaskView
    from tamma.temporal.run_index import RunRecord

RECENT = timedelta(days=7)


@click.command()
@click.option(
    "--failed",
    is_flag=True,
    help="Only runs that need somebody: failed, cancelled, or standing still. With why, and what to do.",
)
@click.option("--all", "everything", is_flag=True, help="Also runs that ended more than a week ago.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    failed: bool,
    everything: bool,
    limit: int,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """List runs, newest first: the live ones and those of the last week."""
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.cli import shapes
        from tamma.temporal import run_index

        since = None if everything else datetime.now(UTC) - RECENT
        if failed:
            await _list_needy(link, since, limit, as_json=as_json)
            return
        records = await run_index.list_runs(link.client, since=since, limit=limit)
        views = dict(
            zip(records, await asyncio.gather(*(_view(link.client, r) for r in records)), strict=True)
        )
        if as_json:
            output.json_document([shapes.task_json(r, views[r], link.ui_url) for r in records])
        elif records:
            _print(views)
        else:
            output.note("no runs" + ("" if everything else f" in the last {RECENT.days} days"))
            output.note("hint: `tamma submit owner/repo#12` starts one; `tamma list --all` shows older")


async def _list_needy(link: Link, since: datetime | None, limit: int, *, as_json: bool) -> None:
    """The runs that need somebody. One that was gone on with already needs nobody."""
    from tamma.cli import shapes
    from tamma.cli.retrying import needy

    found = await needy.find(link.client, since, limit)
    if as_json:
        output.json_document(
            [
                {**shapes.task_json(each.record, each.view, link.ui_url), "why": each.why, "next": each.next}
                for each in found
            ]
        )
        return
    if not found:
        output.note("no run needs anybody" + ("" if since is None else f": looked at {RECENT.days} days"))
    for each in found:
        output.data("\t".join(_row(each.record, each.view)))
        output.data(f"  why   {each.why}")
        output.data(f"  next  {each.next}")


async def _view(client: Client, record: RunRecord) -> TaskView | None:
    """What a live run says of itself: whether it waits, and its cost. Finished ones are in the index."""
    from tamma.temporal import runs
    from tamma.temporal.run_errors import RunNotFound, ServerSilent, WorkerSilent

    if not record.live:
        return None
    try:
        return await runs.view(client, record.workflow_id, record.run_id, timeout=2.0)
    except (WorkerSilent, ServerSilent, RunNotFound):
        return None


def _print(views: dict[RunRecord, TaskView | None]) -> None:
    from tamma.cli.render import print_table

    rows = [_row(record, view) for record, view in views.items()]
    if output.live_terminal():
        print_table(("TASK", "ISSUE", "STATUS", "PHASE", "AGE", "TITLE"), rows, grow=-1)
        return
    for row in rows:
        output.data("\t".join(row))


def _row(record: RunRecord, view: TaskView | None) -> tuple[str, ...]:
    from tamma.cli import story

    status = view.status if view else record.status
    phase = view.phase if view else record.phase
    age = story.duration((datetime.now(UTC) - record.started_at).total_seconds())
    sketch = view or record.sketch()
    return (record.task_id, story.label(sketch), status.value, phase.value, age, sketch.title)
