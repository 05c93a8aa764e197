"""What we read of Bitbucket Cloud's answers: unknown fields are ignored, most have defaults.

Hashes of commits are cut to 12 digits inside of pull requests; `BitbucketAccount._whole` completes them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, Field

from tamma.model.repository import Comment, PullRequest
from tamma.platforms.common.marks import without_mark

GONE = "deleted-account"
"""The author that is shown where Bitbucket names none."""
_T = TypeVar("_T")


def _or_text(value: object) -> object:
    return "" if value is None else value


def _or_list(value: object) -> object:
    return () if value is None else value


Text = Annotated[str, BeforeValidator(_or_text)]
"""Bitbucket writes null for what is not there."""
Many = Annotated[tuple[_T, ...], BeforeValidator(_or_list)]


class User(BaseModel):
    """`type` is `app_user` for what is no person: an access token, or an app that an administrator added."""

    uuid: Text = ""
    account_id: Text = ""
    nickname: Text = ""
    username: Text = ""
    display_name: Text = ""
    type: Text = ""

    @property
    def login(self) -> str:
        """As people read it. Nicknames are not unique: whose something is, is told by the uuid."""
        return self.nickname or self.username or self.display_name or self.uuid

    def called(self, name: str) -> bool:
        """Whether `name` means them: their uuid, account id, or nickname."""
        return name in (self.uuid, self.account_id) or name.lower() == self.login.lower()


class Link(BaseModel):
    href: Text = ""
    name: Text = ""


class RepositoryLinks(BaseModel):
    html: Link = Link()
    clone: Many[Link] = ()


class Named(BaseModel):
    name: Text = ""


class RepositoryAnswer(BaseModel):
    full_name: str
    is_private: bool = False
    mainbranch: Named | None = None
    """Null in an empty repository."""
    links: RepositoryLinks = RepositoryLinks()


class CommitAnswer(BaseModel):
    hash: str = ""
    message: Text = ""


class RefAnswer(BaseModel):
    name: str
    target: CommitAnswer | None = None


class FileMeta(BaseModel):
    attributes: Many[str] | str = ()
    """Described as one word, and shown as a list: `executable`, `link`."""


class Rendered(BaseModel):
    raw: Text = ""


class Inline(BaseModel):
    """`to` counts in the new version, `from` in the old one."""

    path: Text = ""
    to: int | None = None
    old: int | None = Field(None, validation_alias="from")
    outdated: bool | None = None


class Parent(BaseModel):
    id: int


class CommentAnswer(BaseModel):
    id: int
    content: Rendered = Rendered()
    user: User | None = None
    created_on: datetime | None = None
    deleted: bool = False
    pending: bool = False
    """A draft of a review that its author has not published."""
    parent: Parent | None = None
    inline: Inline | None = None
    resolution: dict[str, object] | None = None

    @property
    def body(self) -> str:
        return self.content.raw

    @property
    def author(self) -> str:
        return self.user.login if self.user else GONE

    def comment(self, *, trusted: bool) -> Comment:
        return Comment(str(self.id), self.author, without_mark(self.body), self.created_on, trusted)


class PullBranch(BaseModel):
    name: Text = ""
    merge_strategies: Many[str] = ()


class Where(BaseModel):
    full_name: str = ""


class Endpoint(BaseModel):
    """`commit` and `repository` are null where the fork was deleted."""

    branch: PullBranch = PullBranch()
    commit: CommitAnswer | None = None
    repository: Where | None = None

    @property
    def hash(self) -> str:
        return self.commit.hash if self.commit else ""


class Participant(BaseModel):
    user: User | None = None
    role: Text = ""
    state: Text = ""
    """approved, changes_requested, or empty."""
    participated_on: datetime | None = None


class PullLinks(BaseModel):
    html: Link = Link()


class PullAnswer(BaseModel):
    id: int
    title: Text = ""
    description: str | None = None
    summary: Rendered | None = None
    state: str = "OPEN"
    """OPEN, MERGED, DECLINED, SUPERSEDED."""
    draft: bool | None = None
    queued: bool | None = None
    mergeable: bool | None = None
    author: User | None = None
    source: Endpoint = Endpoint()
    destination: Endpoint = Endpoint()
    merge_commit: CommitAnswer | None = None
    reviewers: Many[User] = ()
    participants: Many[Participant] = ()
    created_on: datetime | None = None
    updated_on: datetime | None = None
    links: PullLinks = PullLinks()

    @property
    def body(self) -> str:
        return self.summary.raw if self.summary else self.description or ""

    @property
    def from_here(self) -> bool:
        """Whether the branch is of the same repository, and not of a fork."""
        source, target = self.source.repository, self.destination.repository
        return source is None or target is None or source.full_name == target.full_name

    @property
    def merged(self) -> bool:
        return self.state == "MERGED"

    def pull_request(self, head_sha: str, merge_sha: str | None) -> PullRequest:
        """The hashes are completed by the caller."""
        states: dict[str, Literal["open", "merged"]] = {"OPEN": "open", "MERGED": "merged"}
        return PullRequest(
            number=str(self.id),
            title=self.title,
            body=without_mark(self.body),
            state=states.get(self.state, "closed"),
            head=self.source.branch.name,
            base=self.destination.branch.name,
            head_sha=head_sha,
            url=self.links.html.href,
            draft=self.draft is True,
            author=self.author.login if self.author else GONE,
            merge_sha=merge_sha,
            reviewers=tuple(user.login for user in self.reviewers),
            created_at=self.created_on,
            updated_at=self.updated_on,
        )


class Conflict(BaseModel):
    path: Text = ""


class MergeTask(BaseModel):
    """`PENDING` or `SUCCESS`; a task that failed is answered as an error."""

    task_status: Text = ""


class Permission(BaseModel):
    permission: Text = ""
    user: User | None = None


class Member(BaseModel):
    user: User | None = None


class DefaultReviewer(BaseModel):
    user: User | None = None
