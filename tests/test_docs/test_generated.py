"""Generated blocks are up to date, and the configuration's reference leaves nothing out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from scripts import docs_cli, docs_configuration, docs_pages
from tamma.cli.main import COMMANDS
from tamma.config.layers import Layered
from tamma.config.load import load_config
from tamma.config.project import lay_project
from tamma.workspace import project_file
from tests.test_docs.pages import ROOT, Snippet, blocks, name_of


@pytest.mark.parametrize("page", docs_pages.pages(), ids=name_of)
def test_pages_are_up_to_date(page: Path) -> None:
    text = page.read_text("utf-8")
    assert docs_pages.renewed(text) == text, "run: .venv/bin/python scripts/docs_pages.py"


def test_the_schema_of_the_projects_file_is_up_to_date() -> None:
    assert docs_pages.SCHEMA.read_text("utf-8") == docs_pages.schema(), "run: scripts/docs_pages.py"


def test_the_example_of_a_projects_file_is_understood() -> None:
    examples = [block.text for block in blocks("jsonc")]
    assert len(examples) == 1
    said, troubles = project_file.parse(examples[0].encode())
    assert troubles == ()
    assert said.commands.test == "make check"
    assert lay_project(Layered(), json.loads(examples[0]), Path(".tamma.json")) == []


def test_every_block_has_a_place() -> None:
    text = "".join(page.read_text("utf-8") for page in docs_pages.pages())
    assert [name for name in docs_pages.BLOCKS if f"<!-- generated: {name} -->" not in text] == []


def test_the_reference_has_every_command() -> None:
    found = [ctx.command_path for ctx in docs_cli.contexts(docs_cli.root())]
    assert {f"tamma {name}" for name in COMMANDS} < set(found)
    assert "tamma budget add" in found


def test_every_key_has_words_or_a_plain_name() -> None:
    """What a key means is said at the schema; the few without words are named for what they are."""
    plain = {"host", "port", "database", "user", "clientCert", "clientKey", "maxWorkers", "taskQueueSize"}
    keys = [key for part in docs_configuration.parts() for key in part.keys]
    assert {key.path for key in keys if not key.meaning and key.path.rpartition(".")[2] not in plain} == set()


def test_every_key_has_an_example() -> None:
    shown: set[str] = set()
    for example in docs_configuration.EXAMPLES.values():
        shown |= set(_paths(example))
    keys = {key.path for part in docs_configuration.parts() for key in part.keys}
    assert keys - shown - {"providers.available[]", "platforms.available[]", "agents.available[]"} == set()


def _paths(value: Any, path: str = "") -> list[str]:
    found = [path]
    if isinstance(value, dict):
        for key, inner in value.items():  # pyright: ignore[reportUnknownVariableType] - JSON
            named = "NAME" if path == "mcpServers" else str(key)  # pyright: ignore[reportUnknownArgumentType]
            found += _paths(inner, f"{path}.{named}" if path else named)
    elif isinstance(value, list):
        for inner in value:  # pyright: ignore[reportUnknownVariableType] - JSON
            found += _paths(inner, f"{path}[]")
    return found


@pytest.mark.parametrize("example", blocks("json"), ids=str)
def test_examples_are_valid(example: Snippet, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(example.text)
    load_config(env={"TAMMA_HOME": str(tmp_path)}, config_path=file)


def test_the_project_example_is_allowed() -> None:
    examples = [block.text for block in blocks("json") if '"testCommand": "make check"' in block.text]
    assert len(examples) == 1
    assert lay_project(Layered(), json.loads(examples[0]), Path(".tamma.json")) == []


def test_diagrams_avoid_what_mermaid_takes_for_its_own() -> None:
    """A semicolon ends a statement, and the word `end` a block; GitHub then shows an error instead."""
    for diagram in blocks("mermaid"):
        said = [line.partition(":")[2] for line in diagram.text.splitlines()]
        assert not [line for line in said if ";" in line or "end" in line.split()], diagram


def test_the_picture_is_a_picture_without_outside_parts() -> None:
    text = (ROOT / "docs/images/demo.svg").read_text("utf-8")
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert "url(http" not in text
    assert "completed" in text
