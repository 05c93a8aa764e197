"""Find out how a project is tested and built by looking at its files. Pure: no command runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tamma.workspace import roots
from tamma.workspace.ecosystems.compiled import cmake, dart, dotnet, elixir, meson, swift
from tamma.workspace.ecosystems.found import Detector, Found, ReadFile
from tamma.workspace.ecosystems.gates import gate_commands
from tamma.workspace.ecosystems.node import node
from tamma.workspace.ecosystems.others import go, java, make, php, ruby, rust
from tamma.workspace.ecosystems.python import python
from tamma.workspace.instructions import chosen
from tamma.workspace.interface import ProjectProfile, ProjectRoot

_MOST_FILES = 20_000
_PYTHON = frozenset({"pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "noxfile.py", "pytest.ini"})
_DETECTORS: tuple[Detector, ...] = (
    python, node, rust, go, java, dotnet, ruby, php, elixir, dart, swift, cmake, meson, make,
)  # fmt: skip
"""In the order in which the first command found is taken."""


def detect(paths: Iterable[str], read: ReadFile, touched: Sequence[str] = ()) -> ProjectProfile:
    """The profile of a project with these tracked paths.

    Where the whole has no tests of its own, those of the projects in its folders stand for it: of the ones
    that `touched` files lie in, or of all.
    """
    files = tuple(sorted(paths))
    folders = roots.folders(files)
    inner = tuple(root for folder in folders if (root := _root(folder, files, read)))
    # Tests of a project in a folder are no tests of the whole, unless the whole is a Python project, too.
    own = files if not _PYTHON.isdisjoint(files) else roots.outside(folders, files)
    found = _found(frozenset(own), read)
    whole = _first(found, "")
    counting = roots.holding(inner, touched) if whole.test is None else ()
    ecosystems = [one.ecosystem for one in found]
    ecosystems += [each for root in inner for each in root.ecosystems]
    return ProjectProfile(
        ecosystems=tuple(dict.fromkeys(ecosystems)),
        test=whole.test or roots.together(counting),
        lint=whole.lint,
        build=whole.build,
        format=next((one.format for one in found if one.format), None),
        gates=gate_commands(found, frozenset(own), read),
        install=(*whole.install, *(command for root in counting for command in root.install)),
        roots=inner,
        installed_roots=tuple(root.folder for root in counting),
        instructions=chosen(files),
        files=files[:_MOST_FILES],
        files_total=len(files),
    )


def _found(names: frozenset[str], read: ReadFile) -> list[Found]:
    return [one for detector in _DETECTORS if (one := detector(names, read)) is not None]


def _first(found: Sequence[Found], folder: str) -> ProjectRoot:
    return ProjectRoot(
        folder,
        tuple(one.ecosystem for one in found),
        test=next((one.test for one in found if one.test), None),
        lint=next((one.lint for one in found if one.lint), None),
        build=next((one.build for one in found if one.build), None),
        install=tuple(command for one in found for command in one.install),
    )


def _root(folder: str, files: Sequence[str], read: ReadFile) -> ProjectRoot | None:
    inside = frozenset(roots.within(folder, files))
    found = _found(inside, lambda path: read(f"{folder}/{path}"))
    return roots.placed(_first(found, folder)) if found else None
