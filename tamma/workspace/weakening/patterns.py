"""Tests of languages that are read by patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tamma.workspace.weakening.languages import Language
from tamma.workspace.weakening.masking import closing, ends_statement, mask
from tamma.workspace.weakening.reading import NOTHING, Check, Reading, Unit, numbered

_CONSTANT = re.compile(
    r"(?:assert\w*|expect)(?:\.\w+)?!?\s*\(?\s*(?:true|1|1\s*==+\s*1)\s*\)?\s*"
    r"(?:\.(?:to(?:Be|Equal|BeTruthy|StrictEqual)\s*\(\s*(?:true|1)?\s*\)|to\s+(?:be_truthy|eq\s*\(?\s*true\s*\)?|be\s+true)))?\s*[;,)]*"
)
_LOOP = re.compile(r"\bfor\b[^\n]*[{(]|\.each\b|\.forEach\s*\(|\bt\.Run\s*\(|\.iter\(\)")
_VALUE = re.compile(r"\b\d[\w.]*|\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`|\b(?:true|false|null|nil|None)\b")
_NEVER = re.compile(r"if (?:false|1 == 2|0 == 1)\b")
_GUARD = re.compile(r"\bif\b[^\n{]*")
_CASE = re.compile(r"\{[^{}]*\}\s*,|\[[^\[\]]*\]\s*,")


def read_by_patterns(text: str, language: Language) -> Reading:
    """The tests of a file; what no pattern finds is no test."""
    masked = mask(text, language.syntax)
    blocks = list(_skipped_blocks(masked, language))
    whole = "the file's build tag" if language.skip_file and language.skip_file.match(text) else ""
    units: list[Unit] = []
    tests = list(language.test.finditer(masked))
    for index, found in enumerate(tests):
        # Tests do not stand within tests: what is not closed ends where the next begins.
        limit = tests[index + 1].start() if index + 1 < len(tests) else len(masked)
        end = _end(masked, found, language, limit)
        around = next((mark for start, stop, mark in blocks if start <= found.start() < stop), "")
        name, code = _name(text, found), _code(text, masked, found.end(), end)
        units.append(
            Unit(
                name=name,
                line=_line(masked, found.start("name") if found["name"] else found.start()),
                checks=tuple(_checks(text, masked, found.end(), end, language)),
                skipped=whole or around or _own_skip(text, masked, found, end, language),
                test=language.helper is None or not language.helper.match(name),
                body=" ".join(code.split()),
                values=tuple(value.replace("'", '"') for value in _VALUE.findall(code)),
            )
        )
    focused = language.focus.finditer(masked) if language.focus else ()
    return Reading(
        numbered(units), tuple((_line(masked, one.start()), one.group().strip(" (")) for one in focused)
    )


def _name(text: str, found: re.Match[str]) -> str:
    """As it is written: a masked string's content stands in the text itself."""
    group = "name" if found["name"] else "method"
    return text[found.start(group) : found.end(group)].strip("\"'`")


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _end(masked: str, found: re.Match[str], language: Language, limit: int) -> int:
    if language.indented:
        return _end_by_indent(masked, found.start(), limit)
    opening, paren = masked.find("{", found.end(), limit), masked.rfind("(", found.start(), found.end())
    if language.focus is not None and paren >= 0:  # a call: its callback is an argument of it
        return closing(masked, paren, "()", limit)
    return closing(masked, opening, limit=limit) if opening >= 0 else limit


def _end_by_indent(masked: str, start: int, limit: int) -> int:
    line = masked[start : _line_end(masked, start)]
    indent = len(line) - len(line.lstrip())
    end = re.compile(rf"^[ \t]{{{indent}}}(?:end\b|\}})", re.MULTILINE).search(
        masked, min(start + len(line), limit), limit
    )
    return end.end() if end else limit


def _line_end(masked: str, start: int) -> int:
    end = masked.find("\n", start)
    return len(masked) if end < 0 else end


def _skipped_blocks(masked: str, language: Language) -> Iterator[tuple[int, int, str]]:
    if language.block is None or language.skip_mark is None:
        return
    for found in language.block.finditer(masked):
        if skip := language.skip_mark.search(found["mark"].strip()):
            yield found.start(), _end(masked, found, language, len(masked)), _said(found["mark"], skip)


def _own_skip(text: str, masked: str, found: re.Match[str], end: int, language: Language) -> str:
    groups = found.groupdict()
    for part in (groups.get("mark"), groups.get("options")):
        if part and language.skip_mark and (skip := language.skip_mark.search(part.strip())):
            return _said(part, skip)
    if language.skip_call and (called := language.skip_call.search(masked, found.end(), end)):
        return called.group().strip(" (\t") + "()"
    return ""


def _said(mark: str, skip: re.Match[str]) -> str:
    return mark.strip() if skip.group() == "x" else skip.group()


def _checks(text: str, masked: str, start: int, end: int, language: Language) -> Iterator[Check]:
    at, loops = start, bool(_LOOP.search(masked, start, end))
    while (found := _next_check(masked, at, end, language)) is not None:
        begin, strength = found
        stop = max(ends_statement(masked, begin, end), begin + 1)
        form = " ".join(_code(text, masked, begin, stop).split()).replace("'", '"').rstrip(";, ")
        if language.guarded and (guards := _GUARD.findall(text, start, begin)):
            form = f"{' '.join(guards[-1].split())}: {form}"
        hollow = bool(_CONSTANT.fullmatch(form) or _NEVER.match(form))
        yield Check(form, NOTHING if hollow else strength, _line(masked, begin), many=loops)
        at = stop
    if loops:  # a table of cases: each is a check of its own
        for case in _CASE.finditer(masked, start, end):
            said = "".join(text[case.start() : case.end()].split())
            yield Check(f"case {said}", 3, _line(masked, case.start()))


def _next_check(masked: str, at: int, end: int, language: Language) -> tuple[int, int] | None:
    """(where, strength) of the next assertion; of patterns that fit at one place the first counts."""
    best: tuple[int, int] | None = None
    for pattern, strength in language.checks:
        found = pattern.search(masked, at, end)
        if found is not None and (best is None or found.start() < best[0]):
            best = found.start(), strength
    return best


def _code(text: str, masked: str, start: int, end: int) -> str:
    """The text without its comments: those alone are blank where the text is not."""
    return "".join(
        " " if masked[at] == " " and text[at] not in " \t\n" else text[at] for at in range(start, end)
    )
