"""What a detector is given, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tamma.workspace.interface import Command

ReadFile = Callable[[str], str | None]
"""A small text file's content, or None where it is not there."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one ecosystem's detector found."""

    ecosystem: str
    test: Command | None = None
    lint: Command | None = None
    build: Command | None = None
    install: tuple[Command, ...] = ()
    format: Command | None = None
    typecheck: Command | None = None


Detector = Callable[[frozenset[str], ReadFile], Found | None]
"""From a project's tracked paths; None where it is not of the ecosystem."""
