"""Manifests are read as far as they are what they should be: other people wrote them."""

from __future__ import annotations

import tomllib
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from typing import cast

from tamma.model.foreign import read_json


def toml(text: str | None) -> dict[str, object]:
    try:
        return tomllib.loads(text or "")
    except tomllib.TOMLDecodeError:
        return {}


def ini(text: str | None) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text or "")
    except ConfigParserError:
        return ConfigParser(interpolation=None)
    return parser


def json_object(text: str | None) -> dict[str, object]:
    try:
        value = read_json(text or "{}")
    except ValueError:
        return {}
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


def table(parent: dict[str, object], name: str) -> dict[str, object]:
    value = parent.get(name)
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


def strings(value: object) -> list[str]:
    return (
        [item for item in cast(list[object], value) if isinstance(item, str)]
        if isinstance(value, list)
        else []
    )
