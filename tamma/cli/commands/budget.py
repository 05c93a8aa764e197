"""`tamma budget`: what a run may still spend, and what all of them together."""

from __future__ import annotations

from decimal import Decimal

import click

from tamma.cli import gates, output
from tamma.cli.amounts import Dollars
from tamma.cli.budgeting.limits import remove, set_, show
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, run_argument, server_options
from tamma.errors import ConfigError


@click.group()
def command() -> None:
    """Limit what runs spend; give one more money, turns or hours."""


for each in (show, set_, remove):
    command.add_command(each)


@command.command()
@run_argument
@click.option("--usd", type=Dollars(), help="US dollars to add.")
@click.option("--turns", type=click.IntRange(1), help="Model calls to add.")
@click.option("--hours", type=click.FloatRange(0, min_open=True), help="Hours of work to add.")
@server_options
@click.pass_obj
@asynchronous
async def add(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    usd: Decimal | None,
    turns: int | None,
    hours: float | None,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Add to what a run may use; one that waits for it goes on."""
    if usd is None and turns is None and hours is None:
        hint = "e.g. tamma budget add TASK --usd 2, or --turns 50, or --hours 4"
        raise ConfigError("nothing to add", hint=hint)
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.model.task import BudgetChange
        from tamma.temporal import runs

        record = await link.find(task, issue_file)
        change = BudgetChange(usd or Decimal(0), turns or 0, gates.person(), hours or 0.0)
        reply = await runs.add_budget(link.client, record, change)
        output.note(reply.message)
