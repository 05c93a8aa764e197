"""Prompts as files, filled in; outside text fenced and labelled as data."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_PLACE = re.compile(r"\{\{(\w+)\}\}")
_HTML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_KEPT_CONTROLS = "\n\t"


@cache
def prompt(name: str) -> str:
    """The prompt file `<name>.md`. Raises FileNotFoundError for an unknown name."""
    return (files("tamma.agents") / "prompts" / f"{name}.md").read_text(encoding="utf-8").strip()


def render(name: str, words: Mapping[str, str]) -> str:
    """The prompt with `{{places}}` filled in, in one pass: what is filled in is never expanded again.

    Raises KeyError where a place has no word, so that a prompt can never go out half filled.
    """
    return _PLACE.sub(lambda match: words[match.group(1)], prompt(name)).strip()


def fenced(tag: str, text: str) -> str:
    """Outside text between `<tag>` and `</tag>`, with any closing tag inside it made harmless."""
    inner = re.sub(rf"</\s*{tag}", f"&lt;/{tag}", text, flags=re.IGNORECASE)
    return f"<{tag}>\n{inner.strip()}\n</{tag}>"


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
