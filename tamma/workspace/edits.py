"""Text edits as pure functions: what a model asks for, applied to a file's text, or a helpful refusal."""

from __future__ import annotations

import difflib

_NEAR = 0.6
"""How alike the closest passage must be to be worth showing (difflib's ratio)."""
_SEARCHED_LINES = 5000
"""Beyond this many lines the closest passage is not looked for: difflib is slow."""


class EditError(Exception):
    """Why an edit cannot be done, for the model to read. `kind` is a ToolOutcome.error_kind."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


def uses_crlf(text: str) -> bool:
    """Whether lines end in CRLF, judged by the first line."""
    end = text.find("\n")
    return end > 0 and text[end - 1] == "\r"


def with_newlines_of(text: str, like: str) -> str:
    """`text` with the line ends of `like`: models write LF whatever the file has."""
    if uses_crlf(like) and "\r\n" not in text:
        return text.replace("\n", "\r\n")
    return text


def str_replace(text: str, old: str, new: str) -> str:
    """`text` with the one occurrence of `old` replaced. Raises EditError where there is none or several."""
    if not old:
        raise EditError("bad_arguments", "`old` is empty: use `insert` to add lines, or `create` for a file")
    if old == new:
        raise EditError("bad_arguments", "`old` and `new` are the same: nothing would change")
    count = text.count(old)
    if count == 0 and uses_crlf(text):
        old, new = with_newlines_of(old, text), with_newlines_of(new, text)
        count = text.count(old)
    if count == 1:
        return text.replace(old, new)
    if count == 0:
        raise EditError("not_found", _not_found(text, old))
    lines = ", ".join(str(number) for number in _line_numbers(text, old, 10))
    raise EditError(
        "not_unique",
        f"`old` occurs {count} times (at lines {lines}): add surrounding lines to it until it is unique",
    )


def insert(text: str, line: int, addition: str) -> str:
    """`text` with `addition` as new lines after line `line` (0: at the beginning). Raises EditError."""
    lines = text.splitlines(keepends=True)
    if not 0 <= line <= len(lines):
        raise EditError("bad_arguments", f"`line` is {line}; this file has lines 0 to {len(lines)}")
    newline = "\r\n" if uses_crlf(text) else "\n"
    addition = with_newlines_of(addition, text)
    if not addition.endswith("\n"):
        addition += newline
    before = "".join(lines[:line])
    if before and not before.endswith("\n"):
        before += newline
    return before + addition + "".join(lines[line:])


def numbered(text: str, start: int, end: int, budget: int, most: int | None = None) -> str:
    """Lines `start` to `end` (counted from 1, both included) with their numbers: at most `budget` characters
    and at most `most` lines, with a note where that cuts it."""
    lines = text.splitlines()
    if not lines:
        return "(the file is empty)"
    if start > len(lines):
        raise EditError("bad_arguments", f"`start_line` is {start}; the file has {len(lines)} lines")
    shown: list[str] = []
    size = 0
    for number in range(start, min(end, len(lines)) + 1):
        row = f"{number:6}\t{lines[number - 1][:2000]}"
        size += len(row) + 1
        if shown and (size > budget or len(shown) == most):
            shown.append(f"[cut here: {len(lines)} lines in all; go on with start_line={number}]")
            break
        shown.append(row)
    return "\n".join(shown)


def _line_numbers(text: str, part: str, most: int) -> list[int]:
    numbers: list[int] = []
    at = text.find(part)
    while at >= 0 and len(numbers) < most:
        numbers.append(text.count("\n", 0, at) + 1)
        at = text.find(part, at + 1)
    return numbers


def _not_found(text: str, old: str) -> str:
    said = "`old` does not occur in the file"
    wanted = [line.strip() for line in old.splitlines()]
    lines = text.splitlines()
    if len(lines) > _SEARCHED_LINES or not any(wanted):
        return f"{said}; view the file and copy the text exactly"
    first = next(line for line in wanted if line)
    ratio, number = max(
        ((_alike(line.strip(), first), number) for number, line in enumerate(lines, 1)), default=(0.0, 0)
    )
    if ratio < _NEAR:
        return f"{said}, nor anything like it; view the file and copy the text exactly"
    offset = wanted.index(first)
    start = max(1, number - offset)
    passage = lines[start - 1 : start - 1 + len(wanted)][:20]
    why = " (only white space differs)" if [line.strip() for line in passage] == wanted else ""
    shown = "\n".join(f"{start + index:6}\t{line}" for index, line in enumerate(passage))
    return f"{said}. The closest passage{why} is:\n{shown}"


def _alike(line: str, wanted: str) -> float:
    matcher = difflib.SequenceMatcher(None, line, wanted, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() > _NEAR and matcher.quick_ratio() > _NEAR else 0.0
