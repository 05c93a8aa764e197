"""`tamma wake`: have runs look at their platform now."""

from __future__ import annotations

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.linking import accounts
from tamma.cli.options import asynchronous, run_argument, server_options
from tamma.cli.reference import IssueName, parse_run


@click.command()
@run_argument
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Have runs look at checks, reviews and comments now, instead of at their next poll.

    TASK may be a pull request as well, `owner/repo#34`. For scripts and CI jobs that know that something has
    happened; runs find out by themselves, after a while.
    """
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.temporal import deliveries
        from tamma.temporal.run_errors import RunNotFound

        known, default = accounts(link.loaded)
        name = parse_run(task, issue_file=issue_file, accounts=known, default=default)
        if isinstance(name, IssueName) and name.file is None:
            woken = await deliveries.wake_all_of(link.client, name.repo, name.issue)
        else:
            record = await link.find(task, issue_file)
            woken = await deliveries.wake(link.client, [record] if record.live else [])
        if not woken:
            raise RunNotFound(f"{task!r} has no live run", hint="`tamma list` shows those that there are")
        for run in woken:
            output.note(f"{run.repo}#{run.issue} looks now (task {run.task_id})")
