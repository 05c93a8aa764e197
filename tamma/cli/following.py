"""Following a run for a person or a script, up to the exit code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from tamma.cli import gates, output
from tamma.cli.watching import Audience, Follower, audience, gate
from tamma.model.planning import Answers
from tamma.model.task import TaskStatus, TaskView
from tamma.temporal import runs
from tamma.temporal.run_errors import RunFinished, RunRefused, ServerSilent, WorkerSilent

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.temporal.run_index import RunRecord


async def follow_for_people(
    link: Link, record: RunRecord, *, may_wait: bool, to_stderr: bool = False
) -> TaskView:
    """`follow` with the display that fits where the output goes."""
    with audience(to_stderr=to_stderr) as told:
        return await follow(link, record, told, may_wait=may_wait)


async def follow(link: Link, record: RunRecord, told: Audience, *, may_wait: bool) -> TaskView:
    """Follow a run and return its last view. A person at the terminal is asked at gates.

    Where nobody can be asked: with `may_wait` it goes on watching (somebody else may answer), without it
    says what waits and returns. Ctrl-C leaves the run alone, says so, and exits with 130.
    """
    try:
        return await _follow(link, record, told, may_wait=may_wait)
    except (asyncio.CancelledError, click.Abort):
        told.pause()
        output.note(f"\nleft; the run goes on. Come back with: tamma watch {record.task_id}")
        raise click.exceptions.Exit(130) from None


async def _follow(link: Link, record: RunRecord, told: Audience, *, may_wait: bool) -> TaskView:
    follower = Follower(link.client, record, told, link.ui_url)
    view = await follower.until_final_or_gate()
    while not view.status.final:
        known = gate(view)
        try:
            answered = output.interactive() and await _answered(link, record, told, view)
        except (ServerSilent, WorkerSilent) as error:
            output.note(f"not taken: {error}")
            told.resume()
            answered, known = True, None  # asked again when somebody hears the answer
        if not answered and not may_wait:
            told.pause()
            say_what_waits(view)
            return view
        view = await follower.until_final_or_gate(known)
    return view


async def _answered(link: Link, record: RunRecord, told: Audience, view: TaskView) -> bool:
    """Whether the person answered the gate here and now. Raises ServerSilent, WorkerSilent."""
    waiting = view.waiting_for
    if waiting is None or waiting.gate not in gates.ANSWERABLE:
        return False
    told.pause()
    try:
        answer = gates.ask(view)
        if answer is None:
            return False
        if isinstance(answer, Answers):
            reply = await runs.answer(link.client, record, answer)
        else:
            reply = await runs.approve(link.client, record, answer)
        output.note(reply.message)
    except (RunFinished, RunRefused) as error:
        output.note(f"not taken: {error}")
    told.resume()
    return True


def say_what_waits(view: TaskView) -> None:
    """Tell a person why the command ends. What the run needs was shown as it came to wait."""
    if view.waiting_for is not None:
        output.note(f"the run waits for you; `tamma status {view.task_id}` says for what")


def exit_code(view: TaskView) -> int:
    """0 only where the run completed."""
    return 0 if view.status is TaskStatus.COMPLETED else 1
