"""A published OpenAPI 3.0 description: which operation a request is, whether it and its answer are valid.

GitHub's `oneOf` lists overlap (an issue's label fits two of them), so they are read as `anyOf`.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

Json = dict[str, Any]
_WITH_SLASHES = ("ref", "path", "branch")
"""Path parameters that may hold slashes where they end the path."""
_ANY_OPERATION = {401, 403, 404, 429, 500, 502, 503}
"""Errors that every operation may answer, described or not."""


def specs_folder() -> Path:
    """Where the published descriptions are: TAMMA_SPECS, or `../shared/specs` beside the project.

    The tests' environment drops variables that steer Tamma and keeps TAMMA_TEST_*: both names are read.
    """
    beside = Path(__file__).resolve().parents[3] / "shared" / "specs"
    given = os.environ.get("TAMMA_TEST_SPECS") or os.environ.get("TAMMA_SPECS")
    return Path(given) if given else beside


@dataclass(frozen=True)
class Operation:
    method: str
    template: str
    parameters: dict[str, str]
    spec: Json


class ApiDescription:
    """One description, its operations indexed; schemas are converted when first needed."""

    def __init__(self, path: Path) -> None:
        self._root: Json = json.loads(path.read_bytes())
        self._operations = sorted(self._root["paths"], key=_specificity)
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._validators: dict[str, Draft202012Validator] = {}
        self._examples: dict[str, Json] = {}
        self._resources: dict[str, Resource[Any]] = {}
        self._registry: Registry[Any] = Registry(retrieve=self._retrieve)  # pyright: ignore[reportCallIssue]

    def match(self, method: str, path: str) -> Operation | None:
        """The operation for a raw (still escaped) path; literal segments win over parameters."""
        for template in self._operations:
            found = self._pattern(template).fullmatch(path)
            operation = self._root["paths"][template].get(method.lower()) if found else None
            if found is not None and operation is not None:
                parameters = {name: unquote(value) for name, value in found.groupdict().items()}
                return Operation(method.upper(), template, parameters, operation)
        return None

    def request_problems(self, operation: Operation, query: dict[str, str], body: object) -> list[str]:
        """What the description does not allow in the query and body."""
        problems: list[str] = []
        described = {p["name"]: p for p in map(self._deref, operation.spec.get("parameters", []))}
        for name, value in query.items():
            parameter = described.get(name)
            if parameter is None or parameter["in"] != "query":
                problems.append(f"the query parameter {name!r} is not described")
                continue
            schema = self._deref(parameter["schema"])
            typed: object = int(value) if schema.get("type") == "integer" and value.isdigit() else value
            problems += self._problems(f"query:{operation.template}:{name}", schema, typed)
        wanted = operation.spec.get("requestBody")
        if wanted is None:
            return [*problems, "a body is not described"] if body is not None else problems
        schema = self._deref(wanted).get("content", {}).get("application/json", {}).get("schema")
        if body is None:
            return [*problems, "the body is missing"] if self._deref(wanted).get("required") else problems
        problems += self._problems(f"body:{operation.method}:{operation.template}", schema, body)
        known = self._deref(schema).get("properties")
        if isinstance(body, dict) and known:
            extra = set(cast("Json", body)) - set(known)
            problems += [f"the field {name!r} is not described" for name in sorted(extra)]
        return problems

    def response_problems(self, operation: Operation, status: int, body: object) -> list[str]:
        """What the description does not allow in an answer."""
        described = operation.spec["responses"].get(str(status))
        if described is None:
            if status not in _ANY_OPERATION:
                return [f"the status {status} is not described"]
            return self._problems("basic-error", {"$ref": "#/components/schemas/basic-error"}, body)
        content = self._deref(described).get("content", {}).get("application/json")
        if content is None:
            return [] if body is None else [f"a body with status {status} is not described"]
        key = f"answer:{operation.method}:{operation.template}:{status}"
        return self._problems(key, content["schema"], body)

    def fill(self, name: str, values: Json) -> Json:
        """An object of the named schema: `values`, and something valid for every other required field."""
        if name not in self._examples:
            self._examples[name] = self._example({"$ref": f"#/components/schemas/{name}"})
        return _merge(self._examples[name], values)

    def _problems(self, key: str, schema: Json, value: Any) -> list[str]:
        validator = self._validators.get(key)
        if validator is None:
            validator = Draft202012Validator(_convert(schema), registry=self._registry)
            self._validators[key] = validator
        found: Any = validator.iter_errors(value)  # pyright: ignore[reportUnknownMemberType]  (its stubs)
        errors: list[Any] = sorted(found, key=_place)
        return [f"{_place(error)}: {error.message[:300]}" for error in errors]

    def _retrieve(self, uri: str) -> Resource[Any]:
        # A registry never changes: what it retrieves is forgotten, so it is kept here.
        if uri not in self._resources:
            schema = _convert(self._lookup(uri.removeprefix("spec:")))
            self._resources[uri] = Resource(schema, DRAFT202012)
        return self._resources[uri]

    def _lookup(self, pointer: str) -> Json:
        found: Any = self._root
        for part in pointer.strip("/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return found

    def _deref(self, value: Json) -> Json:
        while "$ref" in value:
            value = self._lookup(value["$ref"].removeprefix("#"))
        return value

    def _pattern(self, template: str) -> re.Pattern[str]:
        pattern = self._patterns.get(template)
        if pattern is None:
            parts = re.split(r"\{([\w-]+)\}", template)
            built = re.escape(parts[0])
            for index in range(1, len(parts), 2):
                name, last = parts[index], index == len(parts) - 2 and not parts[index + 1]
                built += (
                    f"(?P<{name.replace('-', '_')}>{'.+' if last and name in _WITH_SLASHES else '[^/]+'})"
                )
                built += re.escape(parts[index + 1])
            pattern = self._patterns[template] = re.compile(built)
        return pattern

    def _example(self, schema: Json, depth: int = 0) -> Any:
        schema = self._deref(schema)
        if schema.get("nullable"):
            return None
        if "enum" in schema:
            return schema["enum"][0]
        if "allOf" in schema:
            merged: Json = {}
            for part in schema["allOf"]:
                merged = _merge(merged, self._example(part, depth + 1) or {})
            return merged
        for choice in ("oneOf", "anyOf"):
            if choice in schema and "type" not in schema:
                return self._example(schema[choice][0], depth + 1)
        kind = schema.get("type", "object")
        if kind == "object":
            properties = schema.get("properties", {})
            names = [name for name in schema.get("required", []) if name in properties]
            return {name: self._example(properties[name], depth + 1) for name in names}
        if kind == "string":
            formats = {"uri": "http://127.0.0.1/", "date-time": "2026-01-01T00:00:00Z"}
            return formats.get(schema.get("format", ""), "x" * schema.get("minLength", 0))
        plain: Json = {"array": [], "boolean": False}
        return plain.get(kind, schema.get("minimum", 0))


@cache
def github_description() -> ApiDescription | None:
    """GitHub's description, read once per process; None where the descriptions are not there."""
    path = specs_folder() / "github" / "api.github.com.json"
    return ApiDescription(path) if path.is_file() else None


def _specificity(template: str) -> tuple[int, int]:
    """Fewer parameters first, then the longer path: `commits/{ref}/status` before `commits/{ref}`."""
    return template.count("{"), -len(template)


def _place(error: Any) -> str:
    return ".".join(map(str, error.absolute_path)) or "(all)"


def _convert(schema: Any) -> Any:
    """OpenAPI 3.0's dialect to JSON Schema's: `nullable`, `oneOf` (see above), and references."""
    if isinstance(schema, list):
        return [_convert(item) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    schema = cast("Json", schema)
    if "$ref" in schema:
        return {"$ref": f"spec:{schema['$ref'].removeprefix('#')}"}
    skipped = ("nullable", "discriminator", "example", "examples", "xml", "format")
    converted = {
        ("anyOf" if key == "oneOf" else key): _convert(value)
        for key, value in schema.items()
        if key not in skipped and not key.startswith("x-")
    }
    return {"anyOf": [converted, {"type": "null"}]} if schema.get("nullable") is True else converted


def _merge(base: Any, values: Json) -> Json:
    merged: Json = dict(base or {})
    for key, value in values.items():
        nested = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], cast("Json", value)) if nested else value
    return merged
