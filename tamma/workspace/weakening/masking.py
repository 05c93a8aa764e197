"""Source text without its comments and strings, so that plain patterns find only code."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RUST_LIFETIME = r"'[A-Za-z_]\w*(?!')"


@dataclass(frozen=True, slots=True)
class Syntax:
    """How a language writes comments and strings; a pattern each, the first that fits counts."""

    comment: str
    string: str


SLASHED = Syntax(
    r"//[^\n]*|/\*.*?(?:\*/|\Z)", r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|`(?:\\.|[^`\\])*`'
)
JAVA = Syntax(SLASHED.comment, r'"""(?:\\.|[^\\])*?"""|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
GO = Syntax(SLASHED.comment, r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|`[^`]*`')
RUST = Syntax(
    SLASHED.comment, rf'r(#+)".*?"\1|b?"(?:\\.|[^"\\])*"|{_RUST_LIFETIME}|\'(?:\\[^\n]+?|[^\'\\\n])\''
)
RUBY = Syntax(r"#(?!\{)[^\n]*|^=begin.*?^=end", r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')


def mask(text: str, syntax: Syntax) -> str:
    """The text with the same places: comments blank, strings `"___"` of the same length."""

    def blank(found: re.Match[str]) -> str:
        if found.lastgroup == "string":
            inner = found.group()
            return inner[0] + re.sub(r"[^\n]", "_", inner[1:-1]) + inner[-1] if len(inner) > 1 else inner
        return re.sub(r"[^\n]", " ", found.group())

    pattern = f"(?P<comment>{syntax.comment})|(?P<string>{_numbered(syntax.string)})"
    return re.sub(pattern, blank, text, flags=re.DOTALL | re.MULTILINE)


def _numbered(pattern: str) -> str:
    r"""`\1` counts from the string's own pattern; here two groups stand before it."""
    return pattern.replace(r"\1", r"\3")


def closing(masked: str, start: int, pair: str = "{}", limit: int | None = None) -> int:
    """Where the bracket closes that opens at or after `start`; `limit` where it does not before."""
    limit = len(masked) if limit is None else limit
    depth = 0
    for at in range(start, limit):
        if masked[at] == pair[0]:
            depth += 1
        elif masked[at] == pair[1]:
            depth -= 1
            if depth == 0:
                return at + 1
    return limit


def ends_statement(masked: str, start: int, limit: int) -> int:
    """Where a statement ends that begins at `start`: at `;`, or at a line's end outside of brackets where
    the next line does not go on with `.`; at `limit` at the latest."""
    depth = 0
    for at in range(start, limit):
        char = masked[at]
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth < 0:
                return at
        elif depth == 0 and (
            char == ";" or (char == "\n" and not masked[at : at + 200].lstrip().startswith("."))
        ):
            return at
    return limit
