"""What a run writes in comments to people: answers to their commands, reminders. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tamma.model.commands import USAGE, Command, Word, harmless
from tamma.model.task import Gate, Waiting

_LONGEST_PLAN = 20_000
"""Characters of a plan in a reminder."""


def usage() -> str:
    """The commands as a list."""
    lines = [f"- `/tamma {form}`: {meaning}" for form, meaning in USAGE]
    return "\n".join(["A line that begins with `/tamma` is for the run:", "", *lines])


def shown(command: Command) -> str:
    """A command as it is named in the answer to it."""
    return f"`/tamma {command.word or command.text.replace('`', '')}`"


def acknowledgement(author: str, answers: Sequence[tuple[Command, str]]) -> str:
    """The one answer to a comment, a line a command; with all commands where one was not understood."""
    lines = [f"@{author}"] if author else []
    lines += ["", *(f"- {shown(command)}: {answer}" for command, answer in answers)]
    if any(command.word in (None, Word.HELP) for command, _ in answers):
        lines += ["", usage()]
    return "\n".join(lines).strip()


def reminder(waiting: Waiting, hours: float, plan: str) -> str:
    """What is written where a run has waited for a person for a while."""
    return f"**This run waits for you**, since {_long(hours)}. {_question(waiting, plan)}"


def escalation(waiting: Waiting, hours: float, plan: str) -> str:
    """What is written where nobody has come."""
    return (
        f"**This needs a person.** The run has waited for {_long(hours)}, and goes on waiting: nothing is "
        f"lost. {_question(waiting, plan)}"
    )


def how_to_answer(gate: Gate) -> str:
    """By which comment a run can be answered."""
    if gate in (Gate.PLAN, Gate.PATCH, Gate.MERGE):
        return (
            f"Answer here with `/tamma approve {gate.value}` or `/tamma reject REASON`; "
            "`/tamma steer TEXT` asks for changes."
        )
    if gate is Gate.CHANGE:
        return (
            "`/tamma approve change` lets it pass, `/tamma steer TEXT` has it changed, `/tamma cancel` ends "
            "it; the branch stays."
        )
    if gate is Gate.QUESTIONS:
        return "Answer here with `/tamma answer 1: ...`; `/tamma approve` takes the defaults."
    if gate in (Gate.BUDGET, Gate.TURNS):
        more = "2" if gate is Gate.BUDGET else "20 turns"
        return f"`/tamma budget add {more}` lets it go on, `/tamma cancel` ends it; the branch stays."
    if gate is Gate.TIME:
        return "`tamma budget add TASK --hours 4` lets it go on, `/tamma cancel` ends it; the branch stays."
    return (
        "`/tamma resume` lets it go on, `/tamma steer TEXT` tells the agent what to do, `/tamma cancel` ends "
        "it; the branch stays."
    )


def _question(waiting: Waiting, plan: str) -> str:
    asked = f"It asks ({waiting.gate.value}): {harmless(waiting.reason)}\n\n{how_to_answer(waiting.gate)}"
    if waiting.gate is not Gate.PLAN or not plan:
        return asked
    return f"{asked}\n\n---\n\n{harmless(plan[:_LONGEST_PLAN])}"


def _long(hours: float) -> str:
    if round(hours) == 1:
        return "an hour"
    if hours < 1:
        return f"{round(hours * 60)} minutes"
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours"
