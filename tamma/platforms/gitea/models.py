"""What we read of the answers of Gitea and Forgejo: unknown fields are ignored, most have defaults."""

from __future__ import annotations

from datetime import datetime

from pydantic import AliasChoices, BaseModel, Field

from tamma.model.repository import Comment, Issue, PullRequest, Review, ReviewEvent
from tamma.platforms.common.marks import without_mark
from tamma.platforms.gitea.drafts import split_title

GHOST = "Ghost"
"""The login that is shown where an account was deleted."""


class User(BaseModel):
    login: str = Field("", validation_alias=AliasChoices("login", "username"))
    id: int = 0


class Label(BaseModel):
    id: int = 0
    name: str = ""


class RepositoryAnswer(BaseModel):
    name: str
    owner: User
    default_branch: str = ""
    clone_url: str = ""
    ssh_url: str = ""
    html_url: str = ""
    private: bool = False
    archived: bool = False


class Written(BaseModel):
    """What people wrote. `original_author`: it was migrated by `user`, who did not write it."""

    body: str | None = None
    user: User | None = None
    original_author: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def author(self) -> str:
        return self.original_author or (self.user.login if self.user else GHOST)

    def by(self, login: str) -> bool:
        """Whether that account wrote it. Logins have no case."""
        return not self.original_author and self.author.lower() == login.lower()


class IssueAnswer(Written):
    number: int
    title: str
    state: str
    html_url: str = ""
    labels: list[Label] | None = None
    assignees: list[User] | None = None
    comments: int = 0
    pull_request: dict[str, object] | None = None

    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels or ())

    def logins(self) -> tuple[str, ...]:
        return tuple(user.login for user in self.assignees or ())

    def issue(self, comments: tuple[Comment, ...] = ()) -> Issue:
        return Issue(
            number=str(self.number),
            title=self.title,
            body=without_mark(self.body),
            state="closed" if self.state == "closed" else "open",
            url=self.html_url,
            author=self.author,
            labels=self.label_names(),
            assignees=self.logins(),
            created_at=self.created_at,
            updated_at=self.updated_at,
            comments=comments,
        )


class CommentAnswer(Written):
    id: int

    def comment(self, *, trusted: bool) -> Comment:
        return Comment(str(self.id), self.author, without_mark(self.body), self.created_at, trusted)


class Side(BaseModel):
    """`label` is the branch's name; `ref` becomes `refs/pull/12/head` when the branch is gone."""

    label: str = ""
    ref: str = ""
    sha: str = ""
    repo_id: int = 0

    @property
    def branch(self) -> str:
        return self.label or self.ref


class PullAnswer(Written):
    number: int
    title: str
    state: str
    head: Side
    base: Side
    html_url: str = ""
    draft: bool | None = None
    """None: a server before Gitea 1.22, which leaves it to the title."""
    labels: list[Label] | None = None
    requested_reviewers: list[User] | None = None
    merged: bool = False
    merge_commit_sha: str | None = None
    mergeable: bool = False
    """False also while it is being found out."""
    merge_base: str = ""

    @property
    def is_draft(self) -> bool:
        return bool(split_title(self.title)[0]) if self.draft is None else self.draft

    @property
    def bare_title(self) -> str:
        """Without what makes it a draft."""
        return split_title(self.title)[1] if self.is_draft else self.title

    def reviewers(self) -> tuple[str, ...]:
        return tuple(user.login for user in self.requested_reviewers or ())

    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels or ())

    def pull_request(self) -> PullRequest:
        return PullRequest(
            number=str(self.number),
            title=self.bare_title,
            body=without_mark(self.body),
            state="merged" if self.merged else "closed" if self.state == "closed" else "open",
            head=self.head.branch,
            base=self.base.branch,
            head_sha=self.head.sha,
            url=self.html_url,
            draft=self.is_draft,
            author=self.author,
            merge_sha=self.merge_commit_sha if self.merged else None,
            labels=self.label_names(),
            reviewers=self.reviewers(),
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


_REVIEWS = {"APPROVED": ReviewEvent.APPROVE, "REQUEST_CHANGES": ReviewEvent.REQUEST_CHANGES}


class ReviewAnswer(Written):
    id: int
    state: str = ""
    commit_id: str = ""
    submitted_at: datetime | None = None
    comments_count: int = 0
    official: bool = False
    """Counts for the branch's protection."""
    dismissed: bool = False
    stale: bool = False

    def review(self, *, trusted: bool) -> Review:
        event = _REVIEWS.get(self.state, ReviewEvent.COMMENT)
        body = without_mark(self.body)
        return Review(str(self.id), self.author, event, body, self.commit_id, self.submitted_at, trusted)


class LineComment(CommentAnswer):
    """A remark on a line: of the new version at `position`, or of the old one at `original_position`."""

    path: str = ""
    position: int = 0
    original_position: int = 0
    original_commit_id: str = ""
    pull_request_review_id: int = 0
    resolver: User | None = None

    @property
    def line(self) -> int | None:
        return self.position or self.original_position or None


class CommitPart(BaseModel):
    id: str


class BranchAnswer(BaseModel):
    """With what its protection asks of a merge; `status_check_contexts` are patterns."""

    name: str
    commit: CommitPart
    enable_status_check: bool = False
    status_check_contexts: list[str] | None = None
    required_approvals: int = 0
    user_can_merge: bool = True


class ParentPart(BaseModel):
    sha: str = ""


class RefAnswer(BaseModel):
    ref: str
    object: ParentPart


class CommitWords(BaseModel):
    message: str = ""


class ChangedPath(BaseModel):
    filename: str = ""
    previous_filename: str = ""


class CommitAnswer(BaseModel):
    sha: str
    commit: CommitWords
    parents: list[ParentPart] | None = None
    files: list[ChangedPath] | None = None


class Compared(BaseModel):
    commits: list[CommitAnswer] | None = None
    files: list[ChangedPath] | None = None


class MadeCommit(BaseModel):
    sha: str
    parents: list[ParentPart] | None = None


class CommittedFiles(BaseModel):
    commit: MadeCommit


class TreeEntry(BaseModel):
    path: str
    mode: str = ""
    type: str = "blob"
    sha: str = ""
