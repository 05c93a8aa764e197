"""Commands that say one word to a run."""

from __future__ import annotations

from typing import Literal

import click

from tamma.cli import gates, output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, run_argument, server_options


def control(word: Literal["finish", "pause", "resume"], about: str) -> click.Command:
    """The command that says `word`; `about` is its help."""

    @click.command(help=about)
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
        async with invocation.link(temporal_address, database_url) as link:
            from tamma.model.task import Control
            from tamma.temporal import runs

            say = {"finish": runs.finish, "pause": runs.pause, "resume": runs.resume}[word]
            record = await link.find(task, issue_file)
            reply = await say(link.client, record, Control(gates.person(), reason))
            output.note(reply.message)

    return command
