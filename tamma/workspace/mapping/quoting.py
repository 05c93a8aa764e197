"""What looks like code in a file and is none: code in comments and in texts of several lines.

The tests of tools that work on code are full of it. What is found is blanked: every character but the ends of
lines becomes a space, so that all else keeps its place. Nothing is looked at more than a few times, as files
are other people's: what has no end ends with the file, or is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_COMMENT = re.compile(r"^[ \t]*+/\*[\s\S]*?(?:\*/|\Z)", re.MULTILINE)
"""At the beginning of a line: elsewhere it may be in a pattern or a path."""
_PYTHON = re.compile(
    r"""#[^\n]*|(?P<quote>\"{3}|'{3})(?:[^\\]|\\[\s\S])*?(?:(?P=quote)|\Z)|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'"""
)
_SLASHED = re.compile(
    r"//[^\n]*|^[ \t]*+/\*[\s\S]*?(?:\*/|\Z)|\"{3}(?:[^\\]|\\[\s\S])*?(?:\"{3}|\Z)"
    r"|\"(?:[^\"\\\n]|\\.)*\"|'\\?\"'",
    re.MULTILINE,
)
"""Only comments and texts in three quotes have several lines; the others may have such marks in them."""
_TEMPLATE = re.compile(r"(?<!\\)`[ \t]*\n(?:[^`\\]|\\[\s\S])*`")
_BEFORE_TEMPLATE = (*"(=,:[?>+&|{", "return", "html", "css", "gql", "sql", "dedent")
_RUBY = re.compile(
    r"^[^\n<#]*<<[~-](?P<mark>['\"]?)(?P<end>\w+)(?P=mark)[^\n]*\n(?:[^\n]*\n){0,100}?[ \t]*(?P=end)$"
    r"|^=begin\b[\s\S]*?(?:^=end\b|\Z)",
    re.MULTILINE,
)


def without_quoted(path: str, text: str) -> str:
    """The text of a file with what is quoted in it blanked, as long as it was."""
    return _BY_ENDING.get(path.rpartition(".")[2].lower(), _without_comments)(text)


def _without_comments(text: str) -> str:
    return _COMMENT.sub(_blanked, text) if "/*" in text else text


def _python(text: str) -> str:
    return _PYTHON.sub(_blanked, text) if '"""' in text or "'''" in text else text


def _slashed(text: str) -> str:
    return _SLASHED.sub(_blanked, text) if '"""' in text else _without_comments(text)


def _ruby(text: str) -> str:
    return _RUBY.sub(_blanked, text)


def _script(text: str) -> str:
    """Without templates, too, that begin at the end of a line.

    Such a mark may also end a template. It begins one where a value is expected.
    """
    text = _without_comments(text)
    parts: list[str] = []
    done = at = 0
    while found := _TEMPLATE.search(text, at):
        before = text[max(0, found.start() - 80) : found.start()].rstrip()
        if not before.endswith(_BEFORE_TEMPLATE):
            at = found.start() + 1
            continue
        parts += [text[done : found.start()], _blanked(found)]
        done = at = found.end()
    return "".join([*parts, text[done:]])


def _as_it_is(text: str) -> str:
    return text


def _blanked(found: re.Match[str]) -> str:
    """From the second line on: what stands in one line hides nothing."""
    first, *rest = found.group().split("\n")
    return "\n".join([first, *(" " * len(line) for line in rest)])


_BY_ENDING: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(("py", "pyi"), _python),
    **dict.fromkeys(("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte"), _script),
    **dict.fromkeys(("java", "kt", "kts", "swift", "scala", "groovy"), _slashed),
    "rb": _ruby,
    **dict.fromkeys(("sh", "bash", "zsh", "lua", "ex", "exs"), _as_it_is),
}
