"""`tamma cancel`: end a run."""

from __future__ import annotations

import click

from tamma.cli import gates, output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, run_argument, server_options


@click.command()
@run_argument
@click.option("--reason", default="", help="Why, for those who read it later.")
@click.option("--force", is_flag=True, help="Interrupt what runs, by Temporal's own cancellation.")
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    reason: str,
    force: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """End a run; branch, diff and summary stay.

    --force needs no worker to be taken, and is for runs that do not listen any more.
    """
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.model.task import Control
        from tamma.temporal import runs

        record = await link.find(task, issue_file)
        if force:
            await runs.force_cancel(link.client, record)
            output.note("cancellation requested")
            return
        reply = await runs.cancel(link.client, record, Control(gates.person(), reason))
        output.note(reply.message)
