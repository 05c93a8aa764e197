"""`tamma fork`: go another way from a step of a run."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TextIO

import click

from tamma.cli.amounts import Dollars
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, run_argument, server_options
from tamma.errors import ConfigError

LONGEST = 20_000
"""Characters of instructions, as of what `tamma steer` says."""


@click.command()
@run_argument
@click.option(
    "--step",
    type=click.IntRange(min=1),
    metavar="N",
    required=True,
    help="The last step to keep, as `tamma inspect` counts them.",
)
@click.option("--agent", metavar="NAME[@N]", help="The agent that goes on with it.  [default: the same]")
@click.option(
    "--instructions",
    type=click.File(encoding="utf-8"),
    metavar="FILE",
    help="A text for the agent, beside what it was told there; - reads standard input.",
)
@click.option("--budget", type=Dollars(), help="US dollars to spend from here on.  [default: as there]")
@click.option(
    "--max-turns", type=click.IntRange(1, 10_000), help="Model calls from here on.  [default: as there]"
)
@click.option("--merge", type=click.Choice(["auto", "never"]), help="Whether to merge.  [default: as there]")
@click.option("-w", "--watch", is_flag=True, help="Stay and follow it; the exit code tells how it ended.")
@json_option
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    step: int,
    agent: str | None,
    instructions: TextIO | None,
    budget: Decimal | None,
    max_turns: int | None,
    merge: Literal["auto", "never"] | None,
    watch: bool,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> int:
    """Go another way from a step of a run: with another agent, with other instructions, or just again.

    The new run has the conversation up to that step and the files as that step left them. It works on a
    branch of its own, opens a pull request of its own, and leaves the other run as it is; that one may still
    be under way.
    """
    from tamma.cli.choosing import chosen
    from tamma.cli.inspecting import reading
    from tamma.cli.inspecting.steps import Subject
    from tamma.cli.ordering import Wishes
    from tamma.cli.retrying import places, starting
    from tamma.cli.retrying.ordering import Changes

    told = instructions.read(LONGEST + 1).strip() if instructions else ""
    if len(told) > LONGEST:
        raise ConfigError(
            f"the instructions are longer than {LONGEST} characters",
            hint="say what matters; long texts belong into the repository",
        )
    async with invocation.link(temporal_address, database_url, fresh_worker=True) as link:
        record = await link.find(task, issue_file)
        async with link.store() as store:
            run = await reading.read(store, Subject(record.task_id, live=record.live))
            place = await places.at_step(store, run, step)
            who = await chosen(store, agent, Wishes(agent=agent), link.loaded) if agent else None
            words = await store.put_blob(told.encode(), "text/markdown") if told else None
            request = await starting.request_of(store, place, Changes(who, budget, max_turns, merge, words))
        started = await starting.begin(link, request, record)
        return await starting.tell(link, started, request, place, watch=watch, as_json=as_json)
