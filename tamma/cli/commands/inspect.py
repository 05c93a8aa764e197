"""`tamma inspect`: the conversation between model and tools."""

from __future__ import annotations

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, run_argument, server_options


@click.command()
@run_argument
@click.option("--full", is_flag=True, help="Do not shorten long outputs.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    full: bool,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Read the conversation between model and tools: words, calls, results, tokens, cost; and, where the run
    has ended, what was measured of it.

    --json has everything in one document, nothing shortened.
    """
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.cli import measured, trajectory

        record = await link.find(task, issue_file)
        async with link.store() as store:
            sessions = await trajectory.read(store, record.task_id)
            run = await store.newest_run(record.task_id)
        if as_json:
            document = trajectory.document(record.task_id, sessions)
            output.json_document({**document, "metrics": measured.document(run) if run else None})
            return
        if not sessions:
            output.note("no model has been called yet")
            return
        for line in trajectory.lines(sessions, full=full):
            output.data(line)
        if run is not None:
            output.data(f"\nmeasured: {measured.words(run)}")
            for part in measured.parts(run):
                output.data(f"  {part}")
