"""What we read of Bitbucket's answers: unknown fields are ignored, most have defaults."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, Field

from tamma.model.repository import Check, CheckState, PullRequest
from tamma.platforms.common.marks import without_mark
from tamma.platforms.http.limits import moment

HEADS = "refs/heads/"
_FAR = 10**15
"""Milliseconds: the year 33658."""


def _moment(value: object) -> object:
    """Milliseconds since 1970; some proxies and older servers write ISO 8601 in their place."""
    if isinstance(value, int | float):
        return moment(value / 1000) if abs(value) < _FAR else None
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None
    return value


def _path(value: object) -> object:
    """A path is written as a text, or in parts."""
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        return parts.get("toString") or "/".join(parts.get("components") or []) or parts.get("name") or ""
    return value or ""


Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Path = Annotated[str, BeforeValidator(_path)]


class Properties(BaseModel):
    version: str = ""


class User(BaseModel):
    """`name` is what people sign in with, `slug` what stands in addresses."""

    name: str = ""
    slug: str = ""

    def is_called(self, name: str) -> bool:
        """Names have no case."""
        return self.name.lower() == name.lower()


class Link(BaseModel):
    href: str = ""
    name: str = ""


class Links(BaseModel):
    self_: list[Link | None] = Field(default_factory=list[Link | None], alias="self")
    clone: list[Link] = Field(default_factory=list[Link])

    @property
    def web(self) -> str:
        return next((link.href for link in self.self_ if link is not None), "")

    def clone_url(self, *, ssh: bool) -> str:
        wanted = ("ssh",) if ssh else ("http", "https")
        return next((link.href for link in self.clone if link.name in wanted), "")


class Project(BaseModel):
    key: str = ""


class RepositoryAnswer(BaseModel):
    slug: str = ""
    project: Project = Project()
    public: bool = False
    archived: bool = False
    links: Links = Links()


class DefaultBranch(BaseModel):
    display_id: str = Field("", alias="displayId")


class BranchAnswer(BaseModel):
    id: str
    latest_commit: str = Field(alias="latestCommit")


class CommitAnswer(BaseModel):
    id: str


# --- pull requests ------------------------------------------------------------------------------------


class Side(BaseModel):
    id: str
    latest_commit: str = Field("", alias="latestCommit")
    repository: RepositoryAnswer = RepositoryAnswer()

    @property
    def branch(self) -> str:
        return self.id.removeprefix(HEADS)

    def same_repository(self, other: Side) -> bool:
        """Whether both sides are of one repository: neither is a fork's."""
        mine, its = self.repository, other.repository
        return (mine.project.key, mine.slug) == (its.project.key, its.slug)


class Participant(BaseModel):
    user: User = User()
    status: str = "UNAPPROVED"
    last_reviewed_commit: str = Field("", alias="lastReviewedCommit")


class MergeProperties(BaseModel):
    merge_commit: CommitAnswer | None = Field(None, alias="mergeCommit")


class PullAnswer(BaseModel):
    id: int
    version: int = 0
    title: str = ""
    description: str | None = None
    state: str = "OPEN"
    draft: bool | None = None
    """None: a server before 8.18."""
    from_ref: Side = Field(alias="fromRef")
    to_ref: Side = Field(alias="toRef")
    author: Participant | None = None
    reviewers: list[Participant] = Field(default_factory=list[Participant])
    participants: list[Participant] = Field(default_factory=list[Participant])
    created_date: Moment = Field(None, alias="createdDate")
    updated_date: Moment = Field(None, alias="updatedDate")
    links: Links = Links()
    properties: MergeProperties = Field(default_factory=lambda: MergeProperties(mergeCommit=None))

    @property
    def merge_sha(self) -> str | None:
        return self.properties.merge_commit.id if self.properties.merge_commit else None

    @property
    def author_name(self) -> str:
        return self.author.user.name if self.author else ""

    def everybody(self) -> list[Participant]:
        return [*self.reviewers, *self.participants]

    def pull_request(self) -> PullRequest:
        return PullRequest(
            number=str(self.id),
            title=self.title,
            body=without_mark(self.description),
            state="merged" if self.state == "MERGED" else "open" if self.state == "OPEN" else "closed",
            head=self.from_ref.branch,
            base=self.to_ref.branch,
            head_sha=self.from_ref.latest_commit,
            url=self.links.web,
            draft=bool(self.draft),
            author=self.author_name,
            merge_sha=self.merge_sha if self.state == "MERGED" else None,
            reviewers=tuple(reviewer.user.name for reviewer in self.reviewers),
            created_at=self.created_date,
            updated_at=self.updated_date,
        )


class Veto(BaseModel):
    summary: str = Field("", alias="summaryMessage")
    detail: str = Field("", alias="detailedMessage")


class Mergeability(BaseModel):
    can_merge: bool | None = Field(None, alias="canMerge")
    conflicted: bool = False
    outcome: str = ""
    vetoes: list[Veto] = Field(default_factory=list[Veto])


class Strategy(BaseModel):
    id: str = ""
    enabled: bool = True


class MergeConfig(BaseModel):
    strategies: list[Strategy] = Field(default_factory=list[Strategy])


class PullSettings(BaseModel):
    merge_config: MergeConfig = Field(default_factory=MergeConfig, alias="mergeConfig")


class AutoMerge(BaseModel):
    from_hash: str = Field("", alias="fromHash")


# --- builds -------------------------------------------------------------------------------------------

_STATES = {
    "SUCCESSFUL": CheckState.SUCCESS,
    "FAILED": CheckState.FAILURE,
    "CANCELLED": CheckState.FAILURE,
}


class BuildAnswer(BaseModel):
    key: str = ""
    name: str | None = None
    state: str = "UNKNOWN"
    url: str | None = None
    description: str | None = None
    updated_date: Moment = Field(None, alias="updatedDate")

    def check(self) -> Check:
        """A build whose state is unknown is not over."""
        state = _STATES.get(self.state, CheckState.PENDING)
        detail = self.description or self.state.lower()
        return Check(self.name or self.key, state, self.url or "", detail)


class ReportAnswer(BaseModel):
    """Of Code Insights: what a tool has found in a commit."""

    key: str = ""
    title: str | None = None
    result: str | None = None
    """None: it only informs."""
    reporter: str | None = None
    link: str | None = None

    def check(self) -> Check:
        state = CheckState.SUCCESS if self.result == "PASS" else CheckState.FAILURE
        return Check(self.title or self.key, state, self.link or "", self.reporter or "report")
