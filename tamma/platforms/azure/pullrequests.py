"""What we read of pull requests."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from tamma.model.repository import PullRequest
from tamma.platforms.azure.models import HEADS, Answer, IdentityRef, RepositoryAnswer
from tamma.platforms.common.marks import without_mark


class _Commit(Answer):
    commit_id: str = ""


class _Label(Answer):
    name: str = ""


class Reviewer(IdentityRef):
    vote: int = 0


class PullAnswer(Answer):
    pull_request_id: int
    status: str = "active"
    title: str = ""
    description: str = ""
    source_ref_name: str = ""
    target_ref_name: str = ""
    is_draft: bool = False
    created_by: IdentityRef = Field(default_factory=IdentityRef)
    creation_date: datetime | None = None
    closed_date: datetime | None = None
    merge_status: str = ""
    merge_failure_message: str = ""
    completion_queue_time: datetime | None = None
    auto_complete_set_by: IdentityRef | None = None
    last_merge_source_commit: _Commit = Field(default_factory=_Commit)
    last_merge_target_commit: _Commit = Field(default_factory=_Commit)
    last_merge_commit: _Commit = Field(default_factory=_Commit)
    reviewers: list[Reviewer] = Field(default_factory=list[Reviewer])
    labels: list[_Label] = Field(default_factory=list[_Label])
    repository: RepositoryAnswer = Field(default_factory=RepositoryAnswer)
    fork_source: dict[str, Any] | None = None

    @property
    def from_fork(self) -> bool:
        """A branch of ours may have the same name: it is another one."""
        return self.fork_source is not None

    @property
    def computing(self) -> bool:
        """Whether its merge is still being computed (or carried out): then its commits may be old ones."""
        return self.merge_status in ("", "notSet", "queued")

    @property
    def state(self) -> Literal["open", "closed", "merged"]:
        """Completed is not merged yet where the merge is queued."""
        if self.status == "completed":
            return "open" if self.merge_status == "queued" else "merged"
        return "open" if self.status == "active" else "closed"

    @property
    def head(self) -> str:
        return self.source_ref_name.removeprefix(HEADS)

    @property
    def base(self) -> str:
        return self.target_ref_name.removeprefix(HEADS)

    @property
    def head_sha(self) -> str:
        return self.last_merge_source_commit.commit_id

    @property
    def merge_sha(self) -> str | None:
        """Before it is merged this names a merge that was only tried."""
        return self.last_merge_commit.commit_id or None if self.state == "merged" else None

    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    def pull_request(self, url: str, labels: tuple[str, ...] | None = None) -> PullRequest:
        return PullRequest(
            number=str(self.pull_request_id),
            title=self.title,
            body=without_mark(self.description),
            state=self.state,
            head=self.head,
            base=self.base,
            head_sha=self.head_sha,
            url=url,
            draft=self.is_draft,
            author=self.created_by.login,
            merge_sha=self.merge_sha,
            labels=self.label_names() if labels is None else labels,
            reviewers=tuple(reviewer.login for reviewer in self.reviewers),
            created_at=self.creation_date,
            updated_at=self.closed_date,
        )
