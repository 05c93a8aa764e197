"""Issues written as Markdown files, for repositories without a tracker.

::

    ---
    title: The parser loses the last line     (optional: else the first heading, else the first line)
    labels: [bug, parser]                     (optional; a list, or words separated by commas)
    author: mona                              (optional)
    state: open                               (optional)
    ---
    # The parser loses the last line
    What happens, and what should happen.
"""

from __future__ import annotations

import re
from typing import Literal, cast

import yaml

from tamma.errors import ConfigError
from tamma.model.repository import Issue

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$")
_FENCE = re.compile(r"^[ \t]*(```|~~~)")
_TITLE_LENGTH = 200


def issue_from_markdown(text: str, name: str) -> Issue:
    """The issue in `text`; `name` (the file's stem) becomes its number.

    Raises ConfigError where the front matter is not a YAML mapping or nothing is said.
    """
    normal = text.removeprefix("\ufeff").replace("\r\n", "\n")
    front, body = _split(normal, name)
    title, rest = _title(front, body)
    if not title:
        raise ConfigError(
            f"the issue {name!r} is empty",
            hint="write a heading that says what is wrong, then what should happen",
        )
    state: Literal["open", "closed"] = "closed" if str(front.get("state", "")).lower() == "closed" else "open"
    return Issue(
        number=name,
        title=title[:_TITLE_LENGTH],
        body=rest.strip(),
        state=state,
        author=str(front.get("author", "")),
        labels=_words(front.get("labels")),
        assignees=_words(front.get("assignees")),
    )


def _split(text: str, name: str) -> tuple[dict[str, object], str]:
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        front: object = yaml.safe_load(match[1]) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date such as 2026-13-45 is a ValueError
        raise ConfigError(
            f"the front matter of the issue {name!r} is not valid YAML: {error}",
            hint="quote values that contain a colon, or remove the block between the --- lines",
        ) from error
    if not isinstance(front, dict):
        return {}, text  # a rule above a text, not front matter
    return {str(key): value for key, value in cast("dict[object, object]", front).items()}, text[
        match.end() :
    ]


def _title(front: dict[str, object], body: str) -> tuple[str, str]:
    """The title, and the body without the heading that it was taken from."""
    lines = body.split("\n")
    heading = _first_heading(lines)
    given = str(front.get("title") or "").strip()
    if heading is not None and (not given or heading[1] == given):
        index, title = heading
        return title, "\n".join(lines[:index] + lines[index + 1 :])
    if given:
        return given, body
    first = next((line.strip() for line in lines if line.strip()), "")
    return first, body


def _first_heading(lines: list[str]) -> tuple[int, str] | None:
    fenced = False
    for index, line in enumerate(lines):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (match := _HEADING.match(line)):
            return index, match[1]
    return None


def _words(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    items = cast("list[object]", value) if isinstance(value, list) else str(value).split(",")
    return tuple(word for item in items if (word := str(item).strip()))
