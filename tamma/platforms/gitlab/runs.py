"""What we read of GitLab's jobs and commit statuses, and what they come to beside pipelines. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel

from tamma.model.repository import Check, CheckState, CheckSummary
from tamma.platforms.common.checks import summarise
from tamma.platforms.gitlab.models import PipelineAnswer

_STATES = {
    "success": CheckState.SUCCESS,
    "skipped": CheckState.SUCCESS,
    "failed": CheckState.FAILURE,
    "canceled": CheckState.FAILURE,
}
"""Everything else waits or runs: created, waiting_for_resource, preparing, pending, running, scheduled,
manual, canceling, waiting_for_callback (docs.gitlab.com/api/pipelines)."""


class CommitStatus(BaseModel):
    """Somebody's status, or a job, which GitLab lists among them and does not mark."""

    id: int
    name: str
    status: str
    ref: str | None = None
    target_url: str | None = None
    description: str | None = None
    allow_failure: bool = False
    created_at: datetime | None = None

    def check(self) -> Check:
        state = state_of(self.status, allow_failure=self.allow_failure)
        return Check(self.name, state, self.target_url or "", self.description or self.status)


class JobAnswer(BaseModel):
    id: int
    name: str
    status: str
    web_url: str = ""
    allow_failure: bool = False
    created_at: datetime | None = None

    def check(self) -> Check:
        state = state_of(self.status, allow_failure=self.allow_failure)
        return Check(self.name, state, self.web_url, self.status, str(self.id))


def state_of(native: str, *, allow_failure: bool = False) -> CheckState:
    """What a job's, status's or pipeline's word comes to. What may fail, or need not be started, is green."""
    state = _STATES.get(native, CheckState.PENDING)
    if allow_failure and (state is CheckState.FAILURE or native == "manual"):
        return CheckState.SUCCESS
    return state


def united(
    sha: str, parts: Iterable[CommitStatus | JobAnswer], pipelines: Iterable[PipelineAnswer]
) -> CheckSummary:
    """Each name once, the newest.

    A pipeline whose file is wrong, or that has not made its jobs yet, shows in none of them: it is a check
    of its own where the jobs look better than it does.
    """
    newest: dict[str, CommitStatus | JobAnswer] = {}
    for part in parts:
        there = newest.get(part.name)
        if there is None or part.id > there.id or (part.id == there.id and isinstance(part, JobAnswer)):
            newest[part.name] = part
    checks = [part.check() for part in newest.values()]
    states = {check.state for check in checks}
    for pipeline in pipelines:
        state = state_of(pipeline.status)
        if state is not CheckState.SUCCESS and not states & {state, CheckState.FAILURE}:
            checks.append(Check(f"pipeline {pipeline.id}", state, pipeline.web_url, pipeline.status))
    return summarise(sha, checks)


def newest_of_each(pipelines: Iterable[PipelineAnswer]) -> list[PipelineAnswer]:
    """Of a branch's pushes, of its merge request, of its schedule...: what ran before is history."""
    found: dict[tuple[str, str], PipelineAnswer] = {}
    for pipeline in sorted(pipelines, key=lambda pipeline: pipeline.id):
        found[pipeline.ref, pipeline.source] = pipeline
    return list(found.values())
