"""Python's manifests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from configparser import ConfigParser
from configparser import Error as ConfigParserError

from tamma.workspace.dependencies.reading import (
    Alarm,
    Need,
    Reading,
    inner,
    lines_of,
    reading,
    shown,
    tables,
    text_of,
    toml,
)
from tamma.workspace.ecosystems.reading import strings

PYPI = "PyPI"
_REQUIREMENT = re.compile(r"(\w[\w.-]*)\s*(?:\[[^\]]*\])?\s*(.*)", re.DOTALL)
_ADDRESS = re.compile(r"(?:[\w.+-]+://|git@|file:|\.{0,2}/)\S*")
_OPTION = re.compile(
    r"(?:--(?:index-url|extra-index-url|find-links|trusted-host|no-index)|-i|-f)(?:[ =]\s*\S+|$)"
)
_EDITABLE = re.compile(r"(?:-e|--editable)[ =]\s*(\S.*)")
_EGG = re.compile(r"#(?:.*&)?egg=([\w.-]+)")
_SETUP_LISTS = frozenset({"install_requires", "setup_requires", "tests_require", "extras_require"})


def normalized(name: str) -> str:
    """A name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement(line: str) -> Need | None:
    """The package of a line as PEP 508 has it, or as requirements files do beyond that."""
    text = re.split(r"(?:^|\s)#", line.strip(), maxsplit=1)[0].strip()
    text = re.split(r"\s--hash\b", text, maxsplit=1)[0].strip()
    if not text:
        return None
    if _ADDRESS.match(text) or "://" in text.partition(" ")[0]:
        named = _EGG.search(text)
        return Need(PYPI, normalized(named[1]) if named else text, source=text)
    match = _REQUIREMENT.match(text)
    if match is None:
        return None
    rest = match[2].strip()
    if rest.startswith("@"):
        return Need(PYPI, normalized(match[1]), source=re.split(r"\s+;", rest[1:])[0].strip())
    return Need(PYPI, normalized(match[1]), rest.partition(";")[0].strip("() "))


def pyproject(text: str) -> Reading:
    """pyproject.toml: the standard's tables, and those of Poetry, uv, PDM and Hatch."""
    document = toml(text)
    project, tool = inner(document, "project"), inner(document, "tool")
    lines = [*strings(project.get("dependencies")), *strings(inner(document, "build-system").get("requires"))]
    for groups in (
        inner(project, "optional-dependencies"),
        inner(document, "dependency-groups"),
        inner(tool, "pdm", "dev-dependencies"),
    ):
        lines += [line for group in groups.values() for line in strings(group)]
    lines += strings(inner(tool, "uv").get("dev-dependencies"))
    for name in inner(tool, "hatch", "envs"):
        env = inner(tool, "hatch", "envs", name)
        lines += [*strings(env.get("dependencies")), *strings(env.get("extra-dependencies"))]
    needs = [requirement(line) for line in lines]
    needs += _poetry(inner(tool, "poetry"))
    return reading((*needs, *_uv_sources(inner(tool, "uv"))), _indexes(document))


def _poetry(poetry: dict[str, object]) -> Iterator[Need]:
    groups = [inner(poetry, "dependencies"), inner(poetry, "dev-dependencies")]
    groups += [inner(poetry, "group", name, "dependencies") for name in inner(poetry, "group")]
    for group in groups:
        yield from _by_name(group)


def _by_name(group: dict[str, object]) -> Iterator[Need]:
    """`name = "^1"` or `name = {version = "^1"}`, as Poetry and Pipenv have it."""
    for name, wanted in group.items():
        if name == "python":
            continue
        details = inner(group, name)
        version = wanted if isinstance(wanted, str) else text_of(details, "version")
        source = text_of(details, "git", "url", "path", "file")
        yield Need(PYPI, normalized(name), "" if version == "*" else version, source)


def _uv_sources(uv: dict[str, object]) -> Iterator[Need]:
    """Members of the project's own workspace are no dependencies on others."""
    sources = inner(uv, "sources")
    for name, value in sources.items():
        for details in tables(value) or [inner(sources, name)]:
            if source := text_of(details, "git", "url", "path"):
                yield Need(PYPI, normalized(name), source=source)


def _indexes(document: dict[str, object]) -> Iterator[Alarm]:
    tool = inner(document, "tool")
    uv = inner(tool, "uv")
    for where, entries in (
        ("tool.uv.index", tables(uv.get("index"))),
        ("tool.poetry.source", tables(inner(tool, "poetry").get("source"))),
        ("tool.pdm.source", tables(inner(tool, "pdm").get("source"))),
    ):
        yield from _addresses(where, (text_of(entry, "url") for entry in entries))
    for key in ("index-url", "extra-index-url", "find-links"):
        value = uv.get(key)
        yield from _addresses(f"tool.uv.{key}", [value] if isinstance(value, str) else strings(value))
    for path in strings(inner(document, "build-system").get("backend-path")):
        yield Alarm(f"its build runs the repository's own code in {shown(path)}", "backend-path")


def _addresses(where: str, addresses: Iterable[str]) -> Iterator[Alarm]:
    for address in addresses:
        if address:
            yield Alarm(f"packages come from {shown(address)} ({where})", address)


def requirements(text: str) -> Reading:
    """A requirements file of pip."""
    needs: list[Need | None] = []
    alarms: list[Alarm] = []
    for line in lines_of(re.sub(r"\\\r?\n", " ", text)):
        line = line.strip()
        if option := _OPTION.match(line):
            alarms.append(Alarm(f"packages come from elsewhere: {shown(option[0])}", option[0].split()[-1]))
        elif editable := _EDITABLE.match(line):
            where = editable[1].strip()
            if where not in {".", "./"} and not where.startswith(".["):
                named = _EGG.search(where)
                needs.append(Need(PYPI, normalized(named[1]) if named else where, source=where))
        elif not line.startswith("-"):
            needs.append(requirement(line))
    return reading(needs, alarms)


def setup_cfg(text: str) -> Reading:
    """setup.cfg of setuptools."""
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except ConfigParserError as error:
        raise ValueError(str(error)) from error
    values = [
        value
        for section in ("options", "options.extras_require")
        if parser.has_section(section)
        for key, value in parser.items(section)
        if section != "options" or key in _SETUP_LISTS
    ]
    return reading(requirement(line) for value in values for line in value.splitlines())


def setup_py(text: str) -> Reading:
    """setup.py as far as it names its requirements in so many words."""
    try:
        module = ast.parse(text)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(str(error)) from error
    values = [
        keyword.value
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in _SETUP_LISTS
    ]
    values += [
        node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id.lower() in _SETUP_NAMES for target in node.targets)
    ]
    return reading(requirement(line) for value in values for line in _constants(value))


_SETUP_NAMES = _SETUP_LISTS | {"requirements", "requires"}


def _constants(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Dict):  # extras: what they are called is no package
        for each in value.values:
            yield from _constants(each)
    elif isinstance(value, ast.List | ast.Tuple):
        for each in value.elts:
            yield from _constants(each)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield from value.value.splitlines()


def pipfile(text: str) -> Reading:
    """Pipenv's Pipfile."""
    document = toml(text)
    needs = [*_by_name(inner(document, "packages")), *_by_name(inner(document, "dev-packages"))]
    sources = (text_of(entry, "url") for entry in tables(document.get("source")))
    return reading(
        needs, _addresses("source", (url for url in sources if not re.search(r"//pypi\.org/", url)))
    )
