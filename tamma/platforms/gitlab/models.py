"""What we read of GitLab's answers, and nothing else: unknown fields are ignored, most have defaults."""

from __future__ import annotations

import re
from datetime import datetime

from pydantic import BaseModel, Field

from tamma.model.repository import Comment, Issue, PullRequest
from tamma.platforms.common.marks import without_mark

GHOST = "ghost"
"""The login GitLab shows where an account was deleted."""
_DRAFT = re.compile(r"^\s*(?:\[draft\]|\(draft\)|draft:|draft\s+-|\[wip\]|wip:|wip\s)\s*", re.IGNORECASE)
"""docs.gitlab.com/user/project/merge_requests/drafts; WIP is the prefix of older servers."""
DRAFT = "Draft: "


class User(BaseModel):
    id: int = 0
    username: str = GHOST


class ProjectAnswer(BaseModel):
    id: int
    path_with_namespace: str
    default_branch: str | None = None
    http_url_to_repo: str = ""
    ssh_url_to_repo: str = ""
    web_url: str = ""
    visibility: str = "private"
    archived: bool = False
    merge_method: str = "merge"
    squash_option: str = "default_off"


class IssueAnswer(BaseModel):
    iid: int
    title: str
    description: str | None = None
    state: str = "opened"
    web_url: str = ""
    author: User | None = None
    labels: list[str] = Field(default_factory=list[str])
    assignees: list[User] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def issue(self, comments: tuple[Comment, ...] = ()) -> Issue:
        return Issue(
            number=str(self.iid),
            title=self.title,
            body=self.description or "",
            state="closed" if self.state == "closed" else "open",
            url=self.web_url,
            author=login(self.author),
            labels=tuple(self.labels),
            assignees=tuple(user.username for user in self.assignees or ()),
            created_at=self.created_at,
            updated_at=self.updated_at,
            comments=comments,
        )


class Position(BaseModel):
    head_sha: str | None = None
    new_path: str | None = None
    old_path: str | None = None
    new_line: int | None = None
    old_line: int | None = None


class NoteAnswer(BaseModel):
    id: int
    type: str | None = None
    body: str | None = None
    author: User | None = None
    system: bool = False
    created_at: datetime | None = None
    resolvable: bool = False
    resolved: bool | None = None
    position: Position | None = None

    @property
    def on_lines(self) -> bool:
        return self.type == "DiffNote"

    def comment(self, *, trusted: bool) -> Comment:
        return Comment(str(self.id), login(self.author), without_mark(self.body), self.created_at, trusted)


class DiscussionAnswer(BaseModel):
    id: str
    notes: list[NoteAnswer] = Field(default_factory=list[NoteAnswer])

    @property
    def on_lines(self) -> bool:
        return bool(self.notes) and self.notes[0].on_lines

    @property
    def resolved(self) -> bool:
        states = [bool(note.resolved) for note in self.notes if note.resolvable]
        return bool(states) and all(states)


class DraftNote(BaseModel):
    id: int
    note: str = ""


class DiffRefs(BaseModel):
    base_sha: str | None = None
    head_sha: str | None = None
    start_sha: str | None = None


class DiffAnswer(BaseModel):
    old_path: str
    new_path: str
    a_mode: str | None = None
    b_mode: str | None = None
    diff: str = ""
    new_file: bool = False
    renamed_file: bool = False
    deleted_file: bool = False
    too_large: bool | None = None
    collapsed: bool | None = None


class PipelineAnswer(BaseModel):
    id: int
    sha: str = ""
    ref: str = ""
    status: str = ""
    web_url: str = ""
    source: str = ""
    name: str | None = None
    created_at: datetime | None = None


class MergeRequestAnswer(BaseModel):
    iid: int
    title: str
    description: str | None = None
    state: str = "opened"
    source_branch: str
    target_branch: str
    sha: str | None = None
    web_url: str = ""
    draft: bool | None = None
    work_in_progress: bool = False
    author: User | None = None
    labels: list[str] = Field(default_factory=list[str])
    reviewers: list[User] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None
    source_project_id: int | None = None
    target_project_id: int | None = None
    detailed_merge_status: str | None = None
    merge_status: str = ""
    merge_error: str | None = None
    has_conflicts: bool | None = None
    merge_when_pipeline_succeeds: bool | None = None
    diff_refs: DiffRefs | None = None
    head_pipeline: PipelineAnswer | None = None

    @property
    def is_draft(self) -> bool:
        return self.work_in_progress if self.draft is None else self.draft

    @property
    def is_open(self) -> bool:
        """`locked`: it is being merged."""
        return self.state in ("opened", "reopened", "locked")

    @property
    def from_fork(self) -> bool:
        return self.source_project_id != self.target_project_id

    @property
    def merged_as(self) -> str | None:
        """The commit of the target branch: a fast forward makes none of its own."""
        return (
            (self.merge_commit_sha or self.squash_commit_sha or self.sha) if self.state == "merged" else None
        )

    def pull_request(self) -> PullRequest:
        return PullRequest(
            number=str(self.iid),
            title=plain_title(self.title) if self.is_draft else self.title,
            body=without_mark(self.description),
            state="merged" if self.state == "merged" else ("open" if self.is_open else "closed"),
            head=self.source_branch,
            base=self.target_branch,
            head_sha=self.sha or "",
            url=self.web_url,
            draft=self.is_draft,
            author=login(self.author),
            merge_sha=self.merged_as,
            labels=tuple(self.labels),
            reviewers=tuple(user.username for user in self.reviewers or ()),
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


class CommitAnswer(BaseModel):
    id: str
    message: str = ""
    parent_ids: list[str] = Field(default_factory=list[str])
    authored_date: datetime | None = None


class BranchAnswer(BaseModel):
    name: str
    commit: CommitAnswer


def login(user: User | None) -> str:
    return user.username if user else GHOST


def plain_title(title: str) -> str:
    """Without what makes it a draft."""
    return _DRAFT.sub("", title) or title


def draft_title(title: str) -> str:
    return DRAFT + plain_title(title)
