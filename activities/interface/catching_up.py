"""A published change that no longer fits on its base: put onto it anew, and looked at until git agrees."""

from __future__ import annotations

from dataclasses import dataclass

from activities.interface import Activity
from tamma.model.ids import BlobId
from tamma.model.references import RepoRef


@dataclass(frozen=True, slots=True)
class ReplayChange:
    """Put what was published onto the base branch as it is now. Done twice it is done anew."""

    workspace_id: str
    repo: RepoRef
    branch: str
    published_sha: str
    """Where this run left the branch: if somebody else moved it, nothing is done."""
    base_sha: str
    """What the published change was made on."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The workspace stands on `base_sha` now, unless nothing was done."""

    base_sha: str
    refused: str = ""
    """Why nothing was done, where a person has to know."""
    conflicts: tuple[str, ...] = ()
    """Files with conflict markers."""
    whole: tuple[str, ...] = ()
    """Conflicts of whole files, in words: git cannot tell whether they were solved well."""
    told: BlobId | None = None
    """Markdown for the agent, where there are conflicts."""
    expected: BlobId | None = None
    """What their solution is held against."""
    checkpoint: BlobId | None = None


REPLAY_CHANGE: Activity[ReplayChange, Replayed] = Activity("replay_change", Replayed)


@dataclass(frozen=True, slots=True)
class CheckReplay:
    """Ask git whether the conflicts are solved."""

    workspace_id: str
    expected: BlobId
    strictly: bool
    """Nothing but the files in conflict may have changed. Not after the tests had their say."""


@dataclass(frozen=True, slots=True)
class ReplayChecked:
    problems: tuple[str, ...]
    """Why not, at most 20; nothing where they are."""


CHECK_REPLAY: Activity[CheckReplay, ReplayChecked] = Activity("check_replay", ReplayChecked)
