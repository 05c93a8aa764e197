"""What is asked of GitHub's GraphQL interface about threads, and what is read of its answers."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from tamma.model.repository import Comment
from tamma.platforms.common.marks import without_mark
from tamma.platforms.github.models import GHOST

_COMMENT = "fullDatabaseId id body createdAt author { login __typename }"
_THREAD = (
    "id path line isResolved isOutdated comments(first: 100, after: $comments) "
    f"{{ pageInfo {{ hasNextPage endCursor }} nodes {{ {_COMMENT} }} }}"
)
THREADS = (
    "query($owner: String!, $name: String!, $number: Int!, $threads: String, $comments: String) "
    "{ repository(owner: $owner, name: $name) { pullRequest(number: $number) "
    "{ reviewThreads(first: 50, after: $threads) "
    f"{{ pageInfo {{ hasNextPage endCursor }} nodes {{ {_THREAD} }} }} }} }} }}"
)
THREAD = (
    "query($id: ID!, $comments: String) { node(id: $id) { ... on PullRequestReviewThread "
    f"{{ {_THREAD} }} }} }}"
)
REPLY = (
    "mutation($id: ID!, $body: String!) { addPullRequestReviewThreadReply("
    f"input: {{pullRequestReviewThreadId: $id, body: $body}}) {{ comment {{ {_COMMENT} }} }} }}"
)
EDIT = (
    "mutation($id: ID!, $body: String!) { updatePullRequestReviewComment("
    "input: {pullRequestReviewCommentId: $id, body: $body}) "
    f"{{ pullRequestReviewComment {{ {_COMMENT} }} }} }}"
)


class Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class PageInfo(Answer):
    has_next_page: bool = False
    end_cursor: str | None = None


class Author(BaseModel):
    login: str
    kind: str = Field("", alias="__typename")


class CommentNode(Answer):
    full_database_id: str | int
    """Text: the numbers have outgrown GraphQL's Int, which `databaseId` still is."""
    id: str
    body: str
    created_at: datetime | None = None
    author: Author | None = None

    @property
    def login(self) -> str:
        """REST calls a bot `name[bot]`, GraphQL `name`: here it is always the former."""
        if self.author is None:
            return GHOST
        bot = self.author.kind == "Bot" and not self.author.login.endswith("[bot]")
        return f"{self.author.login}[bot]" if bot else self.author.login

    def comment(self, *, trusted: bool) -> Comment:
        return Comment(
            str(self.full_database_id), self.login, without_mark(self.body), self.created_at, trusted
        )


class Comments(Answer):
    page_info: PageInfo
    nodes: list[CommentNode]


class ThreadNode(Answer):
    id: str
    path: str
    line: int | None = None
    is_resolved: bool = False
    is_outdated: bool = False
    comments: Comments


class Threads(Answer):
    page_info: PageInfo
    nodes: list[ThreadNode]


class _Pull(Answer):
    review_threads: Threads


class _Repository(Answer):
    pull_request: _Pull | None = None


class ThreadsOfPull(Answer):
    repository: _Repository | None = None

    @property
    def page(self) -> Threads | None:
        pull = self.repository.pull_request if self.repository else None
        return pull.review_threads if pull else None


class OneThread(BaseModel):
    node: ThreadNode | None = None

    @field_validator("node", mode="before")
    @classmethod
    def _of_another_kind(cls, node: object) -> object:
        """Of a node that is no thread, nothing is answered."""
        return node or None


class _AddedReply(BaseModel):
    comment: CommentNode


class Replied(Answer):
    add_pull_request_review_thread_reply: _AddedReply

    @property
    def comment(self) -> CommentNode:
        return self.add_pull_request_review_thread_reply.comment


class _EditedComment(Answer):
    pull_request_review_comment: CommentNode


class Edited(Answer):
    update_pull_request_review_comment: _EditedComment

    @property
    def comment(self) -> CommentNode:
        return self.update_pull_request_review_comment.pull_request_review_comment
