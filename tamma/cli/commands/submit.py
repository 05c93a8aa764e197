"""`tamma submit`: hand in an issue."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tamma.cli import gates, output
from tamma.cli.amounts import Dollars
from tamma.cli.choosing import all_chosen, chosen, wanted
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, server_options
from tamma.cli.ordering import Wishes, order
from tamma.model.task import AgentChoice
from tamma.model.tries import MOST

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.cli.reference import IssueName
    from tamma.model.task import DevRequest
    from tamma.temporal.run_index import RunRecord
    from tamma.temporal.runs import StartedRun

NO_WORKER_AFTER = 8.0
"""Seconds after which a person is told why nothing happens, and a watch begins with the stored run."""
LEAVES_AFTER = 30.0
"""Seconds after which whoever does not watch is let go though nobody could read the issue yet."""


@click.command()
@click.argument("issue")
@click.option("--issue", "issue_file", metavar="FILE", help="The issue as Markdown, where ISSUE is a path.")
@click.option(
    "--repo", "repository", metavar="OWNER/NAME", help="The repository, where the issue's address names none."
)
@click.option("-w", "--watch", is_flag=True, help="Stay and follow it; the exit code tells how it ended.")
@click.option("--provider", help="The AI provider, by its name in the configuration.")
@click.option("--model", help="The model.")
@click.option(
    "--agent",
    metavar="NAME[@N]",
    help="The agent that does it, in its active or in that version.  [default: agents.default]",
)
@click.option(
    "--workflow-type",
    type=click.Choice(["autonomous-dev", "manual-assist"]),
    help="manual-assist pushes nothing: it suggests a patch, and waits for you at every gate.  "
    "[default: autonomous-dev]",
)
@click.option(
    "--approve",
    type=click.Choice(["none", "plan", "merge", "all"]),
    help="Which steps wait for your word.  [default: none]",
)
@click.option("--merge", type=click.Choice(["auto", "never"]), help="Whether to merge.  [default: auto]")
@click.option("--budget", type=Dollars(), help="US dollars to spend before it asks.  [default: 3.00]")
@click.option(
    "--max-turns", type=click.IntRange(1, 10_000), help="Model calls before it asks.  [default: 100]"
)
@click.option(
    "--best-of",
    type=click.IntRange(1, MOST),
    metavar="N",
    help="Tries at the change, of which the best is taken; they share the budget.  [default: 1]",
)
@click.option(
    "--best-with",
    multiple=True,
    metavar="NAME[@N]",
    help="Another agent or provider that makes tries, too. May be given more than once.",
)
@click.option("--base", metavar="BRANCH", help="The branch to start from and merge into.")
@click.option("--test-command", metavar="COMMAND", help="How the project is tested, if it is not found.")
@click.option("--again", is_flag=True, help="Once more, though the issue had a run already.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Check names and configuration, show what would be started, start nothing. Asks no service.",
)
@click.option(
    "--unsafe-no-sandbox", is_flag=True, help="Run the project's commands unprotected where no sandbox works."
)
@json_option
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    issue: str,
    issue_file: str | None,
    repository: str | None,
    watch: bool,
    provider: str | None,
    model: str | None,
    agent: str | None,
    workflow_type: str | None,
    approve: str | None,
    merge: str | None,
    budget: Decimal | None,
    max_turns: int | None,
    best_of: int | None,
    best_with: tuple[str, ...],
    base: str | None,
    test_command: str | None,
    again: bool,
    dry_run: bool,
    unsafe_no_sandbox: bool,
    as_json: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> int:
    """Hand in an issue; get a tested, merged change, or with manual-assist a tested patch.

    \b
    ISSUE is one of
      https://github.com/owner/repo/issues/12      (or of any configured platform)
      owner/repo#12           (in quotes where your shell takes # for a comment)
      SHOP-12 --repo owner/repo                    (issues in Jira; work items of Azure DevOps)
      PATH --issue FILE.md    for a plain Git repository

    Submitting an issue that has a live run shows that run. Where nobody can read the issue within half a
    minute, the run is stored all the same, and you are told where it stands. With --watch: 0 if the run
    completed, 1 if it failed or needs you.
    """
    wishes = Wishes(
        agent,
        provider,
        model,
        approve,
        merge,
        budget,
        base,
        test_command,
        max_turns,
        again,
        unsafe_no_sandbox,
        workflow_type,
        best_of,
        best_with,
    )
    loaded = invocation.load(
        temporal_address,
        database_url,
        flags=wishes.flags(),
        variables=wishes.variables(),
        project_dir=_folder(issue, issue_file),
    )
    from tamma.cli import handing_in
    from tamma.cli.finding import locate
    from tamma.cli.linking import accounts

    known, default = accounts(loaded)
    name, text = locate(issue, issue_file, known, default, repository)
    agent = wanted(wishes, loaded)
    # Which version that is stands in the store, which nobody has asked yet.
    named = None if agent is None else AgentChoice(provider="", name=agent)
    request = order(name, text, wishes, loaded, gates.person(), named)
    if dry_run:
        handing_in.show_order(name, request, loaded, as_json=as_json)
        return 0
    async with invocation.link(loaded=loaded, fresh_worker=True) as link:
        if agent is not None or best_with:
            async with link.store() as store:
                if agent is not None:
                    request = replace(request, agent=await chosen(store, agent, wishes, loaded))
                request = replace(request, best_with=await all_chosen(store, best_with, wishes, loaded))
        started = await _start(link, request, name, again=again, watch=watch)
        if started is not None and not watch:
            handing_in.say_whether_new(request, new=started.new, pushes=bool(started.accepted.branch))
            handing_in.show_started(link, started, name, request, as_json=as_json)
            return 0
        record = await _stored(link, name, started)
        new = record.task_id == request.task_id
        handing_in.say_whether_new(request, new=new, pushes=record.workflow_type == "autonomous-dev")
        if watch:
            return await _watch(link, record, as_json=as_json)
        await _tell_where_it_stands(link, record, as_json=as_json, new=new)
        return 0


def _folder(issue: str, issue_file: str | None) -> Path | None:
    """Where a project's own `.tamma.json` is looked for: in the repository, never in the current folder."""
    return Path(issue).expanduser() if issue_file and "://" not in issue else None


async def _start(
    link: Link, request: DevRequest, name: IssueName, *, again: bool, watch: bool
) -> StartedRun | None:
    """The run once its issue was read; None where that takes so long that the stored run has to do."""
    from tamma.temporal import runs

    starting = asyncio.ensure_future(runs.start_run(link.client, request, name.workflow_id, again=again))
    try:
        done, _ = await asyncio.wait([starting], timeout=NO_WORKER_AFTER)
        if not done:
            output.note(
                "nobody could read the issue yet; the run is stored and begins by itself, and "
                f"`tamma status {name.workflow_id}` says what it waits for …"
            )
            if watch and await _taken(link, request, name):
                return None
            done, _ = await asyncio.wait([starting], timeout=LEAVES_AFTER - NO_WORKER_AFTER)
        return await starting if done else None
    except asyncio.CancelledError:
        output.note(f"\nleft; the run may have begun: tamma status {name.workflow_id}")
        raise
    finally:
        starting.cancel()
        await asyncio.wait([starting])


async def _taken(link: Link, request: DevRequest, name: IssueName) -> bool:
    """Whether the server has the run by now, and no former one of the issue alone."""
    from tamma.temporal.run_errors import RunNotFound, ServerSilent

    try:
        record = await _stored(link, name, None)
    except (RunNotFound, ServerSilent):
        return False
    return record.live or record.task_id == request.task_id


async def _stored(link: Link, name: IssueName, started: StartedRun | None) -> RunRecord:
    """The run, whether its issue was read or not. Raises RunNotFound where the server never took it."""
    from tamma.temporal import run_index

    run_id = started.run_id if started is not None else ""
    return await run_index.describe(link.client, name.workflow_id, run_id or None)


async def _tell_where_it_stands(link: Link, record: RunRecord, *, as_json: bool, new: bool) -> None:
    """What `tamma status` says."""
    from tamma.cli import standing

    await standing.tell(link, record, as_json=as_json, new=new)
    output.note(f"hint: `tamma watch {record.task_id}` follows it")


async def _watch(link: Link, record: RunRecord, *, as_json: bool) -> int:
    from tamma.cli import shapes
    from tamma.cli.following import exit_code, follow_for_people
    from tamma.temporal import run_index

    view = await follow_for_people(link, record, may_wait=False, to_stderr=as_json)
    if as_json:
        record = await run_index.describe(link.client, record.workflow_id, record.run_id)
        output.json_document(shapes.task_json(record, view, link.ui_url))
    return exit_code(view)
