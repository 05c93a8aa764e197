"""The form of a repository's `.tamma.json`. What does not fit is left out with a note; the rest holds.

It is content of a repository, so anyone who may open a pull request may have written it: it describes how the
project is built and tested, and asks for more care. A run does not fail for a file that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from tamma.model.foreign import read_json

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
Glob = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Dollars = Annotated[Decimal, Field(gt=0, max_digits=12, allow_inf_nan=False)]
Turns = Annotated[int, Field(ge=1, le=10_000, strict=True)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False, strict=True)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
YesNo = Annotated[bool, Field(strict=True)]
_MOST_TROUBLES = 10


class _Part(BaseModel):
    """A misspelt key must not be ignored in silence."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True
    )


class Commands(_Part):
    """Shell commands of the project, instead of those that are detected."""

    setup: Line | None = Field(
        default=None, description="Run once, with network by allowlist, instead of the detected installers."
    )
    build: Line | None = Field(default=None, description="Builds the project; a gate of every change.")
    test: Line | None = Field(default=None, description="Judges the work: exit code 0 is green. No network.")
    lint: Line | None = Field(default=None, description="Finds faults of form; a gate of every change.")
    typecheck: Line | None = Field(default=None, description="Checks types; a gate of every change.")
    format: Line | None = Field(default=None, description="Writes the files in the project's form.")


class Policy(_Part):
    """More care than the installation takes. What would be less does not hold."""

    approve: Literal["none", "plan", "merge", "all"] | None = Field(
        default=None, description="Which steps wait for a person; those of the installation do in any case."
    )
    merge: Literal["auto", "never"] | None = Field(
        default=None, description="`never` leaves the merge to people."
    )
    budget_usd: Dollars | None = Field(default=None, description="US dollars of a run, after which it asks.")
    max_turns: Turns | None = Field(default=None, description="Model calls of a run, after which it asks.")
    review: YesNo | None = Field(default=None, description="true: a second conversation reads every change.")
    new_dependencies: Literal["allow", "ask", "refuse"] | None = Field(
        default=None, description="Whether a change may make the project depend on more packages."
    )


class Timeouts(_Part):
    """Seconds; the installation's hold where they are shorter."""

    test: Seconds | None = Field(default=None, description="For one of the commands that judge the work.")
    setup: Seconds | None = Field(default=None, description="For building the environment.")


class Planning(_Part):
    """When people are asked what an issue means."""

    ambiguity: Share | None = Field(
        default=None,
        description="From 0 to 1: a plan that rates its issue as less clear asks. The lower one holds.",
    )


class RunKeys(Policy):
    """The same in the words of a user's own configuration."""

    merge_method: Literal["merge", "squash", "rebase"] | None = Field(
        default=None, description="Heard by `tamma submit PATH` alone."
    )
    test_command: Line | None = Field(default=None, description="As `commands.test`.")
    protected_paths: tuple[Glob, ...] = Field(default=(), max_length=200, description="As `protectedPaths`.")
    planning: Planning = Field(default_factory=Planning)


class ProjectFile(_Part):
    """What a repository says to Tamma: how it is built and tested, and how much care it wants."""

    json_schema: str | None = Field(default=None, alias="$schema", description="The address of this schema.")
    version: str | None = Field(default=None, description='The version of the file\'s form: "1.0".')
    commands: Commands = Field(default_factory=Commands)
    protected_paths: tuple[Glob, ...] = Field(
        default=(),
        max_length=200,
        description="Globs: a change that touches them waits for a person. `dir/**` is all below it.",
    )
    policy: Policy = Field(default_factory=Policy)
    planning: Planning = Field(default_factory=Planning)
    timeouts: Timeouts = Field(default_factory=Timeouts)
    run: RunKeys = Field(default_factory=RunKeys)


def schema() -> dict[str, Any]:
    """The JSON schema of the file, for editors."""
    made = ProjectFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": ".tamma.json"}


def keys() -> tuple[str, ...]:
    """Every key that has a value of its own, as a dotted path."""
    every = tuple(_keys(ProjectFile))
    return tuple(key for key in every if not any(other.startswith(f"{key}.") for other in every))


def parse(text: bytes) -> tuple[ProjectFile, tuple[str, ...]]:
    """What the file says as far as it is understood, and a line for each thing that is not."""
    try:
        values: object = read_json(text.decode("utf-8-sig"))
    except ValueError as error:
        return ProjectFile(), (f".tamma.json is not readable as JSON, so nothing in it holds: {error}",)
    if not isinstance(values, dict):
        return ProjectFile(), (".tamma.json is not a JSON object, so nothing in it holds",)
    left = cast("dict[str, Any]", values)
    troubles: list[str] = []
    while True:
        try:
            return ProjectFile.model_validate(left), tuple(troubles[:_MOST_TROUBLES])
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
            troubles += dict.fromkeys(_said(each["type"], each["loc"], each["msg"]) for each in problems)
            wrong = {_path(left, each["loc"]) for each in problems}
            for path in wrong:
                left = cast("dict[str, Any]", _without(left, path))


def _said(kind: str, loc: tuple[int | str, ...], message: str) -> str:
    where = ".".join(str(part)[:80] for part in loc)
    if kind != "extra_forbidden":
        return f".tamma.json: {where!r} does not hold: {message}"
    known = list(_keys(ProjectFile))
    parent = ".".join(str(part) for part in loc[:-1])
    here = [key for key in known if key.rpartition(".")[0] == parent]
    named = {key.rpartition(".")[2]: key for key in here}
    meant = next((key for key in known if key.rpartition(".")[2] == loc[-1]), None)
    meant = meant or next((named[near] for near in get_close_matches(str(loc[-1]), named, 1)), None)
    hint = f"did you mean {meant!r}?" if meant else f"known here: {', '.join(here)}"
    return f".tamma.json: there is no key {where!r}; {hint}"


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for field in model.model_fields.values():
        path = f"{prefix}{field.alias}"
        yield path
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _keys(inner, f"{path}.")


def _path(values: object, loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The part of an error's place that is in the values: it may go on into pydantic's own alternatives."""
    found: list[int | str] = []
    here = values
    for part in loc:
        if isinstance(here, dict) and part in here:
            here = cast("dict[str, object]", here)[cast("str", part)]
        elif isinstance(here, list) and isinstance(part, int):
            break  # a list is left out as a whole: half of it may be a trap
        else:
            break
        found.append(part)
    return tuple(found)


def _without(values: object, path: tuple[int | str, ...]) -> object:
    if not path or not isinstance(values, dict):
        return {}
    content = cast("dict[int | str, object]", values)
    if len(path) == 1:
        return {key: value for key, value in content.items() if key != path[0]}
    return {key: _without(value, path[1:]) if key == path[0] else value for key, value in content.items()}
