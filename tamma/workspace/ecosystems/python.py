"""How a Python project is tested, linted and installed."""

from __future__ import annotations

import re

from tamma.workspace.ecosystems.found import Found, ReadFile
from tamma.workspace.ecosystems.reading import ini, table, toml
from tamma.workspace.ecosystems.requirements import (
    declared_requirements,
    is_for_tests,
    is_requirements,
    requirement_name,
    test_extras,
)
from tamma.workspace.interface import Command

_TEST_FILE = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test)\.py$")


def python(names: frozenset[str], read: ReadFile) -> Found | None:
    """pytest where anything asks for it, else what the tests are written for."""
    markers = {"pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "noxfile.py", "pytest.ini"}
    if not (markers & names or any(name.endswith(".py") for name in names)):
        return None
    pyproject = toml(read("pyproject.toml"))
    return Found(
        "python",
        test=_test(names, read, pyproject),
        lint=_lint(names, read, pyproject),
        install=_install(names, read, pyproject),
        format=_format(names, pyproject),
        typecheck=_typecheck(names, read, pyproject),
    )


def _test(names: frozenset[str], read: ReadFile, pyproject: dict[str, object]) -> Command | None:
    tests = [name for name in names if _TEST_FILE.search(name)]
    if source := _pytest_source(names, read, pyproject, tests):
        return Command("python -m pytest -q", source)
    if tests:
        unittest = _unittest_files(tests, read)
        if unittest:
            return Command(_unittest_command(tests, names), f"{unittest}: unittest.TestCase")
        return Command("python -m pytest -q", f"{min(tests)}: test functions")
    if "tox.ini" in names or "tox" in table(pyproject, "tool"):
        return Command("tox -q", "tox.ini" if "tox.ini" in names else "pyproject.toml: [tool.tox]")
    if "noxfile.py" in names:
        return Command("nox", "noxfile.py")
    return None


def _pytest_source(
    names: frozenset[str], read: ReadFile, pyproject: dict[str, object], tests: list[str]
) -> str | None:
    """Where the project says that pytest runs its tests."""
    if "pytest" in table(pyproject, "tool"):
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


def _lint(names: frozenset[str], read: ReadFile, pyproject: dict[str, object]) -> Command | None:
    tool = table(pyproject, "tool")
    if "ruff" in tool or {"ruff.toml", ".ruff.toml"} & names:
        return Command("ruff check .", "pyproject.toml: [tool.ruff]" if "ruff" in tool else "ruff.toml")
    if ".flake8" in names:
        return Command("flake8", ".flake8")
    for name in ("setup.cfg", "tox.ini"):
        if _has_section(read(name), "flake8"):
            return Command("flake8", f"{name}: [flake8]")
    return None


def _typecheck(names: frozenset[str], read: ReadFile, pyproject: dict[str, object]) -> Command | None:
    """mypy or pyright, where it is set up. mypy looks at all where its settings do not say at what."""
    tool = table(pyproject, "tool")
    if "mypy" in tool:
        named = {"files", "packages", "modules"} & table(tool, "mypy").keys()
        return Command("mypy" if named else "mypy .", "pyproject.toml: [tool.mypy]")
    for name in ("mypy.ini", ".mypy.ini", "setup.cfg"):
        if _has_section(text := read(name), "mypy"):
            settings = ini(text)
            named = any(settings.has_option("mypy", option) for option in ("files", "packages", "modules"))
            return Command("mypy" if named else "mypy .", f"{name}: [mypy]")
    if "pyright" in tool:
        return Command("pyright", "pyproject.toml: [tool.pyright]")
    return Command("pyright", "pyrightconfig.json") if "pyrightconfig.json" in names else None


def _has_section(text: str | None, name: str) -> bool:
    return f"\n[{name}]" in f"\n{text or ''}"


def _format(names: frozenset[str], pyproject: dict[str, object]) -> Command | None:
    tool = table(pyproject, "tool")
    if "black" in tool:
        return Command("black .", "pyproject.toml: [tool.black]")
    if "ruff" in tool or {"ruff.toml", ".ruff.toml"} & names:
        return Command("ruff format .", "pyproject.toml: [tool.ruff]" if "ruff" in tool else "ruff.toml")
    return None


def _install(names: frozenset[str], read: ReadFile, pyproject: dict[str, object]) -> tuple[Command, ...]:
    commands: list[Command] = []
    extras = test_extras(read, pyproject)
    groups = [group for group in table(pyproject, "dependency-groups") if is_for_tests(group)]
    buildable = "build-system" in pyproject or "project" in pyproject or "setup.py" in names
    buildable = buildable or "[metadata]" in (read("setup.cfg") or "")
    if buildable:
        source = "pyproject.toml" if pyproject else "setup.py" if "setup.py" in names else "setup.cfg"
        target = f".[{','.join(extras)}]" if extras else "."
        commands.append(Command(f"pip install -e '{target}'", source))
    commands += [Command(f"pip install --group {g}", f"pyproject.toml: {g}") for g in sorted(groups)]
    wanted = [n for n in names if is_requirements(n) and (not buildable or re.search(r"test|dev", n))]
    commands += [Command(f"pip install -r {name}", name) for name in sorted(wanted)]
    return tuple(commands)
