"""What people say to a run in comments: waited for, and acted upon by the run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from activities.interface import Activity
from tamma.model.commands import Command, Mark
from tamma.model.repository import RepoRef, Target

MOST_STRANGERS = 20
"""Authors without rights who are named one by one. What more of them write ends no wait: strangers must not
be able to fill a run's history."""


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation, and how far it has been read. None: not at all, and what stands there is history."""

    target: Target
    read: Mark | None = None


@dataclass(frozen=True, slots=True)
class AwaitCommands:
    """One attempt is one look, until somebody who may has said something to the run."""

    repo: RepoRef
    places: tuple[Place, ...]
    poll: float
    """Seconds to the second look; each further one takes longer."""
    strangers: tuple[str, ...] = ()
    """Whose commands were left out before: they end no wait again."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A comment with commands, of somebody who may give them."""

    target: Target
    comment: str
    """The platform's id."""
    author: str
    commands: tuple[Command, ...]
    at: datetime | None = None
    """When it was written, by the platform's clock."""
    head: str = ""
    """The pull request's head as the comment was read; empty where nothing is approved."""
    of_tracker: bool = False
    """Its author's rights are those that a tracker beside the forge gives."""


@dataclass(frozen=True, slots=True)
class CommandsHeard:
    places: tuple[Place, ...]
    """All of them, read up to here."""
    spoken: tuple[Spoken, ...] = ()
    """In the order of the places, and within them of time."""
    ignored: tuple[str, ...] = ()
    """Authors whose commands were left out: they may not write to the repository, or are not named."""


AWAIT_COMMANDS: Activity[AwaitCommands, CommandsHeard] = Activity("await_commands", CommandsHeard)
