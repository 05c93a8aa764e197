"""`tamma watch`: follow a run live."""

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
) -> int:
    """Follow a run live.

    TASK is a task id (or its first characters), owner/repo#12, an issue's address, or a path with --issue.
    Ends with 0 if the run completed, 1 otherwise. Ctrl-C leaves the run alone. With --json every change is
    a line.
    """
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.cli.following import exit_code, follow, follow_for_people
        from tamma.cli.watching import JsonAudience

        record = await link.find(task, issue_file)
        if as_json:
            told = JsonAudience(record, link.ui_url)
            return exit_code(await follow(link, record, told, may_wait=True))
        return exit_code(await follow_for_people(link, record, may_wait=True))
