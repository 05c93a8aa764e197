"""Small trees of each ecosystem, written to a disk, and what is found out about them, with its evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tamma.workspace.detect import detect
from tamma.workspace.ecosystems.needs import python_needs
from tamma.workspace.ecosystems.python_tools import tool_requirements
from tamma.workspace.ecosystems.reading import toml
from tamma.workspace.interface import ProjectProfile
from tests.workspace.conftest import write


@dataclass(frozen=True)
class Expected:
    ecosystem: str
    test: str | None
    source: str = ""
    install: tuple[str, ...] = ()
    lint: str | None = None
    build: str | None = None
    format: str | None = None


def scripts(**named: str) -> str:
    return json.dumps({"name": "x", "scripts": named})


PYTEST = "python -m pytest -q"
TREES: dict[str, tuple[Mapping[str, str], Expected]] = {
    "python with poetry": (
        {
            "pyproject.toml": '[tool.poetry]\nname = "x"\n'
            '[tool.poetry.group.dev.dependencies]\npytest = "^8.1"\n'
            '[build-system]\nrequires = ["poetry-core"]\n',
            "poetry.lock": "",
            "x/__init__.py": "",
        },
        Expected(
            "python",
            PYTEST,
            "pyproject.toml: [tool.poetry.group.dev.dependencies]",
            ("pip install -e '.'",),
        ),
    ),
    "python with uv": (
        {
            "pyproject.toml": '[project]\nname = "x"\n[dependency-groups]\n'
            'dev = ["pytest>=8"]\n[tool.ruff]\n',
            "uv.lock": "",
        },
        Expected(
            "python",
            PYTEST,
            "pyproject.toml: [dependency-groups] dev",
            ("pip install -e '.'", "pip install --group dev"),
            "ruff check .",
            None,
            "ruff format .",
        ),
    ),
    "python with hatch": (
        {
            "pyproject.toml": '[project]\nname = "x"\n[tool.hatch.envs.test]\ndependencies = ["pytest"]\n'
            "[tool.black]\n",
        },
        Expected(
            "python",
            PYTEST,
            "pyproject.toml: [tool.hatch.envs.test]",
            ("pip install -e '.'",),
            None,
            None,
            "black .",
        ),
    ),
    "python with tox": (
        {"tox.ini": "[testenv]\ncommands = stestr run\n"},
        Expected("python", "tox -q", "tox.ini"),
    ),
    "python with unittest": (
        {"a.py": "", "test_a.py": "import unittest\nclass T(unittest.TestCase): ...\n"},
        Expected("python", "python -m unittest discover -v", "test_a.py: unittest.TestCase"),
    ),
    "node with npm": (
        {"package.json": scripts(test="jest", lint="eslint .", build="tsc", format="prettier -w ."),
         "package-lock.json": "{}"},
        Expected("node", "npm test", "package.json: test", ("npm ci",), "npm run lint", "npm run build",
                 "npm run format"),
    ),
    "node with pnpm": (
        {"package.json": scripts(test="vitest"), "pnpm-lock.yaml": ""},
        Expected("node", "pnpm test", "package.json: test", ("pnpm install --frozen-lockfile",)),
    ),
    "node with pnpm that only package.json names": (
        {"package.json": json.dumps({"packageManager": "pnpm@9.1.0", "scripts": {"test": "vitest"}})},
        Expected("node", "pnpm test", "package.json: test", ("pnpm install",)),
    ),
    "node with old yarn": (
        {"package.json": scripts(test="jest"), "yarn.lock": ""},
        Expected("node", "yarn test", "package.json: test", ("yarn install --frozen-lockfile",)),
    ),
    "node with new yarn": (
        {"package.json": json.dumps({"packageManager": "yarn@4.5.0", "scripts": {"test": "jest"}}),
         "yarn.lock": ""},
        Expected("node", "yarn test", "package.json: test", ("yarn install --immutable",)),
    ),
    "node with bun": (
        {"package.json": scripts(test="bun test"), "bun.lock": ""},
        Expected("node", "bun run test", "package.json: test", ("bun install --frozen-lockfile",)),
    ),
    "go": (
        {"go.mod": "module x\n", "a_test.go": "package x\n"},
        Expected("go", "go test ./...", "go.mod", ("go mod download",), "go vet ./...", "go build ./...",
                 "gofmt -w ."),
    ),
    "rust": (
        {"Cargo.toml": "[package]\n", "src/lib.rs": "", "rustfmt.toml": ""},
        Expected("rust", "cargo test", "Cargo.toml", ("cargo fetch",), None, "cargo build", "cargo fmt"),
    ),
    "java with maven": (
        {"pom.xml": "<project/>", "mvnw": ""},
        Expected("java", "./mvnw -q -o test", "pom.xml", (), None, "./mvnw -q -o compile"),
    ),
    "java with gradle": (
        {"build.gradle.kts": 'plugins { id("com.diffplug.spotless") }', "gradlew": ""},
        Expected("java", "./gradlew --offline test", "build.gradle.kts", (), None,
                 "./gradlew --offline assemble", "./gradlew --offline spotlessApply"),
    ),
    "ruby": (
        {"Gemfile": "", "spec/a_spec.rb": "", ".rubocop.yml": ""},
        Expected("ruby", "bundle exec rspec", "spec/", ("bundle install",), "bundle exec rubocop", None,
                 "bundle exec rubocop -a"),
    ),
    "php": (
        {"composer.json": scripts(test="pest", lint="phpstan")},
        Expected("php", "composer run test", "composer.json: test", ("composer install",),
                 "composer run lint"),
    ),
    "dotnet": (
        {"App.sln": "", "src/App/App.csproj": "", "tests/T/T.csproj": ""},
        Expected("dotnet", "dotnet test --no-restore", "App.sln", ("dotnet restore",),
                 "dotnet format --no-restore --verify-no-changes", "dotnet build --no-restore",
                 "dotnet format --no-restore"),
    ),
    "elixir": (
        {"mix.exs": "", ".formatter.exs": "", "test/a_test.exs": ""},
        Expected("elixir", "mix test", "mix.exs", ("mix local.hex --force --if-missing && mix deps.get",),
                 "mix format --check-formatted", "mix compile", "mix format"),
    ),
    "dart": (
        {"pubspec.yaml": "name: x\n", "test/a_test.dart": ""},
        Expected("dart", "dart test", "pubspec.yaml, test/", ("dart pub get",), "dart analyze", None,
                 "dart format ."),
    ),
    "flutter": (
        {"pubspec.yaml": "dependencies:\n  flutter:\n    sdk: flutter\n", "test/a_test.dart": ""},
        Expected("dart", "flutter test", "pubspec.yaml, test/", ("flutter pub get",), "flutter analyze", None,
                 "dart format ."),
    ),
    "swift": (
        {"Package.swift": "", "Tests/XTests/X.swift": ""},
        Expected("swift", "swift test --disable-sandbox", "Package.swift, Tests/", ("swift package resolve",),
                 None, "swift build --disable-sandbox"),
    ),
    "c with cmake": (
        {"CMakeLists.txt": "add_subdirectory(tests)\n",
         "tests/CMakeLists.txt": "add_test(NAME a COMMAND a)\n"},
        Expected("cmake",
                 'cmake -S . -B "$HOME/build" && cmake --build "$HOME/build"'
                 ' && ctest --test-dir "$HOME/build" --output-on-failure',
                 "tests/CMakeLists.txt: add_test", (), None,
                 'cmake -S . -B "$HOME/build" && cmake --build "$HOME/build"'),
    ),
    "c with meson": (
        {"meson.build": ""},
        Expected("meson",
                 '{ [ -d "$HOME/build" ] || meson setup "$HOME/build"; } && meson compile -C "$HOME/build"'
                 ' && meson test -C "$HOME/build"',
                 "meson.build", (), None,
                 '{ [ -d "$HOME/build" ] || meson setup "$HOME/build"; } && meson compile -C "$HOME/build"'),
    ),
    "make": (
        {"Makefile": "check:\n\t./t\nfmt:\n\t./f\n"},
        Expected("make", "make check", "Makefile: check", (), None, None, "make fmt"),
    ),
}  # fmt: skip


def on_disk(folder: Path, files: Mapping[str, str], touched: tuple[str, ...] = ()) -> ProjectProfile:
    write(folder, files)
    paths = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]

    def read(path: str) -> str | None:
        return (folder / path).read_text() if (folder / path).is_file() else None

    return detect(paths, read, touched)


@pytest.mark.parametrize("name", TREES)
def test_each_ecosystem(name: str, tmp_path: Path) -> None:
    files, wanted = TREES[name]
    found = on_disk(tmp_path, files)
    commands = (found.test, found.lint, found.build, found.format)
    test, lint, build, form = (each.command if each else None for each in commands)
    assert found.ecosystems == (wanted.ecosystem,)
    assert (test, lint, build, form) == (wanted.test, wanted.lint, wanted.build, wanted.format)
    assert found.test is None or found.test.source == wanted.source
    assert tuple(each.command for each in found.install) == wanted.install
    assert all(each.source for each in (*(c for c in commands if c), *found.install))


@pytest.mark.parametrize(
    "files",
    [
        {"pubspec.yaml": "name: x\n"},
        {"Package.swift": ""},
        {"CMakeLists.txt": "project(x)\n"},
        {"composer.json": "[1]"},
        {"package.json": "[" * 5000},
    ],
)
def test_no_tests_are_invented(files: dict[str, str], tmp_path: Path) -> None:
    assert on_disk(tmp_path, files).test is None


@pytest.mark.parametrize(
    ("line", "pips"),
    [
        ('a = "^1.2.3"', "a>=1.2.3,<2"),
        ('a = "^0.2.3"', "a>=0.2.3,<0.3"),
        ('a = "^0.0.3"', "a>=0.0.3,<0.0.4"),
        ('a = "^0"', "a>=0,<1"),
        ('a = "~1.2.3"', "a>=1.2.3,<1.3"),
        ('a = "~1"', "a>=1,<2"),
        ('a = "*"', "a"),
        ('a = "1.2"', "a==1.2"),
        ('a = "1.2.*"', "a==1.2.*"),
        ('a = ">=1, <3"', "a>=1,<3"),
        ('a = "^1 || ^2"', "a"),
        ('a = {version = "^8.0", extras = ["x", "y"]}', "a[x,y]>=8.0,<9"),
    ],
)
def test_poetrys_versions_in_pips_words(line: str, pips: str) -> None:
    pyproject = toml(f"[tool.poetry.dev-dependencies]\npython = '^3.11'\nb = {{git = 'https://x'}}\n{line}\n")
    assert tool_requirements(pyproject) == [("pyproject.toml: [tool.poetry.dev-dependencies]", [pips])]


# --- several projects in one repository -------------------------------------------------------------

MONOREPO: dict[str, str] = {
    "README.md": "",
    "services/api/pyproject.toml": '[project]\nname = "api"\n'
    '[project.optional-dependencies]\ntest = ["pytest"]\n',
    "services/api/api.py": "",
    "services/api/requirements-dev.txt": "x",
    "packages/web/package.json": scripts(test="jest"),
    "packages/web/package-lock.json": "{}",
    "packages/web/node_modules/dep/package.json": scripts(test="no"),
    "examples/demo/package.json": scripts(test="no"),
    "tools/gen/go.mod": "module x\n",
    "tools/gen/inner/go.mod": "module y\n",
}


def test_projects_in_folders(tmp_path: Path) -> None:
    found = on_disk(tmp_path, MONOREPO)
    assert [(root.folder, root.ecosystems) for root in found.roots] == [
        ("packages/web", ("node",)),
        ("services/api", ("python",)),
        ("tools/gen", ("go",)),
    ]
    assert found.ecosystems == ("node", "python", "go")
    assert found.test is not None
    assert found.test.command == (
        f"(cd packages/web && npm test) && (cd services/api && {PYTEST}) && (cd tools/gen && go test ./...)"
    )
    assert found.test.source.startswith("packages/web/package.json: test; services/api/pyproject.toml")


@pytest.mark.parametrize(
    ("touched", "command", "install"),
    [
        ("packages/web/src/a.ts", "cd packages/web && npm test", "cd packages/web && npm ci"),
        ("tools/gen/inner/a.go", "cd tools/gen && go test ./...", "cd tools/gen && go mod download"),
    ],
)
def test_the_project_that_holds_the_touched_files(
    touched: str, command: str, install: str, tmp_path: Path
) -> None:
    found = on_disk(tmp_path, MONOREPO, (touched, "README.md"))
    assert found.test is not None
    assert found.test.command == command
    assert [each.command for each in found.install] == [install]


def test_the_environment_of_a_python_project_in_a_folder(tmp_path: Path) -> None:
    found = on_disk(tmp_path, MONOREPO, ("services/api/api.py",))

    def read(path: str) -> str | None:
        return MONOREPO.get(path)

    needs = python_needs(found, read)
    assert needs is not None
    assert needs.attempts[0] == (
        "-e", "./services/api[test]", "-r", "services/api/requirements-dev.txt", "pytest",
    )  # fmt: skip
    assert python_needs(on_disk(tmp_path, {}, ("tools/gen/a.go",)), read) is None


def test_tests_of_the_whole_come_first(tmp_path: Path) -> None:
    files = {**MONOREPO, "Makefile": "test:\n\tall\n"}
    found = on_disk(tmp_path, files, ("packages/web/a.ts",))
    assert found.test is not None
    assert found.test.command == "make test"
    assert len(found.roots) == 3
