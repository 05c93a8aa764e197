"""Answering a run's question right where it is shown: yes, no, edit."""

from __future__ import annotations

import getpass
import signal

import click

from tamma.cli import output
from tamma.model.task import Approval, Decision, Gate, TaskView, Waiting

ANSWERABLE = frozenset({Gate.PLAN, Gate.MERGE})
"""Gates that a yes or no settles. The others want words, money or a repair: their hint names the command."""


def ask(view: TaskView) -> Approval | None:
    """Ask the person at the terminal. None where the gate takes more than a yes or no.

    Raises click.Abort on Ctrl-C.
    """
    waiting = view.waiting_for
    if waiting is None or waiting.gate not in ANSWERABLE:
        return None
    # asyncio's own handler only cancels the task, which a blocking read does not notice.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _ask(view, waiting)
    finally:
        signal.signal(signal.SIGINT, before)


def _ask(view: TaskView, waiting: Waiting) -> Approval:
    if waiting.gate is Gate.PLAN:
        from tamma.cli.render import print_markdown

        print_markdown(view.plan, "Plan")
    output.note(waiting.reason)
    choices = ["y", "n", "e"] if waiting.gate is Gate.PLAN else ["y", "n"]
    question = "Go on with this plan? y(es), n(o), e(dit)" if "e" in choices else "Merge? y(es), n(o)"
    answer = click.prompt(question, type=click.Choice(choices), show_choices=False, err=True)
    if answer == "e":
        edited = click.edit(view.plan, extension=".md")
        if edited is None or not edited.strip():
            output.note("left as it was")
            return _ask(view, waiting)
        return approval(waiting.gate, "edit", edited)
    reason = (
        ""
        if answer == "y"
        else click.prompt("Why not? (may be empty)", default="", show_default=False, err=True)
    )
    return approval(waiting.gate, "approve" if answer == "y" else "reject", reason)


def approval(gate: Gate, decision: Decision, text: str = "") -> Approval:
    """An answer, signed with the operating system's user."""
    return Approval(gate, decision, by=person(), text=text)


def person() -> str:
    """Who sits here, as far as the operating system knows."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user id has no name
        return "somebody"
