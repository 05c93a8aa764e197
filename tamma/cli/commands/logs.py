"""`tamma logs`: what a run did, step by step."""

from __future__ import annotations

import asyncio

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, run_argument, server_options

FOLLOW_EVERY = 1.0


@click.command()
@run_argument
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    follow: bool,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Print what a run did: its phases and its agent's steps, oldest first.

    With --json each is a line. `tamma dev logs` prints the servers' own log.
    """
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.cli.journal import Reader

        record = await link.find(task, issue_file)
        async with link.store() as store:
            reader = Reader(store, record.task_id)
            while True:
                items = await reader.new()
                for item in items:
                    if as_json:
                        output.json_line(item.json)
                    else:
                        output.data(f"{item.at:%H:%M:%S}  {item.text}")
                if not follow or any(item.final for item in items):
                    return
                await asyncio.sleep(FOLLOW_EVERY)
