"""`tamma retry`: go on with a run that failed, was cancelled, or stands still."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import click

from tamma.cli import gates, output
from tamma.cli.amounts import Dollars
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, run_argument, server_options
from tamma.errors import ConfigError
from tamma.model.task import TaskStatus

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.temporal.run_index import RunRecord


@click.command()
@run_argument
@click.option(
    "--budget",
    type=Dollars(),
    help="US dollars to spend from here on.  [default: what the run has left]",
)
@click.option(
    "--max-turns",
    type=click.IntRange(1, 10_000),
    help="Model calls from here on.  [default: what the run has left]",
)
@click.option("--agent", metavar="NAME[@N]", help="The agent that goes on with it.  [default: the same]")
@click.option("-w", "--watch", is_flag=True, help="Stay and follow it; the exit code tells how it ended.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    budget: Decimal | None,
    max_turns: int | None,
    agent: str | None,
    watch: bool,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> int:
    """Go on with a run from where it stood: one that failed or was cancelled, or one that waits for help.

    A new run of the same issue takes over the plan, the failing test, the conversation with the model, the
    files and the branch: what was paid for is not paid for again. One that still waits is told to go on.
    """
    async with invocation.link(temporal_address, database_url, fresh_worker=True) as link:
        record = await link.find(task, issue_file)
        if record.live:
            await _go_on(link, record, budget, max_turns, agent)
            return 0
        await _check(link, record)
        return await _again(link, record, budget, max_turns, agent, watch=watch, as_json=as_json)


async def _go_on(
    link: Link, record: RunRecord, budget: Decimal | None, max_turns: int | None, agent: str | None
) -> None:
    """A live run needs no other one in its place."""
    from tamma.cli.story import label
    from tamma.model.task import BudgetChange, Control
    from tamma.temporal import runs
    from tamma.temporal.run_errors import RunFinished

    view = await runs.view(link.client, record.workflow_id, record.run_id)
    if view.waiting_for is None:
        raise RunFinished(
            f"{label(view)} is under way ({view.phase.value}): there is nothing to try again",
            hint=f"`tamma watch {record.task_id}` shows what it does",
        )
    if agent is not None:
        raise ConfigError(
            "a run that waits goes on with its own agent",
            hint=f"`tamma cancel {record.task_id}` first: what was done is kept, and the retry takes it up",
        )
    if budget is not None or max_turns is not None:
        more = BudgetChange(budget or Decimal(0), max_turns or 0, gates.person())
        output.note((await runs.add_budget(link.client, record, more)).message)
    reply = await runs.resume(link.client, record, Control(gates.person(), "tried again"))
    output.note(reply.message)


async def _check(link: Link, record: RunRecord) -> None:
    """Whether there is something to go on with."""
    from tamma.temporal import run_index
    from tamma.temporal.run_errors import RunFinished

    name = f"{record.repo}#{record.issue}"
    if record.status is TaskStatus.COMPLETED:
        raise RunFinished(
            f"the run of {name} completed: there is nothing left to do",
            hint="`tamma submit --again` starts another one, `tamma fork` goes another way from a step",
        )
    newest = await run_index.describe(link.client, record.workflow_id)
    if newest.run_id != record.run_id:
        raise RunFinished(
            f"the run of {name} has a successor already, {newest.task_id} ({newest.status.value})",
            hint=f"`tamma status {newest.task_id}`, or `tamma retry {newest.task_id}`",
        )


async def _again(
    link: Link,
    record: RunRecord,
    budget: Decimal | None,
    max_turns: int | None,
    agent: str | None,
    *,
    watch: bool,
    as_json: bool,
) -> int:
    from tamma.cli.choosing import chosen
    from tamma.cli.ordering import Wishes
    from tamma.cli.retrying import places, starting
    from tamma.cli.retrying.ordering import Changes

    async with link.store() as store:
        place = await places.at_the_end(store, record.task_id)
        who = await chosen(store, agent, Wishes(agent=agent), link.loaded) if agent else None
        request = await starting.request_of(store, place, Changes(who, budget, max_turns))
    started = await starting.begin(link, request, record)
    return await starting.tell(link, started, request, place, watch=watch, as_json=as_json)
