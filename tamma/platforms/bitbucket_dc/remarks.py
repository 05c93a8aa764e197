"""What we read of comments, of the activities that they are in, and of the lines that they are on."""

from __future__ import annotations

from pydantic import BaseModel, Field

from tamma.model.repository import Comment
from tamma.platforms.bitbucket_dc.models import Moment, Path, User
from tamma.platforms.common.marks import mark_of, without_mark


class CommentAnswer(BaseModel):
    id: int
    version: int = 0
    text: str = ""
    author: User = User()
    created_date: Moment = Field(None, alias="createdDate")
    comments: list[CommentAnswer] = Field(default_factory=list["CommentAnswer"])
    state: str = "OPEN"
    thread_resolved: bool = Field(False, alias="threadResolved")

    def flat(self) -> list[CommentAnswer]:
        """With the answers to it and to these, in the order in which they were written."""
        below = [found for answer in self.comments for found in answer.flat()]
        return [self, *sorted(below, key=lambda comment: comment.id)]

    def mark(self, login: str) -> str | None:
        """The operation of ours that wrote it. Anybody can copy a mark: only our own comments count."""
        return mark_of(self.text) if self.author.is_called(login) else None

    def comment(self, *, trusted: bool) -> Comment:
        return Comment(str(self.id), self.author.name, without_mark(self.text), self.created_date, trusted)


class Anchor(BaseModel):
    path: Path = ""
    line: int | None = None
    orphaned: bool = False


class Activity(BaseModel):
    id: int = 0
    action: str = ""
    comment_action: str = Field("", alias="commentAction")
    user: User = User()
    created_date: Moment = Field(None, alias="createdDate")
    comment: CommentAnswer | None = None
    anchor: Anchor | None = Field(None, alias="commentAnchor")


# --- lines of a change --------------------------------------------------------------------------------


class DiffLine(BaseModel):
    source: int = 0
    destination: int = 0


class Segment(BaseModel):
    type: str = "CONTEXT"
    lines: list[DiffLine] = Field(default_factory=list[DiffLine])


class Hunk(BaseModel):
    segments: list[Segment] = Field(default_factory=list[Segment])


class FileDiff(BaseModel):
    source: Path = ""
    hunks: list[Hunk] | None = None


class Diff(BaseModel):
    from_hash: str = Field("", alias="fromHash")
    to_hash: str = Field("", alias="toHash")
    diffs: list[FileDiff] = Field(default_factory=list[FileDiff])
