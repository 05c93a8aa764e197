"""What we read of the Actions of Gitea and Forgejo, and of commit statuses. The two name the fields of a run
differently; Gitea follows GitHub."""

from __future__ import annotations

from datetime import datetime

from pydantic import AliasChoices, BaseModel, Field

from tamma.model.repository import Check, CheckState, CiJob, CiRun
from tamma.platforms.gitea.models import User

_OVER = {
    "success": CheckState.SUCCESS,
    "skipped": CheckState.SUCCESS,
    "neutral": CheckState.SUCCESS,
    "failure": CheckState.FAILURE,
    "error": CheckState.FAILURE,
    "warning": CheckState.FAILURE,  # as both services count it when they look whether checks have passed
    "cancelled": CheckState.FAILURE,
    "timed_out": CheckState.FAILURE,
}
IN_ACTIONS = "/actions/runs/"
"""In the address of a status that Actions report."""


def state_of(word: str) -> CheckState:
    """waiting, running, blocked, queued, in_progress, pending, unknown: not over."""
    return _OVER.get(word, CheckState.PENDING)


class Progress(BaseModel):
    """`conclusion` says how it ended (Gitea); Forgejo says it in `status`."""

    status: str = ""
    conclusion: str | None = None

    @property
    def word(self) -> str:
        return self.conclusion if self.status == "completed" and self.conclusion else self.status


class RunAnswer(Progress):
    id: int
    title: str = Field("", validation_alias=AliasChoices("display_title", "title"))
    sha: str = Field("", validation_alias=AliasChoices("head_sha", "commit_sha"))
    branch: str | None = Field("", validation_alias=AliasChoices("head_branch", "prettyref"))
    workflow: str = Field("", validation_alias=AliasChoices("path", "workflow_id"))
    """Its file; Gitea puts `@refs/heads/main` behind it."""
    event: str = ""
    html_url: str = ""
    attempt: int = Field(1, validation_alias=AliasChoices("run_attempt", "attempt"))
    number: int = Field(0, validation_alias=AliasChoices("index_in_repo", "run_number"))
    created: datetime | None = Field(
        None, validation_alias=AliasChoices("created_at", "created", "started_at")
    )
    by: User | None = Field(None, validation_alias=AliasChoices("trigger_actor", "trigger_user", "actor"))

    @property
    def file(self) -> str:
        return self.workflow.partition("@")[0].rpartition("/")[2]

    def run(self) -> CiRun:
        return CiRun(
            str(self.id),
            self.file or self.title,
            state_of(self.word),
            self.sha,
            self.branch or "",
            self.html_url,
            self.event,
            max(self.attempt, 1),
            self.word,
            self.created,
        )


class JobAnswer(Progress):
    id: int
    name: str = ""
    attempt: int = Field(1, validation_alias=AliasChoices("run_attempt", "attempt"))
    html_url: str = Field("", validation_alias=AliasChoices("html_url", "url"))

    def job(self, job_id: str) -> CiJob:
        return CiJob(job_id, self.name, state_of(self.word), self.html_url, self.word)


class TaskAnswer(JobAnswer):
    """A job in the list of all of them that servers have which cannot list the jobs of a run."""

    run_number: int = 0


class Dispatched(BaseModel):
    id: int = Field(validation_alias=AliasChoices("workflow_run_id", "id"))


class StatusAnswer(BaseModel):
    id: int = 0
    context: str = ""
    status: str = ""
    target_url: str | None = None
    description: str | None = None

    def check(self) -> Check:
        return Check(self.context, state_of(self.status), self.target_url or "", self.description or "")


def newest_jobs(jobs: list[JobAnswer]) -> list[JobAnswer]:
    """Each name's last attempt, in the order they first came."""
    found: dict[str, JobAnswer] = {}
    for job in jobs:
        there = found.get(job.name)
        if there is None or (job.attempt, job.id) >= (there.attempt, there.id):
            found[job.name] = job
    return list(found.values())


def reports(check: Check, job: str) -> bool:
    """Whether a status is that job's: Actions call it `Workflow / job (event)`."""
    return check.name == job or f" / {job} (" in check.name
