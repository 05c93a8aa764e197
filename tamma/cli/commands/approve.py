"""`tamma approve`: say yes or no where a run waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tamma.cli import gates, output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, run_argument, server_options
from tamma.errors import ConfigError
from tamma.model.task import Approval, Gate

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.temporal.run_index import RunRecord

ANSWERED = (
    Gate.PLAN,
    Gate.QUESTIONS,
    Gate.MERGE,
    Gate.RED_TEST,
    Gate.TESTS,
    Gate.STUCK,
    Gate.CHANGE,
    Gate.PATCH,
    Gate.CHECKS,
)
"""Gates where yes or no means something; the others want money, time or `tamma resume`."""


@click.command()
@run_argument
@click.option("--reject", is_flag=True, help="Say no: the run ends, its branch stays.")
@click.option(
    "--edit", "edit_file", metavar="FILE", help="Approve this plan (Markdown) instead of the agent's."
)
@click.option("--option", metavar="NAME", help="Follow this option of the plan: its name or its number.")
@click.option("--reason", default="", help="Why, for the agent and for those who read it later.")
@click.option(
    "--gate",
    type=click.Choice([gate.value for gate in ANSWERED]),
    help="Only if it waits there; otherwise whatever it waits at.",
)
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    task: str,
    issue_file: str | None,
    reject: bool,
    edit_file: str | None,
    option: str | None,
    reason: str,
    gate: str | None,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Say yes where a run waits for you, or no with --reject.

    Where it waits with questions, yes takes their defaults; `tamma answer` answers them.
    """
    if sum(map(bool, (reject, edit_file, option))) > 1:
        raise ConfigError(
            "--reject, --edit and --option exclude each other", hint="an edited plan is an approved one"
        )
    text = _plan(edit_file) if edit_file else reason
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.temporal import runs

        record = await link.find(task, issue_file)
        where = Gate(gate) if gate else await _waiting_gate(link, record)
        decision = "edit" if edit_file else "reject" if reject else "approve"
        answer = Approval(where, decision, by=gates.person(), text=text, option=option or "")
        reply = await runs.approve(link.client, record, answer)
        output.note(reply.message)


async def _waiting_gate(link: Link, record: RunRecord) -> Gate:
    """Where the run waits now: what a person who names no gate has just read in `status`."""
    from tamma.cli.story import label
    from tamma.temporal import runs
    from tamma.temporal.run_errors import RunFinished

    view = await runs.view(link.client, record.workflow_id, record.run_id)
    if view.waiting_for is None or not view.waiting_for.person:
        raise RunFinished(
            f"{label(view)} waits for nobody: it is {view.status.value} ({view.phase.value})",
            hint=f"`tamma watch {record.task_id}` shows what it does",
        )
    return view.waiting_for.gate


def _plan(file: str) -> str:
    from tamma.cli.finding import read_issue

    return read_issue(file)
