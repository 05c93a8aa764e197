"""Any suite's file: its form is seen by its content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from tamma.errors import ConfigError
from tamma.model.suite import Suite
from tamma.suites.content import make_suite
from tamma.suites.forms.lines import read_text
from tamma.suites.forms.native import read_native
from tamma.suites.forms.swebench import Reading, looks_like, read_tasks


def read_suite(path: Path, *, name: str = "", reading: Reading | None = None) -> Suite:
    """The suite in `path`: SWE-bench's JSONL (or JSON list), or the native YAML or JSON form.

    `name` goes before the file's own; a SWE-bench file is called like the file. Raises ConfigError.
    """
    if path.suffix == ".parquet":
        raise ConfigError(
            f"{str(path)!r} is a Parquet file",
            hint="convert it first: python -c \"import pandas; pandas.read_parquet('F').to_json('F.jsonl', "
            "orient='records', lines=True)\"",
        )
    if _is_swebench(path):
        tasks = read_tasks(read_text(path), path.name, reading or Reading())
        given = name or path.name.removesuffix(path.suffix)
        return make_suite(given, tasks, description=f"read from {path.name}")
    return read_native(path, name=name)


def _is_swebench(path: Path) -> bool:
    if path.suffix in (".jsonl", ".ndjson"):
        return True
    if path.suffix != ".json":
        return False
    try:
        raw = json.loads(read_text(path))
    except (ValueError, RecursionError):
        return False  # the native form's reader says where it is wrong
    if not isinstance(raw, list):
        return looks_like(raw)
    listed = cast("list[object]", raw)
    return bool(listed) and looks_like(listed[0])
