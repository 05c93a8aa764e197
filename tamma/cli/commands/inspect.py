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
    """Read the conversation between model and tools: words, calls, results, tokens, cost.

    --json has everything in one document, nothing shortened.
    """
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.cli import trajectory

        record = await link.find(task, issue_file)
        async with link.store() as store:
            sessions = await trajectory.read(store, record.task_id)
        if as_json:
            output.json_document(trajectory.document(record.task_id, sessions))
            return
        if not sessions:
            output.note("no model has been called yet")
            return
        for line in trajectory.lines(sessions, full=full):
            output.data(line)
