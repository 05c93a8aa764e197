"""Builds, their timelines, and statuses: what we read of them, and what they mean. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from tamma.model.repository import Check, CheckState, CiJob, CiRun
from tamma.platforms.azure.models import HEADS, Answer, IdentityRef, Project

_GREEN = frozenset({"succeeded", "partiallySucceeded", "succeededWithIssues", "skipped"})
"""A partial success is one whose failures the pipeline allows (`continueOnError`); it also satisfies a
build policy."""


class _Definition(Answer):
    id: int = 0
    name: str = ""


class _Html(Answer):
    href: str = ""


class _Links(Answer):
    web: _Html = Field(default_factory=_Html)


class BuildAnswer(Answer):
    id: int
    build_number: str = ""
    status: str = ""
    result: str = ""
    reason: str = ""
    source_branch: str = ""
    source_version: str = ""
    definition: _Definition = Field(default_factory=_Definition)
    requested_by: IdentityRef = Field(default_factory=IdentityRef)
    queue_time: datetime | None = None
    tags: list[str] = Field(default_factory=list[str])
    trigger_info: dict[str, Any] = Field(default_factory=dict[str, Any])
    links: _Links = Field(default_factory=_Links, validation_alias="_links")
    project: Project = Field(default_factory=Project)

    @property
    def sha(self) -> str:
        """The commit it is for: of a pull request's build the head, not the merge that is built."""
        return str(self.trigger_info.get("pr.sourceSha") or self.source_version)

    @property
    def branch(self) -> str:
        return str(self.trigger_info.get("pr.sourceBranch") or self.source_branch).removeprefix(HEADS)

    @property
    def state(self) -> CheckState:
        return build_state(self.status, self.result)

    def run(self, attempt: int = 1) -> CiRun:
        return CiRun(
            id=str(self.id),
            name=self.definition.name,
            state=self.state,
            sha=self.sha,
            branch=self.branch,
            url=self.links.web.href,
            event=self.reason,
            attempt=attempt,
            detail=self.result if self.status == "completed" else self.status,
            created_at=self.queue_time,
        )

    def check(self) -> Check:
        detail = self.result if self.status == "completed" else self.status
        return Check(self.definition.name, self.state, self.links.web.href, detail)


def build_state(status: str, result: str) -> CheckState:
    if status != "completed":
        return CheckState.PENDING
    return CheckState.SUCCESS if result in _GREEN else CheckState.FAILURE


class _Log(Answer):
    id: int


class RecordAnswer(Answer):
    """A part of a run: stage, phase, job or task. A part that ran again has a new record."""

    id: str
    parent_id: str = ""
    type: str = ""
    name: str = ""
    state: str = ""
    result: str = ""
    order: int = 0
    attempt: int = 1
    log: _Log | None = None


class TimelineAnswer(Answer):
    records: list[RecordAnswer] = Field(default_factory=list[RecordAnswer])

    def jobs(self) -> list[RecordAnswer]:
        """Of the newest attempt, in their order: the timeline names older ones only as such."""
        found = [record for record in self.records if record.type == "Job"]
        return sorted(found, key=lambda record: record.order)

    @property
    def attempt(self) -> int:
        return max((record.attempt for record in self.records), default=1)

    def log_of(self, job: str) -> int | None:
        """The job's log; while it runs that of its newest step which has written. None: nothing yet."""
        found = next((record for record in self.records if record.id == job), None)
        if found is not None and found.log is not None:
            return found.log.id
        steps = [step for step in self.records if step.parent_id == job and step.log is not None]
        newest = max(steps, key=lambda step: step.order, default=None)
        return newest.log.id if newest is not None and newest.log is not None else None


def job_of(build: str, record: RecordAnswer, url: str) -> CiJob:
    """Its id names the build too: logs are asked for by both."""
    state = build_state("completed" if record.state == "completed" else record.state, record.result)
    detail = record.result if record.state == "completed" else record.state
    return CiJob(f"{build}/{record.id}", record.name, state, url, detail)


# --- statuses ----------------------------------------------------------------------------------------------


class _Context(Answer):
    genre: str = ""
    name: str = ""


_STATES = {
    "succeeded": CheckState.SUCCESS,
    "notApplicable": CheckState.SUCCESS,
    "failed": CheckState.FAILURE,
    "error": CheckState.FAILURE,
}
WORDS = {
    CheckState.SUCCESS: "succeeded",
    CheckState.FAILURE: "failed",
    CheckState.PENDING: "pending",
}
BY_BUILDS = "continuous-integration"
"""The genre of the statuses that builds leave beside them."""


class StatusAnswer(Answer):
    id: int = 0
    state: str = ""
    description: str = ""
    target_url: str = ""
    context: _Context = Field(default_factory=_Context)

    @property
    def name(self) -> str:
        return f"{self.context.genre}/{self.context.name}" if self.context.genre else self.context.name

    def check(self) -> Check:
        state = _STATES.get(self.state, CheckState.PENDING)
        return Check(self.name, state, self.target_url, self.description or self.state)


def context_of(name: str) -> dict[str, str]:
    """A status's name as genre and name, so that it reads the same again."""
    genre, _, last = name.rpartition("/")
    return {"genre": genre, "name": last} if genre else {"name": last}


def newest_statuses(statuses: list[StatusAnswer]) -> list[StatusAnswer]:
    """The newest of each name. Ids grow."""
    found: dict[str, StatusAnswer] = {}
    for status in sorted(statuses, key=lambda status: status.id):
        found[status.name] = status
    return list(found.values())
