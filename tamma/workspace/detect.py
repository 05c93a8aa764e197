"""Find out how a project is tested and built by looking at its files. Pure: no command runs."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from dataclasses import dataclass
from typing import cast

from tamma.workspace.interface import Command, ProjectProfile

ReadFile = Callable[[str], str | None]
"""A small text file's content, or None where it is not there."""
_MOST_FILES = 20_000
_INSTRUCTIONS = (
    "AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md", ".cursorrules", "CONTRIBUTING.md",
    "CONTRIBUTING.rst", ".github/CONTRIBUTING.md", "docs/CONTRIBUTING.md", "CONTRIBUTING",
)  # fmt: skip
_TEST_FILE = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test)\.py$")
_MAKE_TARGET = re.compile(r"^(test|check|lint|build)\s*:(?!=)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Found:
    """What one ecosystem's detector found."""

    ecosystem: str
    test: Command | None = None
    lint: Command | None = None
    build: Command | None = None
    install: tuple[Command, ...] = ()


def detect(paths: Iterable[str], read: ReadFile) -> ProjectProfile:
    """The profile of a project with these tracked paths."""
    files = tuple(sorted(paths))
    names = frozenset(files)
    found = [one for detector in _DETECTORS if (one := detector(names, read)) is not None]
    instructions = tuple(path for path in _INSTRUCTIONS if path in names)
    return ProjectProfile(
        ecosystems=tuple(one.ecosystem for one in found),
        test=next((one.test for one in found if one.test), None),
        lint=next((one.lint for one in found if one.lint), None),
        build=next((one.build for one in found if one.build), None),
        install=tuple(command for one in found for command in one.install),
        instructions=instructions,
        files=files[:_MOST_FILES],
        files_total=len(files),
    )


# --- Python --------------------------------------------------------------------------------------


def _python(names: frozenset[str], read: ReadFile) -> Found | None:
    markers = {"pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "noxfile.py", "pytest.ini"}
    if not (markers & names or any(name.endswith(".py") for name in names)):
        return None
    pyproject = _toml(read("pyproject.toml"))
    return Found(
        "python",
        test=_python_test(names, read, pyproject),
        lint=_python_lint(names, pyproject),
        install=_python_install(names, read, pyproject),
    )


def _python_test(names: frozenset[str], read: ReadFile, pyproject: dict[str, object]) -> Command | None:
    tests = [name for name in names if _TEST_FILE.search(name)]
    if source := _pytest_source(names, read, pyproject, tests):
        return Command("python -m pytest -q", source)
    if tests:
        unittest = _unittest_files(tests, read)
        if unittest:
            return Command(_unittest_command(tests, names), f"{unittest}: unittest.TestCase")
        return Command("python -m pytest -q", f"{min(tests)}: test functions")
    if "tox.ini" in names or "tox" in _table(pyproject, "tool"):
        return Command("tox -q", "tox.ini" if "tox.ini" in names else "pyproject.toml: [tool.tox]")
    if "noxfile.py" in names:
        return Command("nox", "noxfile.py")
    return None


def _pytest_source(
    names: frozenset[str], read: ReadFile, pyproject: dict[str, object], tests: list[str]
) -> str | None:
    """Where the project says that pytest runs its tests."""
    if "pytest" in _table(pyproject, "tool"):
        return "pyproject.toml: [tool.pytest]"
    if "pytest.ini" in names:
        return "pytest.ini"
    if "[tool:pytest]" in (read("setup.cfg") or ""):
        return "setup.cfg: [tool:pytest]"
    tox = read("tox.ini") or ""
    if "[pytest]" in tox:
        return "tox.ini: [pytest]"
    if any(re.match(r"(?:.*/)?conftest\.py$", name) for name in names):
        return "conftest.py"
    if re.search(r"^\s*(?:python -m )?(?:py\.test|pytest)\b", tox, re.MULTILINE):
        return "tox.ini: commands"
    for where, requirements in declared_requirements(names, read, pyproject):
        if any(requirement_name(line) == "pytest" for line in requirements):
            return where
    if any(
        re.search(r"^\s*(?:import|from) pytest\b", read(name) or "", re.MULTILINE)
        for name in sorted(tests)[:20]
    ):
        return "tests import pytest"
    return None


def _unittest_files(tests: list[str], read: ReadFile) -> str | None:
    return next((name for name in sorted(tests)[:20] if "TestCase" in (read(name) or "")), None)


def _unittest_command(tests: list[str], names: frozenset[str]) -> str:
    """`unittest discover` begins at a folder and looks for test*.py in packages below it."""
    folders = {name.rpartition("/")[0] for name in tests}
    if "" in folders or len({folder.split("/")[0] for folder in folders}) > 1:
        return "python -m unittest discover -v"
    top = min(folder.split("/")[0] for folder in folders)
    pattern = "" if all(n.rpartition("/")[2].startswith("test") for n in tests) else " -p '*_test.py'"
    return (
        f"python -m unittest discover -v -s {top} -t .{pattern}"
        if f"{top}/__init__.py" in names
        else (f"python -m unittest discover -v -s {top}{pattern}")
    )


def _python_lint(names: frozenset[str], pyproject: dict[str, object]) -> Command | None:
    tool = _table(pyproject, "tool")
    if "ruff" in tool or {"ruff.toml", ".ruff.toml"} & names:
        return Command("ruff check .", "pyproject.toml: [tool.ruff]" if "ruff" in tool else "ruff.toml")
    if ".flake8" in names:
        return Command("flake8", ".flake8")
    return None


def declared_requirements(
    names: frozenset[str], read: ReadFile, pyproject: dict[str, object] | None = None
) -> list[tuple[str, list[str]]]:
    """(where, requirement lines) of everything that a Python project declares for its tests or for itself."""
    pyproject = _toml(read("pyproject.toml")) if pyproject is None else pyproject
    project = _table(pyproject, "project")
    found: list[tuple[str, list[str]]] = [
        ("pyproject.toml: [project] dependencies", _strings(project.get("dependencies")))
    ]
    for section, table in (
        ("[project.optional-dependencies]", _table(project, "optional-dependencies")),
        ("[dependency-groups]", _table(pyproject, "dependency-groups")),
    ):
        found += [(f"pyproject.toml: {section} {name}", _strings(value)) for name, value in table.items()]
    found += [(name, _requirement_lines(read(name))) for name in sorted(names) if is_requirements(name)]
    setup = ConfigParser()
    try:
        setup.read_string(read("setup.cfg") or "")
    except ConfigParserError:
        return [pair for pair in found if pair[1]]
    for section in ("options", "options.extras_require"):
        for option, value in setup.items(section) if setup.has_section(section) else ():
            if section != "options" or option in {"install_requires", "tests_require"}:
                found.append((f"setup.cfg: [{section}] {option}", value.split("\n")))
    return [(where, lines) for where, lines in found if any(line.strip() for line in lines)]


def is_requirements(path: str) -> bool:
    """Whether a path is a requirements file at the root or in `requirements/`."""
    return bool(re.fullmatch(r"(?:[\w.-]*requirements[\w.-]*|requirements/[\w.-]+)\.txt", path))


def requirement_name(line: str) -> str:
    """`pytest` of `pytest[extra]>=8 ; python_version>"3"`, normalized."""
    match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line)
    return re.sub(r"[-_.]+", "-", match.group(1)).lower() if match else ""


def _python_install(
    names: frozenset[str], read: ReadFile, pyproject: dict[str, object]
) -> tuple[Command, ...]:
    commands: list[Command] = []
    project = _table(pyproject, "project")
    extras = [e for e in _table(project, "optional-dependencies") if re.search(r"test|dev", e, re.IGNORECASE)]
    groups = [g for g in _table(pyproject, "dependency-groups") if re.search(r"test|dev", g, re.IGNORECASE)]
    buildable = "build-system" in pyproject or "project" in pyproject or "setup.py" in names
    buildable = buildable or "[metadata]" in (read("setup.cfg") or "")
    if buildable:
        source = "pyproject.toml" if pyproject else "setup.py" if "setup.py" in names else "setup.cfg"
        target = f".[{','.join(sorted(extras))}]" if extras else "."
        commands.append(Command(f"pip install -e '{target}'", source))
    commands += [Command(f"pip install --group {g}", f"pyproject.toml: {g}") for g in sorted(groups)]
    wanted = [n for n in names if is_requirements(n) and (not buildable or re.search(r"test|dev", n))]
    commands += [Command(f"pip install -r {name}", name) for name in sorted(wanted)]
    return tuple(commands)


# --- others --------------------------------------------------------------------------------------


def _node(names: frozenset[str], read: ReadFile) -> Found | None:
    if "package.json" not in names:
        return None
    try:
        package: object = json.loads(read("package.json") or "{}")
    except ValueError:
        package = {}
    scripts = _table(cast(dict[str, object], package) if isinstance(package, dict) else {}, "scripts")
    if "pnpm-lock.yaml" in names:
        manager, install = "pnpm", "pnpm install --frozen-lockfile"
    elif "yarn.lock" in names:
        manager, install = "yarn", "yarn install --frozen-lockfile"
    else:
        manager, install = "npm", "npm ci" if "package-lock.json" in names else "npm install"

    def script(name: str) -> Command | None:
        body = scripts.get(name)
        if not isinstance(body, str) or "no test specified" in body:
            return None
        return Command(
            f"{manager} run {name}" if name != "test" else f"{manager} test", f"package.json: {name}"
        )

    return Found("node", script("test"), script("lint"), script("build"), (Command(install, "package.json"),))


def _rust(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "Cargo.toml" not in names:
        return None
    return Found(
        "rust",
        test=Command("cargo test", "Cargo.toml"),
        build=Command("cargo build", "Cargo.toml"),
        install=(Command("cargo fetch", "Cargo.toml"),),
    )


def _go(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "go.mod" not in names:
        return None
    return Found(
        "go",
        test=Command("go test ./...", "go.mod"),
        lint=Command("go vet ./...", "go.mod"),
        build=Command("go build ./...", "go.mod"),
        install=(Command("go mod download", "go.mod"),),
    )


def _java(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "pom.xml" in names:
        run = "./mvnw" if "mvnw" in names else "mvn"
        return Found("java", test=Command(f"{run} -q -o test", "pom.xml"))
    if build := next((n for n in ("build.gradle", "build.gradle.kts") if n in names), None):
        run = "./gradlew" if "gradlew" in names else "gradle"
        return Found("java", test=Command(f"{run} --offline test", build))
    return None


def _ruby(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "Gemfile" not in names and "Rakefile" not in names:
        return None
    if ".rspec" in names or any(name.startswith("spec/") and name.endswith("_spec.rb") for name in names):
        test = Command("bundle exec rspec", "spec/")
    else:
        test = Command("bundle exec rake test", "Rakefile") if "Rakefile" in names else None
    install = (Command("bundle install", "Gemfile"),) if "Gemfile" in names else ()
    return Found("ruby", test=test, install=install)


def _php(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "composer.json" not in names:
        return None
    config = next((n for n in ("phpunit.xml", "phpunit.xml.dist") if n in names), None)
    test = Command("vendor/bin/phpunit", config) if config else None
    return Found("php", test=test, install=(Command("composer install", "composer.json"),))


def _make(names: frozenset[str], read: ReadFile) -> Found | None:
    name = next((n for n in ("Makefile", "GNUmakefile", "makefile") if n in names), None)
    if name is None:
        return None
    targets = set(_MAKE_TARGET.findall(read(name) or ""))

    def target(*wanted: str) -> Command | None:
        found = next((t for t in wanted if t in targets), None)
        return Command(f"make {found}", f"{name}: {found}") if found else None

    return Found("make", target("test", "check"), target("lint"), target("build"))


_DETECTORS: tuple[Callable[[frozenset[str], ReadFile], Found | None], ...] = (
    _python, _node, _rust, _go, _java, _ruby, _php, _make,
)  # fmt: skip


# --- reading -------------------------------------------------------------------------------------


def _toml(text: str | None) -> dict[str, object]:
    try:
        return tomllib.loads(text or "")
    except tomllib.TOMLDecodeError:
        return {}


def _table(parent: dict[str, object], name: str) -> dict[str, object]:
    value = parent.get(name)
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


def _strings(value: object) -> list[str]:
    return (
        [item for item in cast(list[object], value) if isinstance(item, str)]
        if isinstance(value, list)
        else []
    )


def _requirement_lines(text: str | None) -> list[str]:
    return [
        line
        for line in (text or "").splitlines()
        if line.strip() and not line.lstrip().startswith(("#", "-"))
    ]


# --- what a Python environment needs --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PythonNeeds:
    """What to install for a Python project."""

    attempts: tuple[tuple[str, ...], ...]
    """Arguments of `pip install`: all that is wanted first, then the least that may do."""
    fingerprint: tuple[str, ...]
    """The contents that decide whether a built environment still fits."""


def python_needs(profile: ProjectProfile, read: ReadFile) -> PythonNeeds | None:
    """What a Python project needs beyond the interpreter; None where the standard library serves."""
    if "python" not in profile.ecosystems:
        return None
    names = frozenset(profile.files)
    pyproject = _toml(read("pyproject.toml"))
    command = profile.test.command if profile.test else ""
    runner = next((tool for tool in ("pytest", "tox", "nox") if re.search(rf"\b{tool}\b", command)), None)
    declared = declared_requirements(names, read, pyproject)
    packaged = any(command.command.startswith("pip install -e") for command in profile.install)
    in_src = any(name.startswith("src/") and name.endswith(".py") for name in names)
    if runner is None and not declared and not (packaged and in_src) and "setup.py" not in names:
        return None
    own = _editable(names, pyproject, extras=True) if packaged else ()
    own_plain = _editable(names, pyproject, extras=False) if packaged else ()
    files = [n for n in sorted(names) if is_requirements(n) and (not packaged or re.search("test|dev", n))]
    extra = [word for name in files for word in ("-r", name)]
    groups = [line for name in _test_groups(pyproject) for line in _group(pyproject, name)]
    runners = (runner,) if runner else ()
    attempts = ((*own, *extra, *groups, *runners), (*own_plain, *runners))
    wanted = tuple(dict.fromkeys(attempt for attempt in attempts if attempt))
    manifests = ["pyproject.toml", "setup.py", "setup.cfg", *(n for n in sorted(names) if is_requirements(n))]
    return PythonNeeds(wanted, (repr(wanted), *(f"{name}\n{read(name) or ''}" for name in manifests)))


def _editable(names: frozenset[str], pyproject: dict[str, object], *, extras: bool) -> tuple[str, ...]:
    options = _table(_table(pyproject, "project"), "optional-dependencies")
    wanted = sorted(name for name in options if re.search(r"test|dev", name, re.IGNORECASE)) if extras else []
    return ("-e", f".[{','.join(wanted)}]" if wanted else ".")


def _test_groups(pyproject: dict[str, object]) -> list[str]:
    groups = _table(pyproject, "dependency-groups")
    return sorted(name for name in groups if re.search(r"test|dev", name, re.IGNORECASE))


def _group(pyproject: dict[str, object], name: str, seen: frozenset[str] = frozenset()) -> list[str]:
    """A dependency group's requirements, those of included groups among them (PEP 735)."""
    if name in seen:
        return []
    lines: list[str] = []
    for item in cast(list[object], _table(pyproject, "dependency-groups").get(name) or []):
        if isinstance(item, str):
            lines.append(item)
        elif isinstance(item, dict):
            included = cast(dict[str, object], item).get("include-group")
            if isinstance(included, str):
                lines += _group(pyproject, included, seen | {name})
    return lines
