"""The Markdown that we write, as blocks and spans: what both of Jira's forms are made of. Pure.

Kept simple: paragraphs, headings, fenced code, lists of one level, quotations, rules; in a line code, links,
bold and italics. What is anything else stays as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["paragraph", "heading", "code", "bullets", "numbers", "quote", "rule"]
Style = Literal["", "code", "strong", "em", "link"]

_FENCE = re.compile(r"(`{3,}|~{3,})\s*([^`\s]*)[^`]*$")
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")
_BULLET = re.compile(r"[-*+]\s+(.*)")
_NUMBER = re.compile(r"\d{1,9}[.)]\s+(.*)")
_RULE = re.compile(r"(-{3,}|\*{3,}|_{3,})\s*$")
_SPANS = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|\[(?P<text>[^\[\]\n]+)\]\((?P<href>[^()\s]+)\)"
    r"|\*\*(?P<strong>[^*\n]+)\*\*"
    r"|(?<!\w)_(?P<em>[^\s_](?:[^\n]*?[^\s])?)_(?!\w)"
)


@dataclass(frozen=True, slots=True)
class Block:
    """`lines`: of text, or one for each item of a list. `mark`: a fence's language, a heading's level."""

    kind: Kind
    lines: tuple[str, ...]
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    text: str
    style: Style = ""
    href: str = ""


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a text, in order."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
            continue
        fence = _FENCE.match(line)
        if fence is not None:
            end = next((n for n in range(at + 1, len(lines)) if _closes(lines[n], fence[1])), len(lines))
            yield Block("code", tuple(lines[at + 1 : end]), fence[2])
            at = end + 1
            continue
        kind = _kind(line)
        end = at + 1
        if kind in ("paragraph", "bullets", "numbers", "quote"):
            while end < len(lines) and lines[end].strip() and _goes_on(kind, lines[end]):
                end += 1
        yield _block(kind, lines[at:end])
        at = end


def spans(line: str) -> Iterator[Span]:
    """The parts of a line."""
    at = 0
    for found in _SPANS.finditer(line):
        if found.start() > at:
            yield Span(line[at : found.start()])
        at = found.end()
        style: Style
        for style in ("code", "strong", "em"):
            if found[style] is not None:
                yield Span(found[style], style)
        if found["href"] is not None:
            yield Span(found["text"], "link", found["href"])
    if at < len(line):
        yield Span(line[at:])


def written(span: Span) -> str:
    """A span as Markdown."""
    around = {"": "", "code": "`", "strong": "**", "em": "_", "link": ""}[span.style]
    return f"[{span.text}]({span.href})" if span.style == "link" else f"{around}{span.text}{around}"


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and not bare.strip(fence[0])


def _kind(line: str) -> Kind:
    if _RULE.match(line):
        return "rule"
    if _HEADING.match(line):
        return "heading"
    if _BULLET.match(line):
        return "bullets"
    if _NUMBER.match(line):
        return "numbers"
    return "quote" if line.startswith(">") else "paragraph"


def _goes_on(kind: Kind, line: str) -> bool:
    """Whether a line is one more of its block; an indented one goes on with an item."""
    if _FENCE.match(line):
        return False
    return _kind(line) == kind or (kind in ("bullets", "numbers") and line.startswith(" "))


def _block(kind: Kind, lines: list[str]) -> Block:
    if kind == "rule":
        return Block("rule", ())
    if kind == "heading":
        found = _HEADING.match(lines[0])
        return (
            Block("heading", (found[2],), str(len(found[1]))) if found else Block("paragraph", tuple(lines))
        )
    if kind == "quote":
        return Block("quote", tuple(line[1:].removeprefix(" ") for line in lines))
    if kind == "paragraph":
        return Block("paragraph", tuple(line.rstrip() for line in lines))
    items: list[str] = []
    pattern = _BULLET if kind == "bullets" else _NUMBER
    for line in lines:
        found = pattern.match(line)
        if found is not None:
            items.append(found[1].rstrip())
        else:
            items[-1] += f"\n{line.strip()}"
    return Block(kind, tuple(items))
