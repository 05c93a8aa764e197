"""Pull requests' conversations: what we read of threads, and how one is opened. Pure.

To Azure DevOps the conversation, remarks on lines and its own notes (votes, pushes) are all threads.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from pydantic import Field

from tamma.model.repository import Comment, InlineComment, Review, ReviewEvent, ReviewThread
from tamma.platforms.azure.models import Answer, IdentityRef
from tamma.platforms.common.marks import without_mark

COMMENT_LIMIT = 150_000
"""UTF-16 units of a comment; Azure DevOps refuses longer ones."""
_EVENT = "Tamma.ReviewEvent"
_SHA = "Tamma.ReviewSha"
_RESOLVED = frozenset({"fixed", "wontFix", "closed", "byDesign"})


class ThreadComment(Answer):
    id: int
    content: str = ""
    comment_type: str = "text"
    author: IdentityRef = Field(default_factory=IdentityRef)
    published_date: datetime | None = None
    is_deleted: bool = False

    @property
    def body(self) -> str:
        return self.content

    @property
    def spoken(self) -> bool:
        """By a person or a program, and still there."""
        return self.comment_type in ("text", "unknown") and not self.is_deleted

    def comment(self, thread: int, *, trusted: bool) -> Comment:
        body = without_mark(self.content)
        return Comment(f"{thread}/{self.id}", self.author.login, body, self.published_date, trusted)


class Position(Answer):
    line: int = 0
    offset: int = 0


class ThreadContext(Answer):
    file_path: str = ""
    right_file_start: Position | None = None
    right_file_end: Position | None = None
    left_file_start: Position | None = None
    left_file_end: Position | None = None

    @property
    def empty(self) -> bool:
        """Whether it holds no character: what is left of lines that are gone."""
        if self.right_file_end is not None:
            return self.right_file_start == self.right_file_end
        return self.left_file_start == self.left_file_end


class TrackingCriteria(Answer):
    """Where a thread stood before its lines changed or moved."""

    orig_right_file_start: Position | None = None
    orig_right_file_end: Position | None = None
    orig_left_file_start: Position | None = None
    orig_left_file_end: Position | None = None

    @property
    def empty(self) -> bool:
        if self.orig_right_file_end is not None:
            return self.orig_right_file_start == self.orig_right_file_end
        return self.orig_left_file_start == self.orig_left_file_end


class PullContext(Answer):
    tracking_criteria: TrackingCriteria | None = None


class ThreadAnswer(Answer):
    id: int
    status: str = ""
    is_deleted: bool = False
    comments: list[ThreadComment] = Field(default_factory=list[ThreadComment])
    thread_context: ThreadContext | None = None
    pull_request_thread_context: PullContext | None = None
    properties: dict[str, Any] = Field(default_factory=dict[str, Any])

    @property
    def spoken(self) -> list[ThreadComment]:
        return [] if self.is_deleted else [comment for comment in self.comments if comment.spoken]

    @property
    def on_lines(self) -> bool:
        return self.thread_context is not None and bool(self.thread_context.file_path)

    @property
    def review_event(self) -> ReviewEvent | None:
        """Of a thread that is a review's text."""
        word = _property(self.properties, _EVENT)
        return ReviewEvent(word) if word in set(ReviewEvent) else None

    @property
    def resolved(self) -> bool:
        return self.status in _RESOLVED

    @property
    def outdated(self) -> bool:
        """Whether its lines are gone, as far as that shows: read for the newest iteration, a thread that was
        moved says from where, and one whose lines were deleted holds no character any more."""
        moved = (
            self.pull_request_thread_context.tracking_criteria if self.pull_request_thread_context else None
        )
        where = self.thread_context
        return moved is not None and where is not None and where.empty and not moved.empty

    def review(self, comment: ThreadComment, event: ReviewEvent, *, trusted: bool) -> Review:
        return Review(
            f"{self.id}/{comment.id}",
            comment.author.login,
            event,
            without_mark(comment.content),
            _property(self.properties, _SHA),
            comment.published_date,
            trusted,
        )

    def thread(self, comments: tuple[Comment, ...]) -> ReviewThread:
        where = self.thread_context or ThreadContext()
        end = where.right_file_end or where.left_file_end
        gone = self.outdated
        line = end.line if end is not None and end.line > 0 and not gone else None
        path = where.file_path.lstrip("/")
        return ReviewThread(str(self.id), path, line, comments, self.resolved, outdated=gone)


def bare(text: str) -> str:
    """A text as far as services keep it: without our mark, their line ends, and space around it."""
    return without_mark(text).replace("\r\n", "\n").strip()


def new_comment(content: str, parent: int = 0) -> dict[str, object]:
    return {"parentCommentId": parent, "content": content, "commentType": "text"}


def new_thread(content: str, more: dict[str, object] | None = None) -> dict[str, object]:
    """One of the conversation. Without a status: an active one has to be resolved before a merge where the
    branch asks for that, and nobody resolves a report."""
    return {"comments": [new_comment(content)], **(more or {})}


def on_lines(comment: InlineComment, tracking: dict[str, object] | None) -> dict[str, object]:
    """Where a remark stands. `tracking` ties it to the version that was read, so that it moves with its
    lines; offsets count from 1."""
    side = "left" if comment.side == "old" else "right"
    start = comment.start_line if comment.start_line is not None else comment.line
    context: dict[str, object] = {
        "filePath": f"/{comment.path}",
        f"{side}FileStart": {"line": start, "offset": 1},
        f"{side}FileEnd": {"line": comment.line, "offset": 1},
    }
    found: dict[str, object] = {"threadContext": context, "status": "active"}
    return {**found, "pullRequestThreadContext": tracking} if tracking else found


def of_review(event: ReviewEvent, sha: str) -> dict[str, object]:
    """What makes a thread a review's text: properties that nobody sees. They are written as `type` and
    `value`, and read as `$type` and `$value`."""
    words = {_EVENT: event.value, _SHA: sha}
    return {"properties": {key: {"type": "System.String", "value": value} for key, value in words.items()}}


def _property(properties: dict[str, Any], name: str) -> str:
    value = properties.get(name)
    if isinstance(value, dict):
        value = cast("dict[str, Any]", value).get("$value")
    return value if isinstance(value, str) else ""
