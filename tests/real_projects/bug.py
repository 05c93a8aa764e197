"""What a known bug is made of: what a user saw, what the model says and does about it, the judging test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.loop import call, turn
from tests.support.sdists import Proof, Release

Turn = dict[str, object]


@dataclass(frozen=True)
class Bug:
    """A bug of a release, and the way to its end."""

    release: Release
    title: str
    body: str
    plan: Turn
    red: Sequence[Turn]
    """The turns that write the failing test."""
    fix: Sequence[Turn]
    review: Turn
    proof: Proof
    symptom: str
    """What the proof says where the bug is."""
    changed: tuple[str, ...]
    """The files of the change."""
    test_command: str | None = None
    """What the user names as test command; None to let it be found."""
    folder: str = ""
    """Where the project lies in its repository."""
    beside: Mapping[str, Release] = field(default_factory=dict[str, Release])
    """Other projects of the repository, by their folders."""

    @property
    def releases(self) -> Mapping[str, Release]:
        """All that is in the repository, by folder."""
        return {self.folder: self.release, **self.beside}

    @property
    def markdown(self) -> str:
        """The issue as a file."""
        return f"# {self.title}\n\n{self.body}"


def plan(summary: str, *steps: str, files: Sequence[str], test: str) -> Turn:
    titles = [{"title": step, "files": list(files)} for step in steps]
    plan = {"summary": summary, "steps": titles, "risks": [], "ambiguities": [], "test": test}
    return turn(text=json.dumps(plan))


def review(summary: str) -> Turn:
    return turn(text=json.dumps({"verdict": "approve", "summary": summary, "comments": []}))


def finish_red(summary: str, command: str, file: str) -> Turn:
    return turn(call("finish", summary=summary, test_command=command, test_files=[file]))
