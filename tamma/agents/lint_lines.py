"""The findings in what linters and type checkers print, and which of them are new. Pure.

Findings are compared without their lines and columns, which move with every change, and counted: the second
of a kind in a file is new where there was one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

_LONGEST_LINE = 1000
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PLACED = re.compile(r"^\s*([^\s:()][^:()]*\.\w+)(?::|\()\d+(?:[:,]\s*\d+)?\)?\s*[:-]?\s*(\S.*)$")
"""`a.py:1:8: F401 ...`, `a.ts(1,2): error ...`, `  /w/a.py:1:8 - error: ...`"""
_BELOW_A_FILE = re.compile(r"^\s+\d+:\d+\s+(\S.*)$")
"""eslint: `  1:10  error  ...` below a line with the file's name."""
_FILE = re.compile(r"^\S.*\.\w+$")
_ARROW = re.compile(r"^\s*-->\s+(\S+?):\d+(?::\d+)?$")
"""rustc, newer ruff: ` --> a.rs:1:2` below a line with the words."""
_LINE = re.compile(r"\blines? \d+")


def findings(output: str) -> Counter[str]:
    """`path: words` of each finding, with how often it stands there."""
    return Counter(_found(output))


def newly(before: str, after: str) -> tuple[str, ...] | None:
    """The lines of `after` with findings that `before` has not; None where no findings can be told."""
    known, now = findings(before), list(_lines(after))
    if not known or not now:
        return None
    new: list[str] = []
    for finding, line in now:
        if known[finding] > 0:
            known[finding] -= 1
        else:
            new.append(line)
    return tuple(new)


def _found(output: str) -> Iterator[str]:
    for finding, _ in _lines(output):
        yield finding


def _lines(output: str) -> Iterator[tuple[str, str]]:
    """(finding, the line as it is printed)"""
    file, last = "", ""
    for raw in output.splitlines():
        line = _COLOUR.sub("", raw)[:_LONGEST_LINE].rstrip()
        if match := _ARROW.match(line):
            yield _finding(match[1], last), f"{match[0].strip().removeprefix('--> ')}: {last}"
        elif match := _PLACED.match(line):
            yield _finding(match[1], match[2]), line
        elif (match := _BELOW_A_FILE.match(line)) and file:
            yield _finding(file, match[1]), f"{file}: {line.strip()}"
        elif _FILE.match(line):
            file = line
        if line.strip():
            last = line.strip()


def _finding(path: str, words: str) -> str:
    plain = " ".join(_LINE.sub("line", words).split())
    return f"{path.removeprefix('./')}: {plain}"
