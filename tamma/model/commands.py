"""Commands to a run in comments: lines that begin with `/tamma`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from tamma.model.task import BudgetChange
from tamma.model.wording import visible

LONGEST_TEXT = 20_000
"""Characters of a command's text; what is longer was not written by hand."""
_MOST_AT_ONCE = 10
"""Commands of one comment."""

_BEYOND = Decimal(10) ** 12
"""No budget, and still a number that can be reckoned with."""

_COMMAND = re.compile(r" {0,3}/tamma(?:[ \t]+(?P<rest>.*))?[ \t]*", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})(?P<info>.*)")
_UNSEEN = re.compile(r"^ {0,3}<!--", re.MULTILINE)
"""A comment of HTML that nothing closes hides all the rest."""


class Word(StrEnum):
    """What can be said."""

    APPROVE = "approve"
    REJECT = "reject"
    STEER = "steer"
    ANSWER = "answer"
    BUDGET = "budget"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    CANCEL = "cancel"
    HELP = "help"


_PROSE = frozenset({Word.STEER, Word.ANSWER, Word.REJECT, Word.CANCEL})
"""Words whose text goes on over the lines that follow."""

USAGE = (
    ("approve [GATE]", "yes, go on: to the plan, the merge, or whatever the run asks"),
    ("reject [REASON]", "no: the run ends, its branch stays"),
    ("steer TEXT", "tell the agent something; it reads it before its next turn"),
    ("answer TEXT", "answer the questions that the run has asked, `1: ...` a line"),
    ("budget add USD", "let the run spend more; `budget add 20 turns` for more model calls"),
    ("pause", "stand still after the current step"),
    ("resume", "go on; `retry` says the same of what failed"),
    ("cancel [REASON]", "end the run; branch, diff and summary stay"),
    ("help", "show this"),
)


@dataclass(frozen=True, slots=True)
class Command:
    """One line of a comment that speaks to the run."""

    word: Word | None
    """None: there is no such command."""
    text: str = ""
    """What stands behind the word; of an unknown command the word itself."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a conversation has been read: the last comment that was there, and when the platform says that
    it was written. No id: the conversation is read from its beginning."""

    id: str = ""
    at: datetime | None = None


def commands_in(body: str) -> tuple[Command, ...]:
    """The commands of a comment in their order, each word once, at most ten.

    A command begins a line. In fenced code, in quotations (`> /tamma approve`), in indented code and in what
    a reader does not see there is none. The text of `steer`, `answer`, `reject` and `cancel` goes on until
    the next command.
    """
    found: list[tuple[Command, list[str]]] = []
    fence = ""
    for line in _UNSEEN.split(visible(body), maxsplit=1)[0].splitlines():
        fence, code = _fenced(line, fence)
        match = None if code else _COMMAND.fullmatch(line)
        if match:
            command = _command(match["rest"] or "")
            found.append((command, [command.text]))
        elif found and found[-1][0].word in _PROSE:
            found[-1][1].append(line)
    kept: dict[Word | None, Command] = {}
    for command, lines in found:
        text = "\n".join(lines).strip()
        # One character more than may be, so that a longer one is refused and not cut.
        kept.setdefault(command.word, Command(command.word, text[: LONGEST_TEXT + 1]))
    return tuple(kept.values())[:_MOST_AT_ONCE]


def harmless(text: str) -> str:
    """A text of which nobody takes a line for a command: models write what is published under our name."""
    return re.sub(r"^([ \t]*)(?=/tamma\b)", r"\1\\", text, flags=re.IGNORECASE | re.MULTILINE)


def budget_of(text: str) -> BudgetChange | None:
    """What `budget TEXT` adds: `add 2`, `add $2.50`, `add 2 usd`, `add 20 turns`. None: it says nothing."""
    parts = text.lower().replace("$", "").split()
    if len(parts) not in (2, 3) or parts[0] != "add":
        return None
    try:
        amount = Decimal(parts[1])
    except InvalidOperation:
        return None
    unit = parts[2] if len(parts) == 3 else "usd"
    if not amount.is_finite() or not -_BEYOND < amount < _BEYOND:
        return None
    if unit in ("turn", "turns") and amount == amount.to_integral_value():
        return BudgetChange(add_turns=int(amount))
    return BudgetChange(add_usd=amount) if unit in ("usd", "dollar", "dollars") else None


def _command(rest: str) -> Command:
    first, text = [*rest.split(maxsplit=1), "", ""][:2]
    name = first.rstrip(".,:;!").lower()
    if not name:
        return Command(Word.HELP)
    word = next((word for word in Word if word == name), None)
    return Command(None, first[:40]) if word is None else Command(word, text.strip())


def _fenced(line: str, fence: str) -> tuple[str, bool]:
    """The fence that is open after the line, and whether the line is code or a fence itself."""
    match = _FENCE.fullmatch(line)
    if not fence:
        # Backticks in what follows backticks: that is inline code.
        opens = match is not None and not (match["fence"][0] == "`" and "`" in match["info"])
        return (match["fence"], True) if match and opens else ("", False)
    closes = (
        match is not None
        and match["fence"][0] == fence[0]
        and len(match["fence"]) >= len(fence)
        and not match["info"].strip()
    )
    return ("" if closes else fence), True
