"""`tamma finish`: have the agent end its stage with what there is."""

from __future__ import annotations

import click

from tamma.cli import gates, output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, run_argument, server_options


@click.command()
@run_argument
@click.option("--reason", default="", help="Why, for those who read it later.")
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    reason: str,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Have the agent end its stage with what there is.

    It has three turns to say what is done. The run goes on from there: tests, gates and the review judge the
    change as ever, and where they are red you are asked at once. `tamma pause` and `cancel` stop the run.
    """
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.model.task import Control
        from tamma.temporal import runs

        record = await link.find(task, issue_file)
        reply = await runs.finish(link.client, record, Control(gates.person(), reason))
        output.note(reply.message)
