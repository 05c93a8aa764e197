"""What a Python project declares that it needs, wherever it declares it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from configparser import ConfigParser

from tamma.workspace.ecosystems.found import ReadFile
from tamma.workspace.ecosystems.python_tools import tool_requirements
from tamma.workspace.ecosystems.reading import ini, strings, table, toml

_PLAIN = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[\w,. -]+\])?\s*(?:[<>=!~][^:{}]*)?(?:;[^{}]*)?")


def declared_requirements(
    names: frozenset[str], read: ReadFile, pyproject: dict[str, object] | None = None
) -> list[tuple[str, list[str]]]:
    """(where, requirement lines) of everything that a Python project declares for its tests or for itself."""
    pyproject = toml(read("pyproject.toml")) if pyproject is None else pyproject
    project = table(pyproject, "project")
    found: list[tuple[str, list[str]]] = [
        ("pyproject.toml: [project] dependencies", strings(project.get("dependencies")))
    ]
    for section, groups in (
        ("[project.optional-dependencies]", table(project, "optional-dependencies")),
        ("[dependency-groups]", table(pyproject, "dependency-groups")),
    ):
        found += [(f"pyproject.toml: {section} {name}", strings(value)) for name, value in groups.items()]
    found += tool_requirements(pyproject)
    found += [(name, _requirement_lines(read(name))) for name in sorted(names) if is_requirements(name)]
    setup = ini(read("setup.cfg"))
    for option in ("install_requires", "tests_require"):
        found.append((f"setup.cfg: [options] {option}", _lines(setup, "options", option)))
    for name in _options(setup, "options.extras_require"):
        where = f"setup.cfg: [options.extras_require] {name}"
        found.append((where, _lines(setup, "options.extras_require", name)))
    found.append(("tox.ini: [testenv] deps", tox_requirements(read)))
    return [(where, lines) for where, lines in found if any(line.strip() for line in lines)]


def own_requirements(read: ReadFile, pyproject: dict[str, object]) -> list[str]:
    """What a project needs to run, as far as its files say so without being run."""
    if "project" in pyproject:
        return strings(table(pyproject, "project").get("dependencies"))
    return _lines(ini(read("setup.cfg")), "options", "install_requires")


def test_extras(read: ReadFile, pyproject: dict[str, object]) -> dict[str, list[str]]:
    """The optional dependencies that are for tests or development: their names, sorted, and their lines.

    setuptools does not look into setup.cfg where pyproject.toml has a project.
    """
    if "project" in pyproject:
        extras = table(table(pyproject, "project"), "optional-dependencies")
        found = {name: strings(lines) for name, lines in extras.items()}
    else:
        section, setup = "options.extras_require", ini(read("setup.cfg"))
        found = {name: _lines(setup, section, name) for name in _options(setup, section)}
    return {name: found[name] for name in sorted(found) if is_for_tests(name)}


def is_for_tests(name: str) -> bool:
    """Whether a group of requirements is called as those for tests or development are."""
    return re.search(r"test|dev", name, re.IGNORECASE) is not None


def tox_requirements(read: ReadFile) -> list[str]:
    """What tox installs for the tests, where it always does: no other file may say which plugins they need.

    Lines for some environments alone, paths, addresses and references to other sections are left out.
    """
    return [line for line in _lines(ini(read("tox.ini")), "testenv", "deps") if _PLAIN.fullmatch(line)]


def _options(settings: ConfigParser, section: str) -> Sequence[str]:
    return settings.options(section) if settings.has_section(section) else ()


def _lines(settings: ConfigParser, section: str, option: str) -> list[str]:
    value = settings.get(section, option, fallback="")
    return [line.strip() for line in value.split("\n") if line.strip()]


def is_requirements(path: str) -> bool:
    """Whether a path is a requirements file at the root or in `requirements/`."""
    return bool(re.fullmatch(r"(?:[\w.-]*requirements[\w.-]*|requirements/[\w.-]+)\.txt", path))


def requirement_name(line: str) -> str:
    """`pytest` of `pytest[extra]>=8 ; python_version>"3"`, normalized."""
    match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line)
    return re.sub(r"[-_.]+", "-", match.group(1)).lower() if match else ""


def _requirement_lines(text: str | None) -> list[str]:
    return [
        line
        for line in (text or "").splitlines()
        if line.strip() and not line.lstrip().startswith(("#", "-"))
    ]
