"""A change that is suggested: made into a patch, and written where people read it."""

from __future__ import annotations

from dataclasses import dataclass

from activities.interface import Activity, Done
from tamma.model.ids import TaskId
from tamma.model.references import RepoRef
from tamma.model.suggestion import PatchRef, PatchStage
from tamma.model.task import DiffRef, GateOutcome, TestRun


@dataclass(frozen=True, slots=True)
class MakePatch:
    """Put the work so far into the store as one patch."""

    workspace_id: str
    stage: PatchStage


MAKE_PATCH: Activity[MakePatch, PatchRef] = Activity("make_patch", PatchRef)
"""Of a suggestion only what a push would be allowed to carry."""


@dataclass(frozen=True, slots=True)
class FindPullRequest:
    """The open pull request of the branch that the run began from, at the commit that it began from."""

    repo: RepoRef
    branch: str
    sha: str


@dataclass(frozen=True, slots=True)
class FoundPullRequest:
    number: str = ""
    """Empty where there is none."""
    url: str = ""


FIND_PULL_REQUEST: Activity[FindPullRequest, FoundPullRequest] = Activity(
    "find_pull_request", FoundPullRequest
)


@dataclass(frozen=True, slots=True)
class Suggest:
    """Write the patch that a person agreed to: as a review of `pull_request`, else on the issue."""

    task_id: TaskId
    repo: RepoRef
    issue: str
    patch: PatchRef
    diff: DiffRef
    """The same change for readers: it leaves out what binary files hold."""
    summary: str
    review: str
    red_test: TestRun | None = None
    tests: TestRun | None = None
    gates: tuple[GateOutcome, ...] = ()
    sandbox_tier: str = ""
    notes: tuple[str, ...] = ()
    pull_request: str = ""


SUGGEST: Activity[Suggest, Done] = Activity("suggest", Done)
