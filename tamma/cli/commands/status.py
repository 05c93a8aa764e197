"""`tamma status`: where a run stands."""

from __future__ import annotations

import click

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
        from tamma.cli import standing

        await standing.tell(link, await link.find(task, issue_file), as_json=as_json)
