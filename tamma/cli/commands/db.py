"""`tamma db`: the database's tables."""

from __future__ import annotations

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, database_option, json_option
from tamma.cli.storing import database
from tamma.errors import ConfigError


@click.group()
def command() -> None:
    """Migrate the database: yours, or the embedded one."""


@command.command()
@click.option("--to", "target", type=click.IntRange(0), help="The version to reach.  [default: the newest]")
@database_option
@click.pass_obj
@asynchronous
async def migrate(invocation: Invocation, target: int | None, database_url: str | None) -> None:
    """Bring the tables up to date. Several at once do no harm."""
    from tamma.store import migrate as migrations

    async with database(invocation.load(database_url=database_url), invocation.progress) as url:
        done = await migrations.migrate(url, target)
    output.note(f"applied {', '.join(f'{version:04}' for version in done)}" if done else "up to date")


@command.command()
@click.option("--steps", type=click.IntRange(1), default=1, show_default=True, help="How many migrations.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@database_option
@click.pass_obj
@asynchronous
async def rollback(invocation: Invocation, steps: int, yes: bool, database_url: str | None) -> None:
    """Undo the last migrations, with the data in their tables."""
    from tamma.store import migrate as migrations

    if not yes:
        if not output.interactive():
            raise ConfigError("this deletes data", hint="add --yes to do it without being asked")
        click.confirm(f"Undo {steps} migration(s) and delete the data in their tables?", abort=True, err=True)
    async with database(invocation.load(database_url=database_url), invocation.progress) as url:
        done = await migrations.rollback(url, steps)
    output.note(f"undone {', '.join(f'{version:04}' for version in done)}" if done else "nothing to undo")


@command.command()
@json_option
@database_option
@click.pass_obj
@asynchronous
async def status(invocation: Invocation, as_json: bool, database_url: str | None) -> int:
    """Show which migrations are applied; ends with 1 where some are missing."""
    from tamma.store import migrate as migrations

    async with database(invocation.load(database_url=database_url), invocation.progress) as url:
        found = await migrations.status(url)
    if as_json:
        output.json_document(
            {
                "version": found.version,
                "applied": [
                    {"version": done.version, "name": done.name, "appliedAt": done.applied_at.isoformat()}
                    for done in found.applied
                ],
                "pending": [{"version": due.version, "name": due.name} for due in found.pending],
                "problem": found.problem or None,
            }
        )
    else:
        for done in found.applied:
            output.data(f"{done.version:04}  {done.name:<24} applied {done.applied_at:%Y-%m-%d %H:%M}")
        for due in found.pending:
            output.data(f"{due.version:04}  {due.name:<24} pending")
        if found.problem:
            output.note(f"problem: {found.problem}")
    return 1 if found.pending or found.problem else 0
