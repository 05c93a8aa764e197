"""Which commands of a project judge a change beside its tests: those that it plainly has."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tamma.workspace.detect import detect
from tamma.workspace.wishes import read_wishes

RUFF, MYPY = "[tool.ruff]\n", "[tool.mypy]\n"
SCRIPTS = '{"scripts": {"test": "jest", "lint": "eslint .", "build": "tsc -b", "typecheck": "tsc"}}'


@pytest.mark.parametrize(
    ("files", "gates"),
    [
        ({"pyproject.toml": RUFF + MYPY}, {"typecheck": "mypy .", "lint": "ruff check ."}),
        ({"pyproject.toml": RUFF + MYPY + 'files = ["x"]\n'}, {"typecheck": "mypy", "lint": "ruff check ."}),
        ({"a.py": "", "mypy.ini": "[mypy]\npackages = x\n"}, {"typecheck": "mypy"}),
        ({"a.py": "", "setup.cfg": "[options]\npackages = x\n[mypy]\nstrict=1\n"}, {"typecheck": "mypy ."}),
        ({"a.py": "", "pyrightconfig.json": "{}"}, {"typecheck": "pyright"}),
        ({"a.py": "", "setup.cfg": "[metadata]\n[flake8]\nmax-line-length = 99\n"}, {"lint": "flake8"}),
        ({"a.py": "", "tox.ini": "[testenv]\ncommands = flake8\n"}, {}),
        ({"a.py": "", "Makefile": "lint:\n\truff check .\nbuild:\n\ttrue\n"}, {}),
        ({"package.json": SCRIPTS}, {"build": "npm run build", "typecheck": "npm run typecheck"}),
        (
            {"package.json": SCRIPTS, "eslint.config.mjs": ""},
            {"build": "npm run build", "typecheck": "npm run typecheck", "lint": "npm run lint"},
        ),
        ({"package.json": '{"scripts": {"lint": "x"}, "eslintConfig": {}}'}, {"lint": "npm run lint"}),
        ({"go.mod": "module x\n"}, {"build": "go build ./..."}),
        ({"go.mod": "", ".golangci.yml": ""}, {"build": "go build ./...", "lint": "golangci-lint run"}),
        ({"Cargo.toml": "[package]\n"}, {}),
        ({"Gemfile": "", ".rubocop.yml": ""}, {"lint": "bundle exec rubocop"}),
        ({"Gemfile": ""}, {}),
        ({"composer.json": '{"scripts": {"lint": "phpcs"}}'}, {}),
        ({"composer.json": '{"scripts": {"lint": "phpcs"}}', "phpcs.xml": ""}, {"lint": "composer run lint"}),
    ],
)  # fmt: skip
def test_only_what_is_set_up_is_a_gate(files: Mapping[str, str], gates: Mapping[str, str]) -> None:
    found = detect(files, files.get)
    assert {gate.name: gate.command.command for gate in found.gates} == gates
    assert [gate.name for gate in found.gates] == list(gates)


def test_what_the_repository_names_is_a_gate_whatever_it_is() -> None:
    files = {"pyproject.toml": RUFF + MYPY}
    said = read_wishes(b'{"commands": {"build": "make", "lint": "make lint"}}')
    gates = {gate.name: gate.command for gate in said.heard_in(detect(files, files.get)).gates}
    assert [(name, command.command) for name, command in gates.items()] == [
        ("build", "make"), ("typecheck", "mypy ."), ("lint", "make lint"),
    ]  # fmt: skip
    assert gates["lint"].source == ".tamma.json: lint"
