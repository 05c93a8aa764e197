"""What comes before a run: asked once, and waited for."""

from __future__ import annotations

from dataclasses import dataclass

from activities.interface import Activity
from tamma.model.coordination import Ahead
from tamma.model.ids import TaskId
from tamma.model.references import RepoRef
from tamma.model.repository import Branch


@dataclass(frozen=True, slots=True)
class AwaitIssues:
    """Which of these issues are open. One attempt is one look."""

    repo: RepoRef
    issues: tuple[str, ...]
    poll: float
    known: tuple[str, ...] | None = None
    """The last answer: only another one is told. None: whatever it is."""
    issue: str = ""
    """The one that depends on them."""
    known_circle: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class OpenIssues:
    issues: tuple[str, ...] = ()
    """Those that are open."""
    circle: tuple[str, str] | None = None
    """Two open issues on the way to them that depend on each other: none of all these is ever first."""
    missing: tuple[str, ...] = ()
    """Those that there are not, or that we may not read: nobody waits for them."""


AWAIT_ISSUES: Activity[AwaitIssues, OpenIssues] = Activity("await_issues", OpenIssues)


@dataclass(frozen=True, slots=True)
class AwaitTurn:
    """Claim the files, and say which open runs have claimed some of them before. One attempt is one look."""

    task_id: TaskId
    repo: RepoRef
    issue: str
    files: tuple[str, ...]
    poll: float
    known: tuple[Ahead, ...] | None = None
    """As in `AwaitIssues`."""


@dataclass(frozen=True, slots=True)
class Turn:
    ahead: tuple[Ahead, ...] = ()
    """In the order of their claims."""
    note: str = ""
    """Why it is not known who is ahead."""


AWAIT_TURN: Activity[AwaitTurn, Turn] = Activity("await_turn", Turn)


@dataclass(frozen=True, slots=True)
class FindBase:
    repo: RepoRef
    branch: str


FIND_BASE: Activity[FindBase, Branch] = Activity("find_base", Branch)
"""Where the branch is now."""
