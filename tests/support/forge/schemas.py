"""OpenAPI's schemas as JSON Schema, and what a value has that its schema does not name. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

Json = dict[str, Any]
_SKIPPED = frozenset(
    {"nullable", "discriminator", "example", "examples", "xml", "format", "readOnly", "title"}
)


def convert(schema: Any, *, optional_may_be_null: bool = False) -> Any:
    """OpenAPI 3.0's and Swagger 2.0's dialects to JSON Schema's: `nullable`, references (to `spec:…`), and
    `oneOf` as `anyOf`, for published lists overlap (an issue's label on GitHub fits two of them).

    `optional_may_be_null`: Swagger 2.0 has no word for null, and servers in Go send it for what is not there.
    """
    if isinstance(schema, list):
        items = cast("list[Any]", schema)
        return [convert(item, optional_may_be_null=optional_may_be_null) for item in items]
    if not isinstance(schema, dict):
        return schema
    schema = cast("Json", schema)
    if "$ref" in schema:
        return {"$ref": f"spec:{schema['$ref'].removeprefix('#')}"}
    converted: Json = {}
    for key, value in schema.items():
        if key == "properties":
            converted[key] = _properties(value, schema.get("required", []), optional_may_be_null)
        elif key == "required" and isinstance(value, bool):
            continue  # Swagger 2.0 in the wild: the flag of a parameter, on a schema
        elif key not in _SKIPPED and not key.startswith("x-"):
            name = "anyOf" if key == "oneOf" else key
            converted[name] = convert(value, optional_may_be_null=optional_may_be_null)
    if converted.get("type") == "file":
        converted = {}
    if schema.get("nullable") is True or schema.get("x-nullable") is True:
        return {"anyOf": [converted, {"type": "null"}]}
    return converted


def _properties(properties: Json, required: list[str] | bool, optional_may_be_null: bool) -> Json:
    converted: Json = {}
    always = required if isinstance(required, list) else []
    for name, schema in properties.items():
        made = convert(schema, optional_may_be_null=optional_may_be_null)
        loose = optional_may_be_null and name not in always
        converted[name] = {"anyOf": [made, {"type": "null"}]} if loose else made
    return converted


def undescribed(
    schema: Json, value: Any, deref: Callable[[Json], Json], place: str = "", depth: int = 0
) -> list[str]:
    """Fields of `value` that no part of its schema names; where a schema names none, all are allowed."""
    if depth > 6:
        return []
    if isinstance(value, list):
        items: Json = deref(schema).get("items", {})
        found: list[str] = []
        for item in cast("list[Any]", value) if items else []:
            found += undescribed(items, item, deref, place, depth + 1)
        return found
    if not isinstance(value, dict):
        return []
    named = _named(schema, deref)
    if not named:
        return []
    problems: list[str] = []
    for name, part in cast("Json", value).items():
        where = f"{place}.{name}".lstrip(".")
        if name not in named:
            problems.append(f"the field {where!r} is not described")
        elif named[name]:
            problems += undescribed(named[name], part, deref, where, depth + 1)
    return problems


def _named(schema: Json, deref: Callable[[Json], Json], depth: int = 0) -> Json | None:
    """The properties of a schema and of all that it is made of; None where others are allowed."""
    schema = deref(schema)
    if schema.get("additionalProperties"):
        return None
    named: Json = dict(schema.get("properties", {}))
    for key in ("allOf", "oneOf", "anyOf"):
        parts: list[Json] = schema.get(key, []) if depth < 6 else []
        for part in parts:
            more = _named(part, deref, depth + 1)
            if more is None:
                return None
            # The same field in several alternatives: whose fields are meant is not known.
            named |= {name: ({} if name in named else value) for name, value in more.items()}
    return named


def example(schema: Json, deref: Callable[[Json], Json], depth: int = 0) -> Any:
    """Something valid and small."""
    schema = deref(schema)
    if schema.get("nullable"):
        return None
    if "enum" in schema:
        return schema["enum"][0]
    if "allOf" in schema:
        merged: Json = {}
        for part in schema["allOf"]:
            merged = merge(merged, example(part, deref, depth + 1) or {})
        return merged
    for choice in ("oneOf", "anyOf"):
        if choice in schema and "type" not in schema:
            return example(schema[choice][0], deref, depth + 1)
    kind = schema.get("type", "object")
    if kind == "object":
        properties = schema.get("properties", {})
        names = [name for name in schema.get("required", []) if name in properties]
        return {name: example(properties[name], deref, depth + 1) for name in names}
    if kind == "string":
        formats = {"uri": "http://127.0.0.1/", "date-time": "2026-01-01T00:00:00Z"}
        return formats.get(schema.get("format", ""), "x" * schema.get("minLength", 0))
    plain: Json = {"array": [], "boolean": False}
    return plain.get(kind, schema.get("minimum", 0))


def merge(base: Any, values: Json) -> Json:
    """`values` over `base`, objects within objects too."""
    merged: Json = dict(base or {})
    for key, value in values.items():
        nested = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], cast("Json", value)) if nested else value
    return merged
