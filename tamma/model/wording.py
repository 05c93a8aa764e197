"""Prompts as files, filled in; outside text fenced and labelled as data."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from xml.sax.saxutils import quoteattr

_PLACE = re.compile(r"\{\{(\w+)\}\}")
_HTML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_KEPT_CONTROLS = "\n\t"


@cache
def template(package: str, name: str) -> str:
    """The file `prompts/<name>.md` of a package. Raises FileNotFoundError for an unknown name."""
    return (files(package) / "prompts" / f"{name}.md").read_text(encoding="utf-8").strip()


def fill(text: str, words: Mapping[str, str]) -> str:
    """The text with `{{places}}` filled in, in one pass: what is filled in is never expanded again.

    Raises KeyError where a place has no word, so that a prompt can never go out half filled.
    """
    return _PLACE.sub(lambda match: words[match.group(1)], text).strip()


def fenced(tag: str, text: str, **attributes: str) -> str:
    """Outside text between `<tag>` and `</tag>`, with any closing tag inside it made harmless.

    Empty lines around it are left out; the first line's indentation stays.
    """
    inner = re.sub(rf"</\s*{tag}", f"&lt;/{tag}", text, flags=re.IGNORECASE)
    shown = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<{tag}{shown}>\n{_without_outer_empty_lines(inner)}\n</{tag}>"


def fence_for(text: str) -> str:
    """The backticks between which a text stands as code, whatever fences it holds itself."""
    return "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))


def visible(text: str) -> str:
    """The text without what a person would not see: HTML comments, control and invisible characters.

    A weak layer against hidden instructions: the diff policy and the sandbox are the control.
    """
    without_comments = _HTML_COMMENT.sub("", text.replace("\r\n", "\n"))
    return "".join(
        char
        for char in without_comments
        if char in _KEPT_CONTROLS or unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs", "Cn")
    )


def _without_outer_empty_lines(text: str) -> str:
    return re.sub(r"\A(?:[ \t]*\r?\n)+", "", text).rstrip()
