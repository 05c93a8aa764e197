"""What we read of GitHub Actions, of checks and of commit statuses, and what they mean."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from tamma.model.repository import Check, CheckState, CiJob, CiRun
from tamma.platforms.github.models import User

_GREEN = frozenset({"success", "neutral", "skipped"})


def state_of(status: str, conclusion: str | None) -> CheckState:
    """A check's or run's state. What waits for a person (`action_required`) is not green: it fails."""
    if status != "completed":
        return CheckState.PENDING
    return CheckState.SUCCESS if conclusion in _GREEN else CheckState.FAILURE


class App(BaseModel):
    slug: str | None = None


class CheckRun(BaseModel):
    id: int = 0
    name: str
    status: str
    conclusion: str | None = None
    html_url: str | None = None
    output: dict[str, Any] | None = None
    app: App | None = None

    def check(self) -> Check:
        ours = self.app is not None and self.app.slug == "github-actions"
        job = str(self.id) if ours else None  # of GitHub Actions a check run is a job
        state = state_of(self.status, self.conclusion)
        detail = (self.output or {}).get("title") or self.conclusion or self.status
        return Check(self.name, state, self.html_url or "", str(detail), job)


class RunAnswer(BaseModel):
    id: int
    name: str | None = None
    display_title: str = ""
    """The workflow's `run-name`, or what GitHub thinks of."""
    path: str = ""
    status: str | None = None
    conclusion: str | None = None
    head_sha: str = ""
    head_branch: str | None = None
    html_url: str = ""
    event: str = ""
    run_attempt: int = 1
    created_at: datetime | None = None
    actor: User | None = None

    def run(self) -> CiRun:
        return CiRun(
            id=str(self.id),
            name=self.name or self.display_title,
            state=state_of(self.status or "", self.conclusion),
            sha=self.head_sha,
            branch=self.head_branch or "",
            url=self.html_url,
            event=self.event,
            attempt=self.run_attempt,
            detail=self.conclusion or self.status or "",
            created_at=self.created_at,
        )


class JobAnswer(BaseModel):
    id: int
    name: str = ""
    status: str = ""
    conclusion: str | None = None
    html_url: str | None = None

    def job(self) -> CiJob:
        state = state_of(self.status, self.conclusion)
        return CiJob(str(self.id), self.name, state, self.html_url or "", self.conclusion or self.status)


class StatusAnswer(BaseModel):
    context: str = ""
    state: str
    target_url: str | None = None
    description: str | None = None

    def check(self) -> Check:
        states = {"success": CheckState.SUCCESS, "pending": CheckState.PENDING}
        state = states.get(self.state, CheckState.FAILURE)
        return Check(self.context, state, self.target_url or "", self.description or "")
