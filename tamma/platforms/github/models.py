"""What we read of GitHub's answers, and nothing else: unknown fields are ignored, most have defaults."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from tamma.model.repository import (
    Comment,
    Issue,
    PullRequest,
    Review,
    ReviewEvent,
)
from tamma.platforms.common.marks import without_mark

GHOST = "ghost"
"""The login GitHub shows where an account was deleted."""


class User(BaseModel):
    login: str
    id: int = 0


class Label(BaseModel):
    name: str = ""


class RepositoryAnswer(BaseModel):
    full_name: str = ""
    default_branch: str
    clone_url: str = ""
    ssh_url: str = ""
    html_url: str = ""
    private: bool = False
    archived: bool = False


class IssueAnswer(BaseModel):
    number: int
    title: str
    body: str | None = None
    state: str
    html_url: str = ""
    user: User | None = None
    labels: list[Label | str] = Field(default_factory=list[Label | str])
    assignees: list[User] | None = None
    comments: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    pull_request: dict[str, Any] | None = None

    def label_names(self) -> tuple[str, ...]:
        return tuple(label if isinstance(label, str) else label.name for label in self.labels)

    def assignee_logins(self) -> tuple[str, ...]:
        return tuple(user.login for user in self.assignees or ())

    def issue(self, comments: tuple[Comment, ...] = ()) -> Issue:
        return Issue(
            number=str(self.number),
            title=self.title,
            body=self.body or "",
            state="closed" if self.state == "closed" else "open",
            url=self.html_url,
            author=self.user.login if self.user else GHOST,
            labels=self.label_names(),
            assignees=self.assignee_logins(),
            created_at=self.created_at,
            updated_at=self.updated_at,
            comments=comments,
        )


class CommentAnswer(BaseModel):
    id: int
    body: str | None = None
    user: User | None = None
    created_at: datetime | None = None

    @property
    def author(self) -> str:
        return self.user.login if self.user else GHOST

    def comment(self, *, trusted: bool) -> Comment:
        return Comment(str(self.id), self.author, without_mark(self.body), self.created_at, trusted)


class Side(BaseModel):
    ref: str
    sha: str


class AutoMerge(BaseModel):
    merge_method: str = ""


class PullAnswer(BaseModel):
    number: int
    node_id: str = ""
    title: str
    body: str | None = None
    state: str
    head: Side
    base: Side
    html_url: str = ""
    draft: bool = False
    user: User | None = None
    labels: list[Label] = Field(default_factory=list[Label])
    requested_reviewers: list[User] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    merged_at: datetime | None = None
    merge_commit_sha: str | None = None
    mergeable: bool | None = None
    mergeable_state: str = ""
    auto_merge: AutoMerge | None = None

    @property
    def is_merged(self) -> bool:
        return self.merged_at is not None

    def pull_request(self) -> PullRequest:
        return PullRequest(
            number=str(self.number),
            title=self.title,
            body=without_mark(self.body),
            state="merged" if self.is_merged else ("closed" if self.state == "closed" else "open"),
            head=self.head.ref,
            base=self.base.ref,
            head_sha=self.head.sha,
            url=self.html_url,
            draft=self.draft,
            author=self.user.login if self.user else GHOST,
            # Before the merge this field names GitHub's test merge, which is no commit of the base.
            merge_sha=self.merge_commit_sha if self.is_merged else None,
            labels=tuple(label.name for label in self.labels),
            reviewers=tuple(user.login for user in self.requested_reviewers or ()),
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


class RefObject(BaseModel):
    sha: str


class RefAnswer(BaseModel):
    ref: str
    object: RefObject


class CommitAnswer(BaseModel):
    sha: str
    message: str = ""
    tree: RefObject


class CreatedObject(BaseModel):
    sha: str


class ContentAnswer(BaseModel):
    type: str = "file"
    encoding: str = ""
    content: str = ""
    sha: str = ""


class ReviewAnswer(BaseModel):
    id: int
    user: User | None = None
    body: str | None = None
    state: str = ""
    commit_id: str | None = None
    submitted_at: datetime | None = None

    @property
    def author(self) -> str:
        return self.user.login if self.user else GHOST

    def review(self, *, trusted: bool) -> Review:
        event = _REVIEWS.get(self.state, ReviewEvent.COMMENT)
        body = without_mark(self.body)
        return Review(
            str(self.id), self.author, event, body, self.commit_id or "", self.submitted_at, trusted
        )


_REVIEWS = {"APPROVED": ReviewEvent.APPROVE, "CHANGES_REQUESTED": ReviewEvent.REQUEST_CHANGES}


class MergeAnswer(BaseModel):
    sha: str | None = None
    merged: bool = False
    message: str = ""
