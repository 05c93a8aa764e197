"""The blocks that are being read, line by line. No line here carries its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tamma.providers.text_tools.forms import (
    DIVIDER,
    FENCE,
    REPLACE,
    SEARCH,
    Call,
    bash_call,
    edit_call,
    tool_call,
    unescaped,
)

CUT_OFF = "the answer ended before the block did"


@dataclass(frozen=True, slots=True)
class Fence:
    indent: str
    marks: str
    info: str

    @classmethod
    def opened_by(cls, line: str) -> Fence | None:
        found = FENCE.fullmatch(line)
        # Backticks after backticks are code within a line, not a fence.
        if found is None or (found["marks"][0] == "`" and "`" in found["info"]):
            return None
        return cls(found["indent"], found["marks"], found["info"])

    def closed_by(self, line: str) -> bool:
        end = line.strip()
        return len(end) >= len(self.marks) and not end.strip(self.marks[0])


class Block(Protocol):
    def add(self, line: str) -> Call | None:
        """Take a line without its end; the call where that was the last one."""
        ...

    def end(self, cut_off: bool) -> Call:
        """The text ended inside of the block."""
        ...


class FencedBlock:
    """`bash` and `tool`: all lines up to the closing fence, or to the end."""

    def __init__(self, fence: Fence, name: str | None, opening: str) -> None:
        self._fence = fence
        self._name = name
        self._opening = opening
        self._lines: list[str] = []

    def add(self, line: str) -> Call | None:
        if self._fence.closed_by(line):
            return self._call()
        self._lines.append(_dedented(line, self._fence.indent))
        return None

    def end(self, cut_off: bool) -> Call:
        call = self._call()
        if not cut_off or (self._name is not None and self._lines and call.problem is None):
            return call  # whole arguments are whole, whatever was to come after them
        return Call(call.name, "\n".join([self._opening, *self._lines]).rstrip(), CUT_OFF)

    def _call(self) -> Call:
        body = "\n".join(self._lines)
        return bash_call(body) if self._name is None else tool_call(self._name, body)


class EditBlock:
    """`edit`: the searched lines, the divider, the new lines."""

    def __init__(self, path: str | None, indent: str, opening: list[str]) -> None:
        self._path = path
        self._indent = indent
        self._raw = opening
        self._search: list[str] = []
        self._replace: list[str] | None = None
        self._problem = None if path else "no line with the path stands before <<<<<<< SEARCH"

    def add(self, line: str) -> Call | None:
        self._raw.append(line)
        line = _dedented(line, self._indent)
        if REPLACE.fullmatch(line):
            if self._replace is None:
                self._wrong("no line ======= stands between SEARCH and REPLACE")
            return self._call()
        if DIVIDER.fullmatch(line) and self._replace is None:
            self._replace = []
        elif DIVIDER.fullmatch(line) or SEARCH.fullmatch(line):
            self._wrong(
                f"{line.strip()!r} stands there twice: write a backslash before one of the file's own"
            )
        else:
            (self._search if self._replace is None else self._replace).append(unescaped(line))
        return None

    def end(self, cut_off: bool) -> Call:
        self._wrong(CUT_OFF)  # without its last line nobody knows whether the new text is whole
        return self._call()

    def _wrong(self, problem: str) -> None:
        self._problem = self._problem or problem

    def _call(self) -> Call:
        if self._problem or self._path is None:
            return Call("str_replace", "\n".join(self._raw).rstrip(), self._problem)
        return edit_call(self._path, _text(self._search), _text(self._replace or []))


def _dedented(line: str, indent: str) -> str:
    """The line without as much of the block's own indentation as it has."""
    for mark in indent:
        if not line.startswith(mark):
            break
        line = line[1:]
    return line


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
