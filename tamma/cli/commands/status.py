"""`tamma status`: where a run stands."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, run_argument, server_options


@click.command()
@run_argument
@json_option
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Show where a run stands.

    TASK is a task id (or its first characters), owner/repo#12, an issue's address, or a path with --issue.
    Works without a worker too, with less to tell.
    """
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.cli import shapes, sheet
        from tamma.cli.story import Frame
        from tamma.temporal import runs
        from tamma.temporal.run_errors import WorkerSilent

        record = await link.find(task, issue_file)
        try:
            view, progress = await runs.look(link.client, record)
        except WorkerSilent as error:
            view = progress = None
            output.note(f"{error}; this is what the server knows")
            if not record.live:
                view = await runs.ended(link.client, record)
        if as_json:
            output.json_document(shapes.task_json(record, view, link.ui_url, progress))
            return
        end = record.closed_at or datetime.now(UTC)
        url = shapes.workflow_url(link.ui_url, record.workflow_id, record.run_id)
        frame = Frame(view or record.sketch(), progress, (end - record.started_at).total_seconds(), url or "")
        for line in sheet.lines(frame):
            output.data(line)
