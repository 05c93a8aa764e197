"""One operation of a published description, in one form for OpenAPI 3 and Swagger 2.0."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

Json = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    name: str
    place: str
    """query, path, header, formData."""
    required: bool
    schema: Json


@dataclass(frozen=True)
class Operation:
    """`name` is "GET /repos/{owner}"; bodies and answers by media type, a schema of None is no JSON."""

    name: str
    parameters: dict[tuple[str, str], Parameter]
    bodies: dict[str, Json | None] = field(default_factory=dict[str, "Json | None"])
    body_required: bool = False
    answers: dict[str, dict[str, Json | None]] = field(default_factory=dict[str, "dict[str, Json | None]"])
    """By status, or "default"."""


def read_operation(name: str, shared: list[Json], spec: Json, deref: Callable[[Json], Json]) -> Operation:
    """`shared`: the parameters of the path, which count for each of its operations."""
    parameters: dict[tuple[str, str], Parameter] = {}
    bodies: dict[str, Json | None] = {}
    required = False
    for raw in (*shared, *spec.get("parameters", [])):
        described = deref(raw)
        place = described["in"]
        if place == "body":
            bodies = dict.fromkeys(spec.get("consumes") or ["application/json"], described.get("schema", {}))
            required = bool(described.get("required"))
            continue
        schema = described.get("schema") or {k: v for k, v in described.items() if k in _SCHEMA_KEYS}
        parameters[place, described["name"]] = Parameter(
            described["name"], place, bool(described.get("required")), schema
        )
        if place == "formData":
            bodies = dict.fromkeys(spec.get("consumes") or ["multipart/form-data"])
    if "requestBody" in spec:
        body = deref(spec["requestBody"])
        required = bool(body.get("required"))
        bodies = {media.lower(): part.get("schema", {}) for media, part in body.get("content", {}).items()}
    answers = {status: _answer(deref(raw)) for status, raw in spec.get("responses", {}).items()}
    return Operation(name, parameters, bodies, required, answers)


_SCHEMA_KEYS = ("type", "items", "enum", "minimum", "maximum", "format", "pattern")


def _answer(described: Json) -> dict[str, Json | None]:
    if "content" in described:
        return {media.lower(): part.get("schema", {}) for media, part in described["content"].items()}
    if "schema" in described:
        schema = described["schema"]
        kind = "application/octet-stream" if schema.get("type") in ("file", "string") else "application/json"
        return {kind: schema}
    return {}


class Template:
    """A path with parameters, matched against a raw (still escaped) path.

    A parameter is one segment, in which `%2F` is a slash; those named in `slashes` may hold real ones.
    """

    def __init__(self, template: str, slashes: Collection[str] = ()) -> None:
        self.text = template
        self.segments = template.split("/")
        self.names = re.findall(r"\{([^}]+)\}", template)
        plain = all("{" not in part or re.fullmatch(r"\{[^}]+\}", part) for part in self.segments)
        self._simple = plain and not set(self.names) & set(slashes)
        self._slashes = slashes
        self._pattern: re.Pattern[str] | None = None

    @property
    def order(self) -> tuple[int, int]:
        """Fewer segments that may be anything first, then the longer path: `pulls/{index}.diff` before
        `pulls/{index}`, and `commits/{ref}/status` before `commits/{ref}`."""
        anything = sum(part.startswith("{") and part.endswith("}") for part in self.segments)
        composite = sum(part.count("{") > 1 for part in self.segments)
        return anything - composite, -len(self.text)

    def may_have(self, segments: int) -> bool:
        """Whether a path of so many segments can match."""
        more = set(self.names) & set(self._slashes)
        return segments >= len(self.segments) if more else segments == len(self.segments)

    def match(self, path: str, segments: list[str]) -> dict[str, str] | None:
        """The parameters, unescaped."""
        if self._simple:
            if len(segments) != len(self.segments):
                return None
            found: dict[str, str] = {}
            for part, given in zip(self.segments, segments, strict=True):
                if part.startswith("{"):
                    if not given:
                        return None
                    found[part[1:-1]] = unquote(given)
                elif part != given:
                    return None
            return found
        if self._pattern is None:
            self._pattern = self._compiled()
        matched = self._pattern.fullmatch(path)
        if matched is None:
            return None
        return dict(zip(self.names, map(unquote, matched.groups()), strict=True))

    def _compiled(self) -> re.Pattern[str]:
        built = ""
        for part in re.split(r"(\{[^}]+\})", self.text):
            if part.startswith("{"):
                built += "(.+)" if part[1:-1] in self._slashes else "([^/]+)"
            else:
                built += re.escape(part)
        return re.compile(built)
