"""Answering a run right where it is shown: yes, no, edit, an option, answers to its questions."""

from __future__ import annotations

import getpass
import signal
from dataclasses import replace

import click

from tamma.cli import output
from tamma.model.planning import Answer, Answers, DesignOption, Question
from tamma.model.task import Approval, Decision, Gate, TaskView, Waiting

ANSWERABLE = frozenset({Gate.PLAN, Gate.QUESTIONS, Gate.PATCH, Gate.MERGE})
"""Gates that are settled here and now. The others want words, money or a repair, as their hint says."""


def ask(view: TaskView) -> Approval | Answers | None:
    """Ask the person at the terminal. None where the gate takes more than that.

    Raises click.Abort on Ctrl-C.
    """
    waiting = view.waiting_for
    if waiting is None or waiting.gate not in ANSWERABLE:
        return None
    # asyncio's own handler only cancels the task, which a blocking read does not notice.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _answers(view.questions) if waiting.gate is Gate.QUESTIONS else _ask(view, waiting)
    finally:
        signal.signal(signal.SIGINT, before)


def _ask(view: TaskView, waiting: Waiting) -> Approval:
    if waiting.gate is Gate.PLAN:
        from tamma.cli.render import print_markdown

        print_markdown(view.plan, "Plan")
    output.note(waiting.reason)
    options = {str(number): option for number, option in enumerate(view.options, 1)}
    choices = ["y", "n", "e", *options] if waiting.gate is Gate.PLAN else ["y", "n"]
    question = {
        Gate.PLAN: _plan_question(view.options),
        Gate.PATCH: f"Go on with this patch (`tamma patch {view.task_id}`)? y(es), n(o)",
    }.get(waiting.gate, "Merge? y(es), n(o)")
    answer = click.prompt(question, type=click.Choice(choices), show_choices=False, err=True)
    if answer in options:
        return Approval(waiting.gate, "approve", by=person(), option=options[answer].name)
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
    seen = view.patch if waiting.gate is Gate.PATCH else None
    return replace(approval(waiting.gate, "approve" if answer == "y" else "reject", reason), patch=seen)


def _plan_question(options: tuple[DesignOption, ...]) -> str:
    others = f", or an option (1-{len(options)})" if options else ""
    return f"Go on with this plan? y(es), n(o), e(dit){others}"


def _answers(questions: tuple[Question, ...]) -> Approval | Answers:
    """Each question in turn; Enter takes the default. Nothing said at all takes the plan as it is."""
    from tamma.agents.answering import meant
    from tamma.agents.plan_words import question_lines

    given: list[Answer] = []
    output.note("Enter takes the default; `tamma approve TASK --reject` ends the run instead.")
    for number, question in enumerate(questions, 1):
        for line in question_lines((question,), first=number):
            output.note(line)
        said = click.prompt("Answer", default=question.default, show_default=False, err=True).strip()
        if said:
            given.append(Answer(question.id, meant(question, said)))
    if not given:
        return approval(Gate.QUESTIONS, "approve")
    return Answers(tuple(given), by=person())


def approval(gate: Gate, decision: Decision, text: str = "") -> Approval:
    """An answer, signed with the operating system's user."""
    return Approval(gate, decision, by=person(), text=text)


def person() -> str:
    """Who sits here, as far as the operating system knows."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user id has no name
        return "somebody"
