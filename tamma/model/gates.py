"""The commands beside the tests that judge a change: a build, a type checker, a linter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tamma.model.ids import BlobId
from tamma.model.task import TestRun

GateName = Literal["build", "typecheck", "lint"]
"""In the order in which they run."""


@dataclass(frozen=True, slots=True)
class ProjectGate:
    """One of a project's gates, and how it ended before anything was changed."""

    name: GateName
    command: str
    source: str
    """Why we believe in it (`.tamma.json: lint`)."""
    before: TestRun
    output: BlobId | None = None
    """What it printed then. None: it was green, or its findings cannot be told apart."""
