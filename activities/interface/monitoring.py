"""What a published change is watched with: its checks rerun, their logs read, people called."""

from __future__ import annotations

from dataclasses import dataclass

from activities.interface import Activity, Done
from tamma.model.ids import BlobId, TaskId
from tamma.model.repository import MergeCategory, Obstacle, RepoRef, Rerun, Target


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
    by_name: bool = False
    """Begin with the names of those whom the configuration says to call."""


CALL_PEOPLE: Activity[CallPeople, Done] = Activity("call_people", Done)


@dataclass(frozen=True, slots=True)
class ReadReviews:
    """What people with write access have said on a pull request and nobody has answered yet."""

    repo: RepoRef
    number: str
    heard: tuple[str, ...] = ()
    """Reviews that were taken up before, by id. Threads tell by themselves: the last word in them is ours."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A conversation on lines of the change, as it is named to the agent."""

    number: int
    thread: str
    """The platform's id."""


@dataclass(frozen=True, slots=True)
class ReviewBatch:
    """Everything that was said, taken up at once: answering one remark at a time would push once for each."""

    reviews: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    text: BlobId | None = None
    """Markdown for the agent; None where there is nothing to take up."""
    ignored: tuple[str, ...] = ()
    """Authors without write access whose words were left out."""
    unread: str = ""
    """Why conversations could not be read, where the service has none or the token may not."""


READ_REVIEWS: Activity[ReadReviews, ReviewBatch] = Activity("read_reviews", ReviewBatch)


@dataclass(frozen=True, slots=True)
class AwaitReview:
    """One attempt is one look, until there is a batch, or the pull request is in one of these states."""

    reading: ReadReviews
    poll: float
    ends: tuple[MergeCategory, ...]
    obstacles: tuple[Obstacle, ...] = ()
    """What ends it, too, where it stands in the merge's way."""
    reviews: bool = True
    """False: what reviewers say is for later."""


@dataclass(frozen=True, slots=True)
class ReviewNews:
    reviewed: bool
    """False: no new words, but the pull request is in one of the states."""
    obstacle: Obstacle | None = None
    """What stands in the merge's way, where that was waited for."""


AWAIT_REVIEW: Activity[AwaitReview, ReviewNews] = Activity("await_review", ReviewNews)


@dataclass(frozen=True, slots=True)
class AnswerReview:
    """Answer each remark in its thread, and mark as resolved those that the agent answered itself."""

    task_id: TaskId
    repo: RepoRef
    number: str
    key: str
    remarks: tuple[Remark, ...]
    answers: str
    """The agent's, a line `N: ...` each."""
    summary: str
    sha: str


ANSWER_REVIEW: Activity[AnswerReview, Done] = Activity("answer_review", Done)
