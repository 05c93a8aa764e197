"""What a Python project declares that it needs, wherever it declares it."""

from __future__ import annotations

import re
from configparser import ConfigParser
from configparser import Error as ConfigParserError

from tamma.workspace.ecosystems.found import ReadFile
from tamma.workspace.ecosystems.python_tools import tool_requirements
from tamma.workspace.ecosystems.reading import strings, table, toml


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


def _requirement_lines(text: str | None) -> list[str]:
    return [
        line
        for line in (text or "").splitlines()
        if line.strip() and not line.lstrip().startswith(("#", "-"))
    ]
