"""A patch as remarks on a pull request, each with what its lines should become. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tamma.model.repository import InlineComment
from tamma.model.wording import fence_for

MOST_REMARKS = 20
MOST_LINES = 50
"""Of one remark: what is longer is read in the patch."""
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_HEADER = re.compile(r"(?:---|\+\+\+) (?:[ab]/)?(.+)")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines of a file, each behind its sign. `start` counts in the old version, `new_start` in the new."""

    path: str
    """In the new version."""
    before: str
    """In the old one; `/dev/null` where there is none."""
    start: int
    new_start: int
    lines: list[str] = field(default_factory=list[str])

    @property
    def new_end(self) -> int:
        return self.new_start + sum(line[:1] != "-" for line in self.lines) - 1


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines `start` to `end` of a file as it is, and what they should become."""

    path: str
    start: int
    end: int
    becomes: tuple[str, ...]


def remarks(
    patch: str, shown: str, *, hidden: Callable[[str], str] = lambda text: text
) -> tuple[InlineComment, ...]:
    """What of `patch` can be said on lines of a pull request whose diff is `shown`, at most 20 remarks.

    The patch is on the pull request's head. Services take remarks on lines that the diff shows alone. New,
    moved and binary files, other line ends, and what `hidden` would change, stand in the patch alone.
    """
    there = hunks(shown)

    def is_shown(edit: Edit) -> bool:
        return any(
            each.path == edit.path and each.new_start <= edit.start and edit.end <= each.new_end
            for each in there
        )

    found: list[InlineComment] = []
    for edit in edits(patch):
        body = _block(edit.becomes)
        short = max(len(edit.becomes), edit.end - edit.start) <= MOST_LINES
        if short and is_shown(edit) and hidden(body) == body:
            start = edit.start if edit.start != edit.end else None
            found.append(InlineComment(edit.path, edit.end, body, start_line=start))
    return tuple(found[:MOST_REMARKS])


def hunks(diff: str) -> list[Hunk]:
    """The hunks of a diff as git writes it. Names that git quotes stay quoted."""
    found: list[Hunk] = []
    names: list[str] = []
    hunk: Hunk | None = None
    old = new = 0
    for line in diff.split("\n"):
        if old > 0 or new > 0:
            assert hunk is not None
            hunk.lines.append(line)
            old -= line[:1] in ("-", " ", "")
            new -= line[:1] in ("+", " ", "")
        elif line.startswith("\\") and hunk is not None:
            hunk.lines.append(line)
        elif line.startswith("diff --git "):
            names = []
        elif (header := _HEADER.fullmatch(line)) and len(names) < 2:
            names.append(header[1].removesuffix("\t"))
        elif (head := _HUNK.match(line)) and len(names) == 2:
            old, new = int(head[2] or 1), int(head[4] or 1)
            hunk = Hunk(names[1], names[0], int(head[1]), int(head[3]))
            found.append(hunk)
    return found


def edits(patch: str) -> Iterator[Edit]:
    """The smallest edits of a patch that lines can show. One that only adds takes a line beside it along."""
    for hunk in hunks(patch):
        if hunk.path != hunk.before or hunk.path.startswith('"'):
            continue
        if any(line.startswith("\\") or line.endswith("\r") for line in hunk.lines):
            continue
        yield from _edits_of(hunk)


def _edits_of(hunk: Hunk) -> Iterator[Edit]:
    number, at, lines = hunk.start, 0, hunk.lines
    while at < len(lines):
        if lines[at][:1] not in ("-", "+"):
            number, at = number + 1, at + 1
            continue
        first = at
        while at < len(lines) and lines[at][:1] in ("-", "+"):
            at += 1
        gone = sum(line[:1] == "-" for line in lines[first:at])
        becomes = tuple(line[1:] for line in lines[first:at] if line[:1] == "+")
        if gone:
            yield Edit(hunk.path, number, number + gone - 1, becomes)
        elif first > 0:
            yield Edit(hunk.path, number - 1, number - 1, (lines[first - 1][1:], *becomes))
        elif at < len(lines):
            yield Edit(hunk.path, number, number, (*becomes, lines[at][1:]))
        number += gone


def _block(lines: tuple[str, ...]) -> str:
    text = "\n".join(lines)
    fence = fence_for(text)
    return f"{fence}suggestion\n{text}\n{fence}" if lines else f"{fence}suggestion\n{fence}"
