"""A published API description, OpenAPI 3 or Swagger 2.0: which operation a request is, and what is wrong with
it or with its answer.

Files are read once per process; operations, patterns and validators are made when first needed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]  (its stubs)

from tests.support.forge import schemas
from tests.support.forge.operations import Operation, Template, read_operation
from tests.support.forge.schemas import Json

Query = list[tuple[str, str]]
COMMON_ERRORS = frozenset({401, 403, 404, 429, 500, 502, 503})
"""Errors that every operation may answer, described or not."""
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")


def specs_folder() -> Path:
    """Where the published descriptions are: TAMMA_TEST_SPECS, or `../shared/specs` beside the project.

    The tests' environment drops variables that steer Tamma and keeps TAMMA_TEST_*: both names are read.
    """
    beside = Path(__file__).resolve().parents[4] / "shared" / "specs"
    given = os.environ.get("TAMMA_TEST_SPECS") or os.environ.get("TAMMA_SPECS")
    return Path(given) if given else beside


@dataclass(frozen=True)
class Matched:
    operation: Operation
    at: dict[str, str]
    """The path's parameters."""


class Description:
    """One file.

    `base`: what the server puts before its paths (Swagger 2.0 says it itself). `slashes`: names of path
    parameters that hold slashes. `error_schema`: what errors that are not described have to be like.
    `common_errors`: statuses that any operation may answer. `amend`: where the publication is wrong, patterns
    of the problems to pass over, by operation ("GET /x", or "*"); say why in a comment. `paths_only`: nothing
    but paths and methods is to be believed. `strict_answers`: whether an answer may only have fields that are
    described, lest an adapter rest on something that we made up.
    """

    def __init__(
        self,
        path: Path,
        *,
        base: str | None = None,
        slashes: Collection[str] = (),
        error_schema: str | None = None,
        common_errors: Collection[int] = COMMON_ERRORS,
        amend: Mapping[str, tuple[str, ...]] | None = None,
        paths_only: bool = False,
        optional_may_be_null: bool | None = None,
        strict_answers: bool = True,
    ) -> None:
        self._root = read_paths(path) if paths_only else _read(path)
        self._swagger2 = "swagger" in self._root
        self.base = base if base is not None else self._root.get("basePath", "").rstrip("/")
        self._error_schema = error_schema
        self._common_errors = common_errors
        self._amend = amend or {}
        self._paths_only = paths_only
        self._strict_answers = strict_answers
        self._loose = self._swagger2 if optional_may_be_null is None else optional_may_be_null
        self._paths = {**self._root["paths"], **_overloads(self._root)}
        self._templates = sorted((Template(text, slashes) for text in self._paths), key=_order)
        self._operations: dict[str, Operation] = {}
        self._candidates: dict[int, list[Template]] = {}
        # References are followed here: the library's own registry reads a schema anew each time.
        self._validator: Any = extend(Draft202012Validator, {"$ref": self._follow})
        self._validators: dict[str, Any] = {}
        self._converted: dict[str, Any] = {}
        self._examples: dict[str, Any] = {}

    def match(self, method: str, path: str) -> Matched | None:
        """The operation for a raw (still escaped) path; literal segments win over parameters."""
        if not path.startswith(self.base):
            return None
        path = path[len(self.base) :]
        segments = path.split("/")
        for template in self._that_may_have(len(segments)):
            if method.lower() in self._paths[template.text]:
                at = template.match(path, segments)
                if at is not None:
                    return Matched(self.operation(f"{method.upper()} {template.text}"), at)
        return None

    def _that_may_have(self, segments: int) -> list[Template]:
        if segments not in self._candidates:
            self._candidates[segments] = [found for found in self._templates if found.may_have(segments)]
        return self._candidates[segments]

    def operation(self, name: str) -> Operation:
        if name not in self._operations:
            method, _, template = name.partition(" ")
            path = self._paths[template]
            made = read_operation(name, path.get("parameters", []), path[method.lower()], self.deref)
            self._operations[name] = made
        return self._operations[name]

    # --- problems -----------------------------------------------------------------------------------------

    def request_problems(
        self, operation: Operation, query: Query, media: str, body: Any, form: Collection[str] = ()
    ) -> list[str]:
        """What is not allowed in the query and in the body: JSON in `body`, fields of a form in `form`."""
        if self._paths_only:
            return []
        problems = self._query_problems(operation, query)
        if not media:
            problems += ["the body is missing"] if operation.body_required else []
        elif not operation.bodies:
            problems.append("a body is not described")
        elif media not in operation.bodies and "*/*" not in operation.bodies:
            problems.append(f"a body of {media!r} is not described")
        elif media == "application/json" or media.endswith("+json"):
            schema = operation.bodies.get(media) or operation.bodies.get("*/*")
            if schema:
                problems += self._problems(f"body:{operation.name}", schema, body)
                problems += schemas.undescribed(schema, body, self.deref)
        else:
            described = {name for place, name in operation.parameters if place == "formData"}
            schema = operation.bodies.get(media)
            described |= set(self.deref(schema).get("properties", {})) if schema else set()
            extra = sorted(set(form) - described) if described else []
            problems += [f"the field {name!r} is not described" for name in extra]
        return self._amended(operation.name, problems)

    def _query_problems(self, operation: Operation, query: Query) -> list[str]:
        problems: list[str] = []
        given = dict(query)
        for name, value in query:
            parameter = operation.parameters.get(("query", name))
            if parameter is None:
                problems.append(f"the query parameter {name!r} is not described")
                continue
            typed = _typed(self.deref(parameter.schema), value)
            problems += self._problems(f"query:{operation.name}:{name}", parameter.schema, typed)
        for place, name in operation.parameters:
            if place == "query" and operation.parameters[place, name].required and name not in given:
                problems.append(f"the query parameter {name!r} is missing")
        return problems

    def answer_problems(self, operation: Operation, status: int, body: Any) -> list[str]:
        """What is not allowed in an answer. `body`: JSON, text, bytes, or None."""
        if self._paths_only:
            return []
        described = operation.answers.get(str(status))
        if described is None and status >= 400:
            described = operation.answers.get("default")
        if described is None:
            if status == 304:
                return []
            if status not in self._common_errors:
                problems = [f"the status {status} is not described"]
            elif self._error_schema is None:
                return []
            else:
                problems = self._problems("error", self._schema_ref(self._error_schema), body)
            return self._amended(operation.name, problems)
        if not described or isinstance(body, str | bytes):
            return self._amended(operation.name, self._bodiless(described, status, body))
        found = next((schema for media, schema in described.items() if "json" in media), None)
        if found is None:
            found = next(iter(described.values()))
        if found is None:
            return []
        problems = self._problems(f"answer:{operation.name}:{status}", found, body)
        if self._strict_answers:
            problems += schemas.undescribed(found, body, self.deref)
        return self._amended(operation.name, problems)

    def _bodiless(self, described: dict[str, Json | None], status: int, body: Any) -> list[str]:
        if not described and body is not None and status < 400:
            return [f"a body with status {status} is not described"]
        return []

    def _amended(self, name: str, problems: list[str]) -> list[str]:
        patterns = (*self._amend.get("*", ()), *self._amend.get(name, ()))
        return [found for found in problems if not any(re.search(pattern, found) for pattern in patterns)]

    # --- making answers -----------------------------------------------------------------------------------

    def fill(self, name: str, values: Json) -> Json:
        """An object of the named schema: `values`, and something valid for every other required field."""
        if name not in self._examples:
            self._examples[name] = schemas.example(self._schema_ref(name), self.deref)
        return schemas.merge(self._examples[name], values)

    def _schema_ref(self, name: str) -> Json:
        return {"$ref": f"#/definitions/{name}" if self._swagger2 else f"#/components/schemas/{name}"}

    # --- schemas ------------------------------------------------------------------------------------------

    def _problems(self, key: str, schema: Json, value: Any) -> list[str]:
        validator = self._validators.get(key)
        if validator is None:
            validator = self._validators[key] = self._validator(self._convert(schema))
        errors: list[Any] = sorted(validator.iter_errors(value), key=_place)
        return [f"{_place(error)}: {error.message[:300]}" for error in errors]

    def _follow(self, validator: Any, reference: str, instance: Any, schema: Any) -> Any:
        """What jsonschema calls for a `$ref`."""
        if reference not in self._converted:
            self._converted[reference] = self._convert(self._lookup(reference.removeprefix("spec:")))
        return validator.descend(instance, self._converted[reference])

    def _convert(self, schema: Json) -> Any:
        return schemas.convert(schema, optional_may_be_null=self._loose)

    def _lookup(self, pointer: str) -> Json:
        found: Any = self._root
        for part in pointer.strip("/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return found

    def deref(self, value: Json) -> Json:
        while "$ref" in value:
            value = self._lookup(value["$ref"].removeprefix("#"))
        return value


@cache
def _read(path: Path) -> Json:
    return json.loads(path.read_bytes())


@cache
def read_paths(path: Path) -> Json:
    """Paths and methods of a YAML description, by its indentation: all of it would take seconds to read."""
    paths: dict[str, Json] = {}
    current: Json = {}
    for line in path.read_text("utf-8").splitlines():
        if found := re.fullmatch(r"  '?(/[^']*?)'?:", line):
            current = paths.setdefault(found[1], {})
        elif (found := re.fullmatch(r"    (\w+):", line)) and found[1] in _METHODS:
            current[found[1]] = {}
    return {"paths": paths}


def _overloads(root: Json) -> Json:
    """Azure's `x-ms-paths`: operations told apart by their query. They are one with their path's here, and
    what only one of them requires, none does."""
    made: Json = {}
    for key, path in root.get("x-ms-paths", {}).items():
        bare = key.partition("?")[0]
        target = made.setdefault(bare, dict(root["paths"].get(bare, {})))
        for method, spec in path.items():
            both = [*target.get(method, {}).get("parameters", []), *spec.get("parameters", [])]
            seen: dict[tuple[str, str], Json] = {}
            for parameter in both:
                place = parameter.get("in", ""), parameter.get("name", "")
                loose = place[0] == "query" and place[1] != "api-version"
                seen[place] = {**parameter, "required": False} if loose else parameter
            target[method] = {**spec, **target.get(method, {}), "parameters": list(seen.values())}
    return made


def _typed(schema: Json, value: str) -> Any:
    """A query's text as what the description means by it."""
    kind = schema.get("type")
    if kind in ("integer", "number") and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind == "array":
        return [_typed(schema.get("items", {}), item) for item in value.split(",")]
    return value


def _order(template: Template) -> tuple[int, int]:
    return template.order


def _place(error: Any) -> str:
    return ".".join(map(str, error.absolute_path)) or "(all)"
