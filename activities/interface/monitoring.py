"""What a published change is watched with: its checks rerun, their logs read, people called."""

from __future__ import annotations

from dataclasses import dataclass

from activities.interface import Activity, Done
from tamma.model.ids import BlobId, TaskId
from tamma.model.repository import RepoRef, Rerun, Target


@dataclass(frozen=True, slots=True)
class RerunChecks:
    """Run once more what failed on a commit: a job that fails by chance costs no model's time."""

    repo: RepoRef
    sha: str


@dataclass(frozen=True, slots=True)
class Reruns:
    runs: tuple[Rerun, ...]
    """Nothing where the platform cannot, or where all of it has been run again before."""


RERUN_CHECKS: Activity[RerunChecks, Reruns] = Activity("rerun_checks", Reruns)


@dataclass(frozen=True, slots=True)
class ReadFailures:
    """What the red checks of a commit have to say."""

    repo: RepoRef
    sha: str
    base_sha: str


@dataclass(frozen=True, slots=True)
class CheckFailures:
    log: BlobId
    """Markdown: each red check with the end of its log, where it has one."""
    names: tuple[str, ...]
    red_before: tuple[str, ...]
    """Those that are red on the base commit, too: not this change's doing."""


READ_FAILURES: Activity[ReadFailures, CheckFailures] = Activity("read_failures", CheckFailures)


@dataclass(frozen=True, slots=True)
class CallPeople:
    """Say on the platform that a run needs a person, and mark the place."""

    task_id: TaskId
    repo: RepoRef
    target: Target
    key: str
    body: str
    label: str


CALL_PEOPLE: Activity[CallPeople, Done] = Activity("call_people", Done)
