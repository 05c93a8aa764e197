"""Unified diffs, looked at: which files they touch, how many lines they change, which part is tests.

Only git's own form (`diff --git`) and plain `---`/`+++` pairs are read; nothing is applied here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_TEST_PATH = re.compile(
    r"(?:^|/)(?:tests?|testing|specs?|__tests__)/|(?:^|/)(?:test_[^/]*|[^/]*_tests?\.[^/]+|conftest\.py)$"
    r"|[^/]*(?:\.|_)(?:test|spec)\.[^/]+$|(?:^|/)[A-Z][^/]*Tests?\.(?:java|kt|cs|php|scala)$"
)
_HUNK = re.compile(r"^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class FilePatch:
    """One file's part of a diff."""

    path: str
    """After the change; before it where the file is deleted."""
    text: str
    added: int
    removed: int

    @property
    def lines(self) -> int:
        return self.added + self.removed


def is_test_path(path: str) -> bool:
    """Whether a path is a test's by the usual habits of Python, JavaScript, Go, Java, Ruby and others."""
    return _TEST_PATH.search(path) is not None


def split_patch(patch: str) -> tuple[FilePatch, ...]:
    """The files of a diff. Raises ValueError where text is left that belongs to no file."""
    if not patch.strip():
        return ()
    found: list[FilePatch] = []
    block: list[str] = []
    reader = _Reader()
    for line in patch.split("\n"):
        if reader.begins_file(line) and block:
            found.append(_file(block))
            block = []
        block.append(line)
    if any(line.strip() for line in block):
        found.append(_file(block))
    return tuple(found)


def touched_paths(patch: str) -> tuple[str, ...]:
    """The paths that a diff changes. Raises ValueError as `split_patch`."""
    return tuple(part.path for part in split_patch(patch))


def part_of(patch: str, wanted: Callable[[str], bool]) -> str:
    """Those files of a diff whose path is wanted."""
    return "".join(part.text for part in split_patch(patch) if wanted(part.path))


def changed_lines(patch: str, *, tests: bool = False) -> int:
    """Lines that a diff adds or removes outside tests (with `tests`: everywhere)."""
    return sum(part.lines for part in split_patch(patch) if tests or not is_test_path(part.path))


class _Reader:
    """Knows where a file's part begins: a `--- ` within a hunk is a removed line."""

    def __init__(self) -> None:
        self._old = self._new = 0
        self._in_header = False

    def begins_file(self, line: str) -> bool:
        if self._old > 0 or self._new > 0:
            self._count(line)
            return False
        if match := _HUNK.match(line):
            self._old, self._new = int(match[1] or 1), int(match[2] or 1)
            self._in_header = False
            return False
        if line.startswith("diff --git "):
            self._in_header = True
            return True
        if line.startswith("--- ") and not self._in_header:
            self._in_header = True
            return True
        return False

    def _count(self, line: str) -> None:
        if not line.startswith(("+", "\\")):
            self._old -= 1
        if not line.startswith(("-", "\\")):
            self._new -= 1


def _file(block: list[str]) -> FilePatch:
    path, added, removed, in_hunk = "", 0, 0, False
    for line in block:
        if _HUNK.match(line):
            in_hunk = True
        elif in_hunk:
            added += line.startswith("+")
            removed += line.startswith("-")
        elif line.startswith("+++ ") and not line.startswith("+++ /dev/null"):
            path = _name(line[4:])
        elif (line.startswith("--- ") and not line.startswith("--- /dev/null") and not path) or (
            line.startswith(("rename to ", "copy to ")) and not path
        ):
            path = _name(
                line[4:] if line.startswith("--- ") else line.partition(" to ")[2], line[:3] == "---"
            )
    if not path:
        path = _from_header(block[0])
    if not path:
        raise ValueError(f"{block[0][:80]!r} begins no file of a diff")
    text = "\n".join(block)
    return FilePatch(path, text if text.endswith("\n") else text + "\n", added, removed)


def _from_header(line: str) -> str:
    """`diff --git a/x b/x` of a file that has no hunks (an empty or a binary one)."""
    match = re.fullmatch(r"diff --git a/(.+) b/\1", line)
    return match[1] if match else ""


def _name(raw: str, prefixed: bool = True) -> str:
    name = raw.split("\t")[0].rstrip("\r")
    if name.startswith('"') and name.endswith('"'):
        name = (
            name[1:-1]
            .encode()
            .decode("unicode_escape")
            .encode("latin-1", "replace")
            .decode("utf-8", "replace")
        )
    return name[2:] if prefixed and name[:2] in ("a/", "b/") else name
