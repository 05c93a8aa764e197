"""Diffs as GitLab lists them: put together as git writes them, and searched for a line. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tamma.errors import PlatformError
from tamma.model.repository import InlineComment
from tamma.platforms.gitlab.models import DiffAnswer, DiffRefs

_SUGGESTION = re.compile(r"^(`{3,})suggestion$", re.MULTILINE)
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a diff. The number that it does not have in one version is that of the next line there."""

    old: int
    new: int
    sign: str
    """`+`, `-`, or a space for one that is in both versions."""

    def numbers(self) -> dict[str, int]:
        """What a position says of it: both numbers for a line that did not change."""
        found: dict[str, int] = {}
        if self.sign != "+":
            found["old_line"] = self.old
        if self.sign != "-":
            found["new_line"] = self.new
        return found


def lines(diff: str) -> Iterator[Line]:
    """The lines of one file's hunks."""
    old = new = 0
    for text in diff.split("\n"):
        if hunk := _HUNK.match(text):
            old, new = int(hunk[1]), int(hunk[2])
        elif new and text[:1] in ("+", "-", " "):
            yield Line(old, new, text[0])
            old += text[0] != "+"
            new += text[0] != "-"


def position(files: Iterable[DiffAnswer], refs: DiffRefs, comment: InlineComment) -> dict[str, object]:
    """Where a remark stands (docs.gitlab.com/api/discussions). Raises PlatformError for lines that the diff
    does not show: GitLab takes no remark there."""
    file = next((file for file in files if comment.path in _names(file, comment.side)), None)
    if file is None:
        raise PlatformError(f"the change does not touch {comment.path!r}: it takes no remark")
    end = _find(file, comment.line, comment)
    place: dict[str, object] = {
        "position_type": "text",
        "base_sha": refs.base_sha,
        "start_sha": refs.start_sha,
        "head_sha": refs.head_sha,
        "old_path": file.old_path,
        "new_path": file.new_path,
        **end.numbers(),
    }
    if comment.start_line is not None and comment.start_line != comment.line:
        start = _find(file, comment.start_line, comment)
        place["line_range"] = {"start": _edge(file, start), "end": _edge(file, end)}
    return place


def suggested(comment: InlineComment) -> str:
    """The remark's text; a suggestion for several lines says how many stand above the one that it is on."""
    above = comment.line - (comment.start_line or comment.line)
    return _SUGGESTION.sub(rf"\1suggestion:-{above}+0", comment.body) if above else comment.body


def _names(file: DiffAnswer, side: str) -> tuple[str, ...]:
    return (file.new_path,) if side == "new" else (file.old_path, file.new_path)


def _find(file: DiffAnswer, number: int, comment: InlineComment) -> Line:
    without, attribute = ("-", "new") if comment.side == "new" else ("+", "old")
    for line in lines(file.diff):
        if line.sign != without and getattr(line, attribute) == number:
            return line
    raise PlatformError(
        f"line {number} of {comment.path!r} ({comment.side}) is not in the diff: it takes no remark",
        hint="remark on lines that the diff shows, or say it in the review's body",
    )


def _edge(file: DiffAnswer, line: Line) -> dict[str, object]:
    digest = hashlib.sha1(file.new_path.encode(), usedforsecurity=False).hexdigest()
    kind = {"+": "new", "-": "old"}.get(line.sign)
    named: dict[str, object] = {"line_code": f"{digest}_{line.old}_{line.new}", **line.numbers()}
    return {**named, "type": kind} if kind else named


def unified(files: Iterable[DiffAnswer]) -> str:
    """One diff, as `git diff` writes it. A file that is too large for GitLab's list says so."""
    return "".join(_headed(file) for file in files)


def _headed(file: DiffAnswer) -> str:
    head = [f"diff --git a/{file.old_path} b/{file.new_path}"]
    if file.new_file:
        head.append(f"new file mode {file.b_mode}")
    elif file.deleted_file:
        head.append(f"deleted file mode {file.a_mode}")
    elif file.a_mode != file.b_mode:
        head += [f"old mode {file.a_mode}", f"new mode {file.b_mode}"]
    if file.renamed_file:
        head += [f"rename from {file.old_path}", f"rename to {file.new_path}"]
    if file.diff and not file.diff.startswith("---"):
        head.append("--- /dev/null" if file.new_file else f"--- a/{file.old_path}")
        head.append("+++ /dev/null" if file.deleted_file else f"+++ b/{file.new_path}")
    elif not file.diff and (file.too_large or file.collapsed):
        head.append(f"(GitLab leaves out the changes to {file.new_path}: they are too large)")
    return "\n".join([*head, file.diff.rstrip("\n")]).rstrip("\n") + "\n"
