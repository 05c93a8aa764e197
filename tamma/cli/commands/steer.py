"""`tamma steer`: say something to the agent."""

from __future__ import annotations

import sys

import click

from tamma.cli import gates, output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, run_argument, server_options
from tamma.errors import ConfigError


@click.command()
@run_argument
@click.argument("message", nargs=-1)
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    message: tuple[str, ...],
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Say something to the agent; it reads it before its next turn.

    MESSAGE is read from standard input where it is `-`. At the plan's gate it asks for another plan.
    """
    text = sys.stdin.read() if message == ("-",) else " ".join(message)
    if not text.strip():
        raise ConfigError("there is no message", hint='e.g. tamma steer TASK "keep the old signature"')
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.model.task import Steer
        from tamma.temporal import runs

        record = await link.find(task, issue_file)
        reply = await runs.steer(link.client, record, Steer(text.strip(), gates.person()))
        output.note(reply.message)
