"""Detection of tests and builds, from files alone."""

from __future__ import annotations

import json

import pytest

from tamma.workspace.detect import detect
from tamma.workspace.ecosystems.needs import python_needs
from tamma.workspace.ecosystems.requirements import requirement_name
from tamma.workspace.interface import ProjectProfile


def profile(files: dict[str, str]) -> ProjectProfile:
    return detect(files, files.get)


PYTEST_FILE = "import pytest\n\ndef test_x(): ...\n"
UNITTEST_FILE = "import unittest\n\nclass T(unittest.TestCase): ...\n"


@pytest.mark.parametrize(
    ("files", "command", "source"),
    [
        (
            {"pyproject.toml": "[tool.pytest.ini_options]\n"},
            "python -m pytest -q",
            "pyproject.toml: [tool.pytest]",
        ),
        ({"pytest.ini": "", "a.py": ""}, "python -m pytest -q", "pytest.ini"),
        ({"setup.cfg": "[tool:pytest]\n"}, "python -m pytest -q", "setup.cfg: [tool:pytest]"),
        ({"tox.ini": "[pytest]\n"}, "python -m pytest -q", "tox.ini: [pytest]"),
        ({"tests/conftest.py": "", "setup.py": ""}, "python -m pytest -q", "conftest.py"),
        (
            {"tox.ini": "[testenv]\ncommands =\n    pytest {posargs}\n"},
            "python -m pytest -q",
            "tox.ini: commands",
        ),
        (
            {"pyproject.toml": '[project.optional-dependencies]\ntest = ["PyTest >= 8"]\n', "test_a.py": ""},
            "python -m pytest -q",
            "pyproject.toml: [project.optional-dependencies] test",
        ),
        (
            {"requirements-dev.txt": "# tools\npytest==8\n", "a.py": ""},
            "python -m pytest -q",
            "requirements-dev.txt",
        ),
        ({"tests/test_a.py": PYTEST_FILE}, "python -m pytest -q", "tests import pytest"),
        (
            {"tests/test_a.py": "def test_x(): ...\n"},
            "python -m pytest -q",
            "tests/test_a.py: test functions",
        ),
        (
            {"tests/test_a.py": UNITTEST_FILE, "tests/__init__.py": "", "a.py": ""},
            "python -m unittest discover -v -s tests -t .",
            "tests/test_a.py: unittest.TestCase",
        ),
        (
            {"tests/test_a.py": UNITTEST_FILE},
            "python -m unittest discover -v -s tests",
            "tests/test_a.py: unittest.TestCase",
        ),
        ({"test_a.py": UNITTEST_FILE}, "python -m unittest discover -v", "test_a.py: unittest.TestCase"),
        ({"tox.ini": "[tox]\nenvlist = py311\n", "a.py": ""}, "tox -q", "tox.ini"),
        ({"noxfile.py": ""}, "nox", "noxfile.py"),
        ({"package.json": json.dumps({"scripts": {"test": "jest"}})}, "npm test", "package.json: test"),
        (
            {"package.json": json.dumps({"scripts": {"test": "jest"}}), "yarn.lock": ""},
            "yarn test",
            "package.json: test",
        ),
        (
            {"package.json": json.dumps({"scripts": {"test": "vitest"}}), "pnpm-lock.yaml": ""},
            "pnpm test",
            "package.json: test",
        ),
        ({"Cargo.toml": ""}, "cargo test", "Cargo.toml"),
        ({"go.mod": ""}, "go test ./...", "go.mod"),
        ({"Makefile": "all: x\n\ntest: all\n\t./t\n"}, "make test", "Makefile: test"),
        ({"Makefile": "check:\n\t./t\n"}, "make check", "Makefile: check"),
        ({"pom.xml": "", "mvnw": ""}, "./mvnw -q -o test", "pom.xml"),
        ({"build.gradle.kts": "", "gradlew": ""}, "./gradlew --offline test", "build.gradle.kts"),
        ({"Gemfile": "", "spec/a_spec.rb": ""}, "bundle exec rspec", "spec/"),
        ({"composer.json": "{}", "phpunit.xml.dist": ""}, "vendor/bin/phpunit", "phpunit.xml.dist"),
    ],
)
def test_the_test_command_and_its_source(files: dict[str, str], command: str, source: str) -> None:
    found = profile(files).test
    assert found is not None
    assert (found.command, found.source) == (command, source)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"README.md": "test:"},
        {"package.json": json.dumps({"scripts": {"test": 'echo "Error: no test specified" && exit 1'}})},
        {"package.json": "{broken"},
        {"pyproject.toml": "[broken", "a.py": ""},
        {"Makefile": "TEST := x\nbuild:\n"},
        {"setup.cfg": "broken [", "a.py": ""},
    ],
)
def test_no_command_is_invented(files: dict[str, str]) -> None:
    assert profile(files).test is None


def test_several_ecosystems_and_instructions() -> None:
    found = profile(
        {
            "pyproject.toml": "[project]\nname='x'\n[tool.ruff]\n",
            "package.json": json.dumps({"scripts": {"lint": "eslint ."}}),
            "package-lock.json": "",
            "CONTRIBUTING.md": "",
            "AGENTS.md": "",
            "Makefile": "test:\n",
        }
    )
    assert found.ecosystems == ("python", "node", "make")
    assert found.instructions == ("AGENTS.md", "CONTRIBUTING.md")
    assert found.lint is not None
    assert found.lint.command == "ruff check ."
    assert [command.command for command in found.install] == ["pip install -e '.'", "npm ci"]
    assert found.files_total == 6


def test_long_lists_of_files_are_cut() -> None:
    found = detect((f"f{n}.txt" for n in range(21_000)), lambda _path: None)
    assert (len(found.files), found.files_total) == (20_000, 21_000)


# --- what a Python environment needs ----------------------------------------------------------------


def needs(files: dict[str, str]) -> tuple[tuple[str, ...], ...] | None:
    found = python_needs(profile(files), files.get)
    return None if found is None else found.attempts


def test_the_standard_library_alone_needs_nothing() -> None:
    assert needs({"app.py": "", "test_app.py": UNITTEST_FILE}) is None
    assert (
        needs({"app.py": "", "pyproject.toml": "[project]\nname='x'\n", "test_app.py": UNITTEST_FILE}) is None
    )
    assert needs({"go.mod": ""}) is None


def test_pytest_comes_along_where_it_runs_the_tests() -> None:
    assert needs({"app.py": "", "test_app.py": PYTEST_FILE}) == (("pytest",),)


def test_extras_groups_and_requirements_first_then_the_least_that_may_do() -> None:
    files = {
        "pyproject.toml": """
[project]
name = "x"
dependencies = ["a"]
[project.optional-dependencies]
tests = ["b"]
docs = ["sphinx"]
[dependency-groups]
dev = ["c", {include-group = "more"}]
more = ["d", {include-group = "dev"}]
[tool.pytest.ini_options]
""",
        "requirements.txt": "a",
        "requirements-test.txt": "e",
        "src/x.py": "",
    }
    assert needs(files) == (
        ("-e", ".[tests]", "-r", "requirements-test.txt", "c", "d", "pytest"),
        ("-e", ".", "pytest"),
    )
    assert needs({"a.py": "", "requirements.txt": "a"}) == (("-r", "requirements.txt"),)


SETUP = {"setup.py": "", "a.py": "", "test_a.py": PYTEST_FILE}


@pytest.mark.parametrize(
    ("files", "attempts"),
    [
        (
            {"setup.cfg": "[options.extras_require]\ntests =\n    pytest-mock\nweb = x\n"},
            (("-e", ".[tests]", "pytest"), ("-e", ".", "pytest")),
        ),
        (
            # setuptools reads it there alone
            {
                "setup.cfg": "[options.extras_require]\ntests = x\n",
                "pyproject.toml": "[project]\nname = 'a'\n",
            },
            (("-e", ".", "pytest"),),
        ),
        (
            {
                "tox.ini": "[testenv]\ndeps =\n    pytest-cov[toml]>=4,<9  \n    lib ; python_version > '3'\n"
                "    py39: old\n    -rdev.txt\n    {[testenv:x]deps}\n    git+https://x.invalid\n    ./y\n"
            },
            (
                ("-e", ".", "pytest-cov[toml]>=4,<9", "lib ; python_version > '3'", "pytest"),
                ("-e", ".", "pytest"),
            ),
        ),
        (
            {"tox.ini": "[testenv]\ndeps = old==1\n", "requirements-dev.txt": "new"},
            (("-e", ".", "-r", "requirements-dev.txt", "pytest"), ("-e", ".", "pytest")),
        ),
        ({"tox.ini": "broken [", "setup.cfg": "[a"}, (("-e", ".", "pytest"),)),
    ],
)
def test_what_setup_cfg_and_tox_say(files: dict[str, str], attempts: tuple[tuple[str, ...], ...]) -> None:
    assert needs({**SETUP, **files}) == attempts


def test_what_tests_need_beside_a_project_that_cannot_be_built() -> None:
    pyproject = """
[project]
name = "It.Self"
dependencies = ["a>=1"]
[project.optional-dependencies]
test = ["b"]
dev = ["it-self[test]", "c"]
"""
    found = python_needs(
        profile({"pyproject.toml": pyproject, "test_a.py": PYTEST_FILE}), {"pyproject.toml": pyproject}.get
    )
    assert found is not None
    assert found.bare == (("a>=1", "c", "b", "pytest"), ("a>=1", "pytest"))
    alone = {"setup.cfg": "[options]\ninstall_requires =\n  a\n", **SETUP}
    found = python_needs(profile(alone), alone.get)
    assert found is not None
    assert found.bare == (("a", "pytest"),)
    unpackaged = python_needs(profile({"test_a.py": PYTEST_FILE}), {"test_a.py": PYTEST_FILE}.get)
    assert unpackaged is not None
    assert unpackaged.bare == ()


def test_names_of_requirements() -> None:
    assert requirement_name("PyTest_Cov[x] >=8 ; python_version > '3'") == "pytest-cov"
    assert requirement_name("-r other.txt") == ""
