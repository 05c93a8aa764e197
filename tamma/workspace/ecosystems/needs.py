"""What the environment of a Python project needs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from tamma.workspace.ecosystems.found import ReadFile
from tamma.workspace.ecosystems.python_tools import tool_requirements
from tamma.workspace.ecosystems.reading import table, toml
from tamma.workspace.ecosystems.requirements import (
    declared_requirements,
    is_for_tests,
    is_requirements,
    own_requirements,
    requirement_name,
    test_extras,
    tox_requirements,
)
from tamma.workspace.interface import Command, ProjectProfile
from tamma.workspace.roots import within


@dataclass(frozen=True, slots=True)
class PythonNeeds:
    """What to install for a Python project."""

    attempts: tuple[tuple[str, ...], ...]
    """Arguments of `pip install`: all that is wanted first, then the least that may do."""
    fingerprint: tuple[str, ...]
    """The contents that decide whether a built environment still fits."""
    bare: tuple[tuple[str, ...], ...] = ()
    """The same without the project itself, for where it cannot be built; empty where that is nothing."""


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
    return PythonNeeds(
        _together([needs.attempts for needs in every]),
        tuple(line for needs in every for line in needs.fingerprint),
        _together([needs.bare or ((),) for needs in every]),
    )


def _together(lists: Sequence[tuple[tuple[str, ...], ...]]) -> tuple[tuple[str, ...], ...]:
    """One list of attempts for several projects, which takes each one's last where that has no more."""
    merged = (
        tuple(word for attempts in lists for word in attempts[min(at, len(attempts) - 1)])
        for at in range(max(map(len, lists)))
    )
    return tuple(words for words in merged if words)


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
    return replace(
        needs,
        attempts=tuple(_from_root(words, folder) for words in needs.attempts),
        fingerprint=(folder, *needs.fingerprint),
        bare=tuple(_from_root(words, folder) for words in needs.bare),
    )


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
    extras = test_extras(read, pyproject)
    own = ("-e", f".[{','.join(extras)}]" if extras else ".") if packaged else ()
    own_plain = ("-e", ".") if packaged else ()
    files = [n for n in sorted(names) if is_requirements(n) and (not packaged or re.search("test|dev", n))]
    extra = [word for name in files for word in ("-r", name)]
    groups = [line for name in _test_groups(pyproject) for line in _group(pyproject, name)]
    groups += [line for _, lines in tool_requirements(pyproject) for line in lines]
    if not (extras or files or groups):
        groups = tox_requirements(read)
    runners = (runner,) if runner else ()
    wanted = _distinct((*own, *extra, *groups, *runners), (*own_plain, *runners))
    needed = own_requirements(read, pyproject)
    project = requirement_name(str(table(pyproject, "project").get("name", "")))
    optional = [line for lines in extras.values() for line in lines if requirement_name(line) != project]
    bare = _distinct((*needed, *optional, *extra, *groups, *runners), (*needed, *runners)) if packaged else ()
    manifests = ["pyproject.toml", "setup.py", "setup.cfg", *(n for n in sorted(names) if is_requirements(n))]
    return PythonNeeds(wanted, (repr(wanted), *(f"{name}\n{read(name) or ''}" for name in manifests)), bare)


def _distinct(*attempts: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(dict.fromkeys(attempt for attempt in attempts if attempt))


def _test_groups(pyproject: dict[str, object]) -> list[str]:
    return sorted(filter(is_for_tests, table(pyproject, "dependency-groups")))


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
