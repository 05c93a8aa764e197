"""`tamma answer`: answer what a run asks about its issue."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from tamma.cli import gates, output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, run_argument, server_options
from tamma.errors import ConfigError
from tamma.model.planning import Answer, Answers
from tamma.model.task import Approval, Gate, Reply

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.temporal.run_index import RunRecord


@click.command()
@run_argument
@click.argument("message", nargs=-1)
@click.option(
    "--question",
    "named",
    type=(str, str),
    multiple=True,
    metavar="ID TEXT",
    help="The answer to one question, by its number or id. May be repeated.",
)
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    message: tuple[str, ...],
    named: tuple[tuple[str, str], ...],
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Answer what a run asks about its issue.

    MESSAGE is free words, or lines like `1: in UTC`, and is read from standard input where it is `-`. A
    suggestion's letter stands for it. Without any of these it asks you, question by question. `tamma status`
    shows the questions; `tamma approve` takes their defaults.
    """
    text = sys.stdin.read() if message == ("-",) else " ".join(message)
    given = Answers(tuple(Answer(*each) for each in named), text.strip(), gates.person())
    asks = not given.answers and not given.text
    if asks and not output.interactive():
        raise ConfigError(
            "there is no answer",
            hint='e.g. tamma answer TASK "1: in UTC"; `tamma status TASK` shows the questions',
        )
    async with invocation.link(temporal_address, database_url) as link:
        record = await link.find(task, issue_file)
        reply = await (_ask(link, record) if asks else _tell(link, record, given))
        output.note(reply.message)


async def _tell(link: Link, record: RunRecord, given: Answers | Approval) -> Reply:
    from tamma.temporal import runs

    if isinstance(given, Answers):
        return await runs.answer(link.client, record, given)
    return await runs.approve(link.client, record, given)


async def _ask(link: Link, record: RunRecord) -> Reply:
    """Ask the person here. Raises RunFinished where the run asks nothing."""
    from tamma.cli.story import label
    from tamma.temporal import runs
    from tamma.temporal.run_errors import RunFinished

    view = await runs.view(link.client, record.workflow_id, record.run_id)
    given = gates.ask(view) if view.waiting_for and view.waiting_for.gate is Gate.QUESTIONS else None
    if given is None:
        raise RunFinished(
            f"{label(view)} asks nothing: it is {view.status.value} ({view.phase.value})",
            hint=f"`tamma watch {record.task_id}` shows what it does",
        )
    return await _tell(link, record, given)
