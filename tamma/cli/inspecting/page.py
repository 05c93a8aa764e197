"""A trajectory as one HTML file: steps that open, what each cost, and what it changed, coloured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tamma.cli import measured, story, trajectory, tries
from tamma.cli.inspecting import telling
from tamma.cli.inspecting.steps import Step, Trajectory, totals
from tamma.model.conversation import Image, Reasoning, Text, ToolCall, ToolResult
from tamma.pages.rendering import template
from tamma.store.interface import Entry

_PACKAGE, _TEMPLATE = "tamma.cli.inspecting", "trajectory.html.j2"
_INSTEAD = "--export and --json need nothing more"
_OPEN = 3000
"""Characters of a tool's result that are shown open; longer ones wait to be opened."""
_TONES = {"completed": "good", "failed": "bad", "cancelled": "wait"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a message. `kind`: text, thought, call, result or error."""

    kind: str
    text: str
    name: str = ""

    @property
    def long(self) -> bool:
        return len(self.text) > _OPEN


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a diff. `tone`: add, del, hunk, file or nothing."""

    text: str
    tone: str = ""


def to_html(told: Trajectory) -> str:
    """The whole file. The same trajectory gives the same bytes.

    Raises ConfigError where the extra `reports` is not installed.
    """
    page = template(_PACKAGE, _TEMPLATE, instead=_INSTEAD)
    return page.render(
        told=told,
        about=told.subject,
        tone=_TONES.get(told.subject.status, "wait"),
        total=totals(told.steps),
        shares=_shares(told.steps),
        measured=measured,
        words=telling,
        tries=tries,
        story=story,
        brief=trajectory.brief,
        pieces=pieces,
        diff=diff_lines,
    )


def pieces(entry: Entry) -> list[Piece]:
    """A message, part by part."""
    found: list[Piece] = []
    for part in entry.message.parts:
        match part:
            case Text(text):
                found.append(Piece("text", text.strip()))
            case Reasoning(text):
                found.append(Piece("thought", text.strip() or "(not told)"))
            case ToolCall(_, name, args):
                found.append(Piece("call", trajectory.readable(args), name))
            case ToolResult(_, content, is_error):
                found.append(Piece("error" if is_error else "result", content.rstrip()))
            case Image():
                found.append(Piece("text", trajectory.picture(part)))
    return found


def diff_lines(patch: str) -> list[Line]:
    """A patch with what each line is. Inside a hunk a line that begins with `---` is one that was removed."""
    lines: list[Line] = []
    within = False
    for text in patch.splitlines():
        if text.startswith("@@"):
            within = True
            lines.append(Line(text, "hunk"))
        elif text.startswith("diff --git "):
            within = False
            lines.append(Line(text, "file"))
        elif within and text.startswith(("+", "-")):
            lines.append(Line(text, "add" if text[0] == "+" else "del"))
        else:
            lines.append(Line(text, "" if within else "file"))
    return lines


def _shares(steps: Sequence[Step]) -> dict[int, float]:
    """How each step's cost compares with the dearest one's, 0 to 100."""
    costs = {step.number: float(step.answer.cost_usd or 0) for step in steps}
    most = max(costs.values(), default=0.0)
    return {number: round(100 * each / most, 1) if most else 0.0 for number, each in costs.items()}
