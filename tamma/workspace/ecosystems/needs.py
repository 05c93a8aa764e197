"""What the environment of a Python project needs."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import cast

from tamma.workspace.ecosystems.found import ReadFile
from tamma.workspace.ecosystems.python_tools import tool_requirements
from tamma.workspace.ecosystems.reading import table, toml
from tamma.workspace.ecosystems.requirements import declared_requirements, is_requirements
from tamma.workspace.interface import Command, ProjectProfile
from tamma.workspace.roots import within


@dataclass(frozen=True, slots=True)
class PythonNeeds:
    """What to install for a Python project."""

    attempts: tuple[tuple[str, ...], ...]
    """Arguments of `pip install`: all that is wanted first, then the least that may do."""
    fingerprint: tuple[str, ...]
    """The contents that decide whether a built environment still fits."""


def installed_by_pip(command: Command) -> bool:
    """Whether a detected installer is pip, whose work is done by building the environment."""
    return re.match(r"(?:cd \S+ && )?pip install ", command.command) is not None


def python_needs(profile: ProjectProfile, read: ReadFile) -> PythonNeeds | None:
    """What a Python project needs beyond the interpreter; None where the standard library serves.

    Projects in folders whose tests stand for the repository's share the one environment.
    """
    if "python" not in profile.ecosystems:
        return None
    # Where the tests are those of projects in folders, their runners are these projects' needs.
    whole = _needs_of(replace(profile, test=None) if profile.installed_roots else profile, read)
    inner = [needs for folder in profile.installed_roots if (needs := _inner(profile, folder, read))]
    every = [needs for needs in (whole, *inner) if needs is not None]
    if len(every) < 2:
        return every[0] if every else None
    attempts = tuple(
        tuple(word for needs in every for word in needs.attempts[min(at, len(needs.attempts) - 1)])
        for at in range(max(len(needs.attempts) for needs in every))
    )
    return PythonNeeds(attempts, tuple(line for needs in every for line in needs.fingerprint))


def _inner(profile: ProjectProfile, folder: str, read: ReadFile) -> PythonNeeds | None:
    """What the project in `folder` needs, in words for the repository's root."""
    root = next(root for root in profile.roots if root.folder == folder)
    if "python" not in root.ecosystems:
        return None
    begin = f"cd {shlex.quote(folder)} && "
    install = tuple(replace(each, command=each.command.removeprefix(begin)) for each in root.install)
    alone = replace(
        profile,
        ecosystems=root.ecosystems,
        test=root.test,
        install=install,
        files=within(folder, profile.files),
    )
    needs = _needs_of(alone, lambda path: read(f"{folder}/{path}"))
    if needs is None:
        return None
    attempts = tuple(_from_root(words, folder) for words in needs.attempts)
    return PythonNeeds(attempts, (folder, *needs.fingerprint))


def _from_root(words: tuple[str, ...], folder: str) -> tuple[str, ...]:
    """`-e .[dev]` and `-r FILE` as they are called from the repository's root."""
    before = ("", *words)
    return tuple(
        f"./{folder}{word.removeprefix('.')}"
        if last == "-e"
        else f"{folder}/{word}"
        if last == "-r"
        else word
        for last, word in zip(before, words, strict=False)
    )


def _needs_of(profile: ProjectProfile, read: ReadFile) -> PythonNeeds | None:
    names = frozenset(profile.files)
    pyproject = toml(read("pyproject.toml"))
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
    groups += [line for _, lines in tool_requirements(pyproject) for line in lines]
    runners = (runner,) if runner else ()
    attempts = ((*own, *extra, *groups, *runners), (*own_plain, *runners))
    wanted = tuple(dict.fromkeys(attempt for attempt in attempts if attempt))
    manifests = ["pyproject.toml", "setup.py", "setup.cfg", *(n for n in sorted(names) if is_requirements(n))]
    return PythonNeeds(wanted, (repr(wanted), *(f"{name}\n{read(name) or ''}" for name in manifests)))


def _editable(names: frozenset[str], pyproject: dict[str, object], *, extras: bool) -> tuple[str, ...]:
    options = table(table(pyproject, "project"), "optional-dependencies")
    wanted = sorted(name for name in options if re.search(r"test|dev", name, re.IGNORECASE)) if extras else []
    return ("-e", f".[{','.join(wanted)}]" if wanted else ".")


def _test_groups(pyproject: dict[str, object]) -> list[str]:
    groups = table(pyproject, "dependency-groups")
    return sorted(name for name in groups if re.search(r"test|dev", name, re.IGNORECASE))


def _group(pyproject: dict[str, object], name: str, seen: frozenset[str] = frozenset()) -> list[str]:
    """A dependency group's requirements, those of included groups among them (PEP 735)."""
    if name in seen:
        return []
    lines: list[str] = []
    for item in cast(list[object], table(pyproject, "dependency-groups").get(name) or []):
        if isinstance(item, str):
            lines.append(item)
        elif isinstance(item, dict):
            included = cast(dict[str, object], item).get("include-group")
            if isinstance(included, str):
                lines += _group(pyproject, included, seen | {name})
    return lines
