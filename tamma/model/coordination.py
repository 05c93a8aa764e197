"""The order among the runs of one repository: what comes before a run, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Coordination = Literal["wait", "tell"]
"""What a run does about issues that its own depends on, and about earlier runs that change the same files."""

FILES_CLAIMED = "files.claimed"
"""The event that says which files a run is going to change; its place in the log is the
run's place in line."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """An open run that claimed some of our files before us."""

    issue: str
    task_id: str
    path: str
    """The first of our files that is one of its."""
