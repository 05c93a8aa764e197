"""What must be true of a change that was put onto another base, whoever solved its conflicts. Pure.

A conflict is easily declared solved: one side is taken whole, and what the other side did is lost without a
test that says so. So it is written down, before anybody solves anything, what git merged by itself and what
the base changed; the result is held against that.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from tamma.workspace.rawdiff import RawDelta

Content = tuple[str, str] | None
"""A path's mode and blob; None where there is no such file."""
_AS_BASE: Content = "", ""
"""The path is as the new base has it."""
_MARKER = re.compile(r"(<{7}|\|{7}|={7}|>{7})(\s|$)")
_START, _END = "<" * 7, ">" * 7
_WORD = re.compile(r"\w{3}")
"""A line without any, such as a brace, says nothing of where it came from."""
LINES_NAMED = 5


@dataclass(frozen=True, slots=True)
class MarkedFile:
    """A file that was left with conflict markers."""

    keep: Mapping[str, int]
    """Lines that the base added and that stand outside of what is in conflict, with how often."""
    gone: tuple[str, ...]
    """Lines that the base removed and neither side has any more."""
    own: tuple[str, ...]
    """Lines of either side that look like markers and are none."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the result is held against. `merged` and `before` are by path."""

    label: str
    """The base branch's name."""
    merged: Mapping[str, Content] = field(default_factory=dict[str, Content])
    """What git merged by itself, where that is not as the base has it."""
    before: Mapping[str, Content] = field(default_factory=dict[str, Content])
    """What stood there before the base changed it."""
    marked: Mapping[str, MarkedFile] = field(default_factory=dict[str, MarkedFile])
    whole: bool = False
    """Conflicts of whole files are among them: their solution may lead into any file."""

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Expected:
        """What `to_json` wrote."""
        values = json.loads(content)
        marked = {
            path: MarkedFile(file["keep"], tuple(file["gone"]), tuple(file["own"]))
            for path, file in values["marked"].items()
        }
        return cls(
            values["label"], _contents(values["merged"]), _contents(values["before"]), marked, values["whole"]
        )


def _contents(values: Mapping[str, list[str] | None]) -> dict[str, Content]:
    return {path: (value[0], value[1]) if value else None for path, value in values.items()}


def marked_file(before: str, base: str, change: str, marked: str) -> MarkedFile:
    """What the solution of a file's conflicts must leave alone."""
    outside = Counter(_outside(marked))
    old, new, everywhere = Counter(before.splitlines()), Counter(base.splitlines()), set(marked.splitlines())
    added, removed = new - old, old - new
    return MarkedFile(
        keep={
            line: min(count, outside[line])
            for line, count in added.items()
            if outside[line] and _WORD.search(line)
        },
        gone=tuple(line for line in removed if line not in everywhere and _WORD.search(line)),
        own=tuple(line for line in {*base.splitlines(), *change.splitlines()} if _MARKER.match(line)),
    )


def _outside(marked: str) -> Iterable[str]:
    """The lines that are in no conflict."""
    inside = False
    for line in marked.splitlines():
        if not inside and line.startswith(f"{_START} "):
            inside = True
        elif inside and line.startswith(f"{_END} "):
            inside = False
        elif not inside:
            yield line


def judge_conflicts(
    expected: Expected,
    deltas: Iterable[RawDelta],
    texts: Mapping[str, str],
    markers: Iterable[tuple[str, str]],
) -> tuple[str, ...]:
    """Why git does not agree that the conflicts are solved, in words; nothing where it does.

    `deltas` are what the work changes of the new base, `texts` the files of `expected.marked` as they are,
    `markers` the path and line of each conflict marker that git finds in the work.
    """
    return (
        *_left(expected, markers),
        *_lost(expected, texts),
        *(() if expected.whole else _touched(expected, deltas)),
    )


def judge_result(
    expected: Expected, deltas: Iterable[RawDelta], markers: Iterable[tuple[str, str]]
) -> tuple[str, ...]:
    """The same of the whole, after the tests had their say: what had to be changed for them may be changed,
    but nothing that the base did may be undone."""
    return (*_left(expected, markers), *_undone(expected, deltas))


def _left(expected: Expected, markers: Iterable[tuple[str, str]]) -> Iterable[str]:
    named: set[str] = set()
    for path, line in markers:
        file = expected.marked.get(path)
        if path not in named and (file is None or line not in file.own):
            named.add(path)
            yield f"{path}: conflict markers are left in it ({line[:60]!r})"


def _lost(expected: Expected, texts: Mapping[str, str]) -> Iterable[str]:
    for path, file in expected.marked.items():
        lines = Counter(texts.get(path, "").splitlines())
        missing = [line for line, count in file.keep.items() if lines[line] < count]
        back = [line for line in file.gone if lines[line]]
        if missing:
            yield f"{path}: lines of {expected.label} outside of the conflict are missing: {_named(missing)}"
        if back:
            yield f"{path}: lines that {expected.label} removed are back: {_named(back)}"


def _touched(expected: Expected, deltas: Iterable[RawDelta]) -> Iterable[str]:
    work = {delta.path: content(delta) for delta in deltas}
    for path in sorted({*work, *expected.merged} - set(expected.marked)):
        if work.get(path, _AS_BASE) != expected.merged.get(path, _AS_BASE):
            whose = f", and {expected.label} changed it" if path in expected.before else ""
            yield f"{path}: it was not in conflict{whose}; leave it as git merged it"


def _undone(expected: Expected, deltas: Iterable[RawDelta]) -> Iterable[str]:
    for delta in deltas:
        if delta.path in expected.before and content(delta) == expected.before[delta.path]:
            yield f"{delta.path}: what {expected.label} changed in it is undone"


def content(delta: RawDelta) -> Content:
    """What a delta makes of its path."""
    return None if delta.status == "D" else (delta.mode, delta.blob)


def content_before(delta: RawDelta) -> Content:
    """What a delta found at its path."""
    return None if delta.status == "A" else (delta.old_mode, delta.old_blob)


def _named(lines: list[str]) -> str:
    shown = ", ".join(repr(line.strip()[:120]) for line in lines[:LINES_NAMED])
    return shown if len(lines) <= LINES_NAMED else f"{shown} and {len(lines) - LINES_NAMED} more"


def parse_markers(checked: str) -> list[tuple[str, int]]:
    """Path and line number of each finding of `git diff --check` that is a conflict marker."""
    found: list[tuple[str, int]] = []
    for line in checked.splitlines():
        match = re.fullmatch(r"(.+):(\d+): leftover conflict marker\.?", line)
        if match:
            found.append((match.group(1), int(match.group(2))))
    return found
