"""The forms in which a model without tool calls writes them, and which tool each stands for. Pure.

::

    block  = edit | bash | tool
    edit   = [fence-open] path [fence-open]
             "<<<<<<< SEARCH" line* "=======" line* ">>>>>>> REPLACE"
             [fence-close]
    bash   = fence-open("bash run") line* fence-close
    tool   = fence-open("tool" NAME) json-object fence-close

Every marker stands on a line of its own. A fence is three or more backticks or tildes, closed by a line of as
many or more. The lines of an edit are whole lines, so its texts end in a line break or are empty; in them a
line that looks like a marker carries a backslash before it. An empty search makes a whole file.

Which tools `edit` and `bash` stand for is read off the request's definitions: `str_replace(path, old, new)`
with `create(path, content)`, and `bash(command)`. Every tool can be called by `tool`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from tamma.model.conversation import Tool
from tamma.model.loose_json import read_loose

FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^\r\n]*?)\s*")
SEARCH = re.compile(r"(?P<indent>[ \t]*)<{5,9} SEARCH\s*")
DIVIDER = re.compile(r"={7}\s*")
REPLACE = re.compile(r">{5,9} REPLACE\s*")
PATH = re.compile(r"[ \t]*(?:[#*]+ *)?(?:`(?P<quoted>[^`\n]+)`|(?P<bare>[^\s`]+?))[:*]*\s*")
TOOL_INFO = re.compile(r"tool[ \t:]+(?P<name>[^\s`]+)")
BASH_INFO = re.compile(r"(?:bash|sh|shell)[ \t]+run")
RESULT = re.compile(r"[ \t]*<tool_result\b")
MAY_BEGIN = re.compile(
    r"[ \t]*(?:`{3}.*|~{3}.*|<{5,9}(?: .*)?|<tool_result\b.*"
    r"|(?:[#*]+ *)?(?:`[^`]*(?:`[:*]*\s*)?|[^\s`]*\s*))",
    re.DOTALL,
)
"""What the beginning of a line must match as a whole, if the line may yet begin or be part of a block."""
_NEEDS_ESCAPE = re.compile(r"\\*(?:<{5,9} SEARCH|={7}|>{5,9} REPLACE)\s*")


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call in text. `problem` says why it cannot be read; `args_json` is then the text as it stood."""

    name: str
    args_json: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Forms:
    """Which of the special forms the request's tools allow."""

    edit: bool = False
    bash: bool = False

    @classmethod
    def of(cls, tools: Iterable[Tool]) -> Forms:
        takes = {tool.name: _properties(tool) for tool in tools}
        return cls(
            edit={"path", "old", "new"} <= takes.get("str_replace", frozenset())
            and {"path", "content"} <= takes.get("create", frozenset()),
            bash="command" in takes.get("bash", frozenset()),
        )


def edit_call(path: str, search: str, replace: str) -> Call:
    if not search:
        return _call("create", {"path": path, "content": replace})
    return _call("str_replace", {"path": path, "old": search, "new": replace})


def bash_call(command: str) -> Call:
    return _call("bash", {"command": command})


def tool_call(name: str, body: str) -> Call:
    """A call of the general form. Commas too many and line breaks in strings are forgiven."""
    body = body.strip() or "{}"
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        try:
            value = read_loose(body)
        except ValueError as error:
            return Call(name, body, f"the arguments are not valid JSON: {error}")
        body = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict):
        return Call(name, body, "the arguments are not a JSON object")
    return Call(name, body)


def written_edit(path: str, search: str, replace: str) -> str:
    shown = f"`{path}`" if " " in path else path
    return f"{shown}\n<<<<<<< SEARCH\n{_escaped(search)}=======\n{_escaped(replace)}>>>>>>> REPLACE"


def written_fence(info: str, body: str) -> str:
    """The body between fences longer than any in it."""
    longest = max((len(found) for found in re.findall(r"^[ \t]*(`{3,})", body, re.MULTILINE)), default=2)
    marks = "`" * (longest + 1)
    return f"{marks}{info}\n{body}\n{marks}"


def unescaped(line: str) -> str:
    return line[1:] if line.startswith("\\") and _NEEDS_ESCAPE.fullmatch(line) else line


def arguments(args_json: str) -> Mapping[str, object] | None:
    """The arguments of a call as data; None where they are no JSON object."""
    try:
        found: object = json.loads(args_json)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", found) if isinstance(found, dict) else None


def _escaped(text: str) -> str:
    lines = text.split("\n")[:-1] if text else []
    return "".join(("\\" if _NEEDS_ESCAPE.fullmatch(line) else "") + line + "\n" for line in lines)


def _call(name: str, values: Mapping[str, object]) -> Call:
    return Call(name, json.dumps(values, ensure_ascii=False))


def _properties(tool: Tool) -> frozenset[str]:
    found = tool.input_schema.get("properties")
    return frozenset(cast("Mapping[str, object]", found)) if isinstance(found, Mapping) else frozenset()
