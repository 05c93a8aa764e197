"""`tamma rate`: what a person thinks of a run's work."""

from __future__ import annotations

import click

from tamma.cli import gates, output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, run_argument, server_options


@click.command()
@run_argument
@click.argument("score", type=click.FloatRange(0, 100))
@click.option("--note", default="", help="Why, for those who read it later.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    score: float,
    note: str,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Say how good a run's work was, from 0 to 100, once it has ended.

    It becomes a part of the run's measured quality, beside what its gates and its reviewer said. Rating it
    again replaces your rating; several people share one weight.
    """
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.cli import measured, story

        record = await link.find(task, issue_file)
        async with link.store() as store:
            await store.rate_run(record.task_id, score, by=gates.person(), detail=note.strip())
            run = await store.newest_run(record.task_id)
        assert run is not None, "it was just rated"
        if as_json:
            output.json_document({"taskId": record.task_id, **measured.document(run)})
            return
        output.data(f"{story.label(record.sketch())}: {measured.words(run)}")
        for part in measured.parts(run):
            output.data(f"  {part}")
