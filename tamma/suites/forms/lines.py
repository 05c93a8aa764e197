"""YAML and JSON with the line of every value, so that what is wrong can be pointed at."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from tamma.errors import ConfigError

MOST_BYTES = 64 * 1024 * 1024
Loc = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Marked:
    """A file's value and, for each place in it, its line (from 1)."""

    value: object
    lines: dict[Loc, int] = field(default_factory=dict[Loc, int])

    def line_of(self, loc: Loc) -> int | None:
        """The line of a place, or of the nearest thing around it."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc)


def read_bytes(path: Path) -> bytes:
    """A suite's file. Raises ConfigError where it cannot be read or is too large."""
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for without end
            raise ConfigError(f"{str(path)!r} cannot be read: it is no file")
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{str(path)!r} is larger than {MOST_BYTES} bytes", hint="split the suite")
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{str(path)!r} cannot be read: {error.strerror}") from error


def read_text(path: Path) -> str:
    """The same as text. Raises ConfigError where it is not UTF-8."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{str(path)!r} is not UTF-8 text (byte {error.start})",
            hint="a suite is a JSONL, JSON or YAML file; a .parquet file has to be converted to JSONL first",
        ) from error


def parse(text: str, where: str, *, is_json: bool) -> Marked:
    """The value of a YAML or JSON text with its lines. Raises ConfigError with the line of a mistake."""
    if is_json:
        try:
            json.loads(text)
        except (ValueError, RecursionError) as error:
            line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
            message = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise ConfigError(f"{where}: line {line}: this is not JSON: {message}") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)  # JSON is YAML, but for what is caught below
        if root is None:
            raise ConfigError(f"{where}: the file is empty")
        lines: dict[Loc, int] = {}
        _mark(root, (), lines, set(), where)
        value = json.loads(text) if is_json else yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        if is_json:  # tabs, say: right as JSON, so its lines are just not known
            return Marked(json.loads(text))
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(
            f"{where}: line {line}: this is not YAML: {error.problem or error.context}",
            hint="quote values that contain a colon; indent by spaces",
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: this cannot be read as YAML: {error}") from error
    return Marked(value, lines)


def _mark(node: yaml.Node, loc: Loc, lines: dict[Loc, int], seen: set[int], where: str) -> None:
    line = node.start_mark.line + 1
    if id(node) in seen:
        # What aliases multiply would be read many times over.
        raise ConfigError(f"{where}: line {line}: aliases (`*name`) are not read", hint="write it out")
    seen.add(id(node))
    lines[loc] = line
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _mark(item, (*loc, number), lines, seen, where)
    elif isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for key, item in cast("list[tuple[Any, yaml.Node]]", node.value):
            name = str(key.value)
            if name in names:
                raise ConfigError(f"{where}: line {key.start_mark.line + 1}: {name!r} is given twice")
            names.add(name)
            _mark(item, (*loc, name), lines, seen, where)
            lines[*loc, name] = key.start_mark.line + 1
