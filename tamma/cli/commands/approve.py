"""`tamma approve`: say yes or no where a run waits for a person."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from tamma.cli import gates, output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, run_argument, server_options
from tamma.errors import ConfigError
from tamma.model.suggestion import STAGES_AGREED
from tamma.model.task import Approval, Gate, TaskView

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
@click.option(
    "--stage",
    type=click.Choice([stage.slug for stage in STAGES_AGREED]),
    help="Only if the patch that waits is this one.",
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
    stage: str | None,
    temporal_address: str | None,
    database_url: str | None,
) -> None:
    """Say yes where a run waits for you, or no with --reject.

    Of a run that suggests its change, three patches wait in turn: --stage says which one you have seen.
    Where it waits with questions, yes takes their defaults; `tamma answer` answers them.
    """
    if sum(map(bool, (reject, edit_file, option))) > 1:
        raise ConfigError(
            "--reject, --edit and --option exclude each other", hint="an edited plan is an approved one"
        )
    if stage and gate not in (None, Gate.PATCH.value):
        raise ConfigError(f"no patch waits at the gate {gate!r}", hint="--stage is enough")
    text = _plan(edit_file) if edit_file else reason
    async with invocation.link(temporal_address, database_url) as link:
        from tamma.temporal import runs

        record = await link.find(task, issue_file)
        decision = "edit" if edit_file else "reject" if reject else "approve"
        where = Gate.PATCH if stage else Gate(gate) if gate else None
        answer = Approval(where or Gate.PLAN, decision, by=gates.person(), text=text, option=option or "")
        if where in (None, Gate.PATCH):
            answer = aimed(await _waiting_view(link, record), answer, where, stage)
        reply = await runs.approve(link.client, record, answer)
        output.note(reply.message)


async def _waiting_view(link: Link, record: RunRecord) -> TaskView:
    """What it waits with now: what a person who names no gate has just read in `status`."""
    from tamma.cli.story import label
    from tamma.temporal import runs
    from tamma.temporal.run_errors import RunFinished

    view = await runs.view(link.client, record.workflow_id, record.run_id)
    if view.waiting_for is None or not view.waiting_for.person:
        raise RunFinished(
            f"{label(view)} waits for nobody: it is {view.status.value} ({view.phase.value})",
            hint=f"`tamma watch {record.task_id}` shows what it does",
        )
    return view


def aimed(view: TaskView, answer: Approval, gate: Gate | None, stage: str | None) -> Approval:
    """The answer to what waits in the view, or to `gate` alone; with the patch, where it is about one.

    Raises RunRefused where another stage's patch waits than the one that was named.
    """
    from tamma.temporal.run_errors import RunRefused

    waiting = view.waiting_for
    where = gate or (waiting.gate if waiting is not None else answer.gate)
    if where is not Gate.PATCH or waiting is None or waiting.gate is not where or view.patch is None:
        return replace(answer, gate=where)
    if stage is not None and view.patch.stage.slug != stage:
        raise RunRefused(
            f"the patch that waits is the {view.patch.stage}, not the {stage}",
            hint=f"look at it: `tamma patch {view.task_id}`",
        )
    return replace(answer, gate=where, patch=view.patch)


def _plan(file: str) -> str:
    from tamma.cli.finding import read_issue

    return read_issue(file)
