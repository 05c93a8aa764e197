"""Repositories of several projects: which folders are one, and whose tests stand for the whole. Pure."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Sequence
from dataclasses import replace

from tamma.workspace.interface import Command, ProjectRoot

MANIFESTS = frozenset(
    {
        "pyproject.toml", "setup.py", "package.json", "Cargo.toml", "go.mod", "pom.xml", "build.gradle",
        "build.gradle.kts", "Gemfile", "composer.json", "mix.exs", "pubspec.yaml", "Package.swift",
        "CMakeLists.txt", "meson.build",
    }
)  # fmt: skip
_PROJECT_FILES = (".sln", ".slnx", ".csproj", ".fsproj")
MOST_ROOTS = 40
DEEPEST = 4
_NO_PROJECTS = frozenset(
    {
        "node_modules", "vendor", "third_party", "thirdparty", "fixtures", "fixture", "testdata", "test_data",
        "test-data", "examples", "example", "samples", "templates", "template", "docs", "tests", "test",
        "spec", "cmake", "build", "dist", "__fixtures__",
    }
)  # fmt: skip
_MOST_TESTED = 5


def folders(paths: Sequence[str]) -> tuple[str, ...]:
    """The folders below the root that have a manifest, the nearest to the root first; at most 40.

    One below a folder that is a project already is left to it, and what lies in vendored code, fixtures,
    examples or documentation is no project of the repository's.
    """
    found: set[str] = set()
    for path in paths:
        folder, name = posixpath.split(path)
        parts = folder.split("/")
        if not folder or len(parts) > DEEPEST or not (name in MANIFESTS or name.endswith(_PROJECT_FILES)):
            continue
        if _NO_PROJECTS.isdisjoint(part.lower() for part in parts):
            found.add(folder)
    kept: list[str] = []
    for folder in sorted(found, key=lambda f: (f.count("/"), f)):
        if not any(folder.startswith(f"{above}/") for above in kept):
            kept.append(folder)
    return tuple(kept[:MOST_ROOTS])


def within(folder: str, paths: Sequence[str]) -> tuple[str, ...]:
    """The paths below `folder`, as they are called from there."""
    prefix = f"{folder}/"
    return tuple(path.removeprefix(prefix) for path in paths if path.startswith(prefix))


def outside(folders: Sequence[str], paths: Sequence[str]) -> tuple[str, ...]:
    """The paths below none of `folders`."""
    prefixes = tuple(f"{folder}/" for folder in folders)
    return tuple(path for path in paths if not path.startswith(prefixes))


def moved(command: Command | None, folder: str) -> Command | None:
    """A command of the project in `folder`, as it is run from the repository's root."""
    if command is None:
        return None
    return Command(f"cd {shlex.quote(folder)} && {command.command}", f"{folder}/{command.source}")


def holding(roots: Sequence[ProjectRoot], touched: Sequence[str]) -> tuple[ProjectRoot, ...]:
    """The projects that the `touched` files lie in; all that have tests where that says nothing."""
    tested = [root for root in roots if root.test is not None]
    named = [root for root in tested if any(path.startswith(f"{root.folder}/") for path in touched)]
    return tuple(named or tested)[:_MOST_TESTED]


def together(roots: Sequence[ProjectRoot]) -> Command | None:
    """One command that runs the tests of `roots`, each in its folder, and fails with the first that fails."""
    tests = [root.test for root in roots if root.test is not None]
    if len(tests) < 2:
        return tests[0] if tests else None
    return Command(
        " && ".join(f"({test.command})" for test in tests), "; ".join(test.source for test in tests)
    )


def placed(root: ProjectRoot) -> ProjectRoot:
    """The project with its commands as they are run from the repository's root."""
    install = tuple(moved(command, root.folder) or command for command in root.install)
    return replace(
        root,
        test=moved(root.test, root.folder),
        lint=moved(root.lint, root.folder),
        build=moved(root.build, root.folder),
        install=install,
    )
