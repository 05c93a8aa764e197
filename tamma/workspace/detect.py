"""Find out how a project is tested and built by looking at its files. Pure: no command runs."""

from __future__ import annotations

from collections.abc import Iterable

from tamma.workspace.ecosystems.found import Detector, ReadFile
from tamma.workspace.ecosystems.node import node
from tamma.workspace.ecosystems.others import go, java, make, php, ruby, rust
from tamma.workspace.ecosystems.python import python
from tamma.workspace.interface import ProjectProfile

_MOST_FILES = 20_000
_INSTRUCTIONS = (
    "AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md", ".cursorrules", "CONTRIBUTING.md",
    "CONTRIBUTING.rst", ".github/CONTRIBUTING.md", "docs/CONTRIBUTING.md", "CONTRIBUTING",
)  # fmt: skip
_DETECTORS: tuple[Detector, ...] = (python, node, rust, go, java, ruby, php, make)
"""In the order in which the first command found is taken."""


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
