"""The tools as a model sees them, and the reading of what it sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from tamma.model.conversation import Tool
from tamma.model.foreign import mended, read_json

BASH_DEFAULT_SECONDS = 30
BASH_MOST_SECONDS = 600


def _tool(name: str, description: str, required: tuple[str, ...], **properties: tuple[str, str]) -> Tool:
    """A tool whose arguments are `name=(type, description)`; `type` may be `string[]`."""
    schema: dict[str, object] = {}
    for argument, (kind, text) in properties.items():
        if kind.endswith("[]"):
            schema[argument] = {"type": "array", "items": {"type": kind[:-2]}, "description": text}
        else:
            schema[argument] = {"type": kind, "description": text}
    return Tool(
        name,
        description,
        {
            "type": "object",
            "properties": schema,
            "required": list(required),
            "additionalProperties": False,
        },
    )


_PATH = ("string", "Path of the file, relative to the repository's root: src/app.py")

TOOLS: tuple[Tool, ...] = (
    _tool(
        "bash",
        "Run a bash script in the repository's root, in a sandbox without network. Every call is a new "
        "shell: variables, `cd` and background processes do not outlive it. The output shows standard output "
        "and error together, the first and last 5,000 characters. Files may be written in the repository and "
        "in /tmp. Git's metadata is read-only: git log, diff, show, blame and grep work; do not commit, "
        "your work is committed for you; to revert a file use `git show HEAD:path > path`.",
        ("command",),
        command=("string", "The script."),
        timeout=(
            "integer",
            f"Seconds until it is stopped: {BASH_DEFAULT_SECONDS} if not given, at most {BASH_MOST_SECONDS}.",
        ),
    ),
    _tool(
        "view",
        "Show a text file with line numbers, or list a folder. Long files are cut; say which lines you want.",
        ("path",),
        path=_PATH,
        start_line=("integer", "The first line to show, from 1."),
        end_line=("integer", "The last line to show."),
    ),
    _tool(
        "create",
        "Write a whole file: a new one, or in place of what is there. Folders are made as needed. To change "
        "a part of a file use str_replace.",
        ("path", "content"),
        path=_PATH,
        content=("string", "The file's whole content."),
    ),
    _tool(
        "str_replace",
        "Replace a passage of a file. `old` must match exactly one place, character for character including "
        "indentation; include enough surrounding lines to make it unique.",
        ("path", "old", "new"),
        path=_PATH,
        old=("string", "The passage as it stands in the file, without line numbers."),
        new=("string", "What shall stand there instead; empty removes it."),
    ),
    _tool(
        "insert",
        "Add lines to a file after the line with the given number.",
        ("path", "line", "text"),
        path=_PATH,
        line=("integer", "The number of the line to add after; 0 adds at the beginning."),
        text=("string", "The lines to add."),
    ),
    _tool(
        "grep",
        "Search the repository's files (ignored and binary ones left out) by a Perl-compatible regular "
        "expression. Shows path:line:text.",
        ("pattern",),
        pattern=("string", "The regular expression. Case matters; (?i) at its beginning ignores case."),
        path=("string", "The folder or file to search; all if not given."),
        glob=("string", "Only files that match, as in *.py or src/**/*.ts."),
    ),
    _tool(
        "finish",
        "Say that the work is done (or cannot be done). Call it alone, after the tests are green.",
        ("summary",),
        summary=("string", "What was changed and why, for the reviewer of the pull request."),
        test_command=("string", "The shell command that fails without your change and passes with it."),
        test_files=("string[]", "The test files that you added or changed."),
        no_test_reason=("string", "Why there is no such test, if there is none."),
        answers=("string", "To the numbered remarks of a review, a line for each: `1: what you did`."),
    ),
)
READ_ONLY = frozenset({"view", "grep", "finish"})
"""Tools that cannot change the work tree."""

_SCHEMAS: Mapping[str, Mapping[str, object]] = {tool.name: tool.input_schema for tool in TOOLS}
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "array": (list,),
}


class BadCall(Exception):
    """A call that names no tool or has unusable arguments. `kind` is a ToolOutcome.error_kind."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass(frozen=True, slots=True)
class Arguments:
    """Arguments that fit the tool's schema."""

    values: Mapping[str, object]

    def text(self, name: str, default: str = "") -> str:
        return cast(str, self.values.get(name, default))

    def number(self, name: str, default: int) -> int:
        return cast(int, self.values.get(name, default))


def parse_arguments(name: str, args_json: str) -> Arguments:
    """The arguments of a call to the tool `name`. Raises BadCall saying what the model should do."""
    schema = _SCHEMAS.get(name)
    if schema is None:
        raise BadCall(
            "unknown_tool", f"there is no tool {name!r}; the tools are: {', '.join(sorted(_SCHEMAS))}"
        )
    try:
        values = mended(read_json(args_json or "{}"))
    except ValueError as error:
        raise BadCall("bad_arguments", f"the arguments of {name} are not valid JSON: {error}") from error
    if not isinstance(values, dict):
        raise BadCall("bad_arguments", f"the arguments of {name} must be a JSON object")
    return Arguments(_checked(name, schema, cast(dict[str, object], values)))


def _checked(name: str, schema: Mapping[str, object], values: dict[str, object]) -> dict[str, object]:
    properties = cast(Mapping[str, Mapping[str, object]], schema["properties"])
    # Some models send null for what they leave out.
    given = {key: value for key, value in values.items() if value is not None}
    required = cast(list[str], schema["required"])
    takes = f"it takes {', '.join(map(repr, properties))}"
    missing = [key for key in required if key not in given]
    if missing:
        raise BadCall(
            "bad_arguments",
            f"{name} lacks {', '.join(map(repr, missing))}; {takes}",
        )
    unknown = [key for key in given if key not in properties]
    if unknown:
        raise BadCall(
            "bad_arguments",
            f"{name} has no argument {', '.join(map(repr, unknown))}; {takes}",
        )
    return {key: _coerced(name, key, str(properties[key]["type"]), value) for key, value in given.items()}


def _coerced(tool: str, key: str, kind: str, value: object) -> object:
    if kind == "integer":  # weaker models quote numbers or write 30.0
        if isinstance(value, str) and value.strip().lstrip("-").isdigit():
            return int(value)
        if isinstance(value, float) and value.is_integer():
            return int(value)
    if not isinstance(value, _KINDS[kind]) or isinstance(value, bool):
        raise BadCall(
            "bad_arguments", f"{key!r} of {tool} must be of type {kind}, not {type(value).__name__}"
        )
    return value
