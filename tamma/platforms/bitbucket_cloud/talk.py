"""What is said on pull requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tamma.errors import PlatformError, Unsupported
from tamma.model.repository import Comment, RepoRef, ReviewEvent, Target
from tamma.platforms.bitbucket_cloud.client import repo_path
from tamma.platforms.bitbucket_cloud.commits import BitbucketCommits
from tamma.platforms.bitbucket_cloud.models import CommentAnswer
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.ensuring import ours
from tamma.platforms.common.marks import mark_of, with_footer, without_mark
from tamma.platforms.common.names import number_of
from tamma.platforms.interface import ISSUES

BODY_LIMIT = 250_000
"""Characters of a comment or a description, as in Renovate; Bitbucket documents none."""
NO_ISSUES = (
    "Bitbucket removed its issue tracker in August 2026: configure a tracker beside it "
    '("issues": {"platform": …, "project": …})'
)
_VERDICTS = {event: f"#{event.value.replace('_', '-')}" for event in ReviewEvent}
"""What follows the operation in the mark of a review's text."""


class BitbucketTalk(BitbucketCommits):
    """Comments. Marks are footers: Bitbucket shows HTML comments as text."""

    async def list_comments(self, repo: RepoRef, target: Target) -> tuple[Comment, ...]:
        """Of the conversation, answers in it too; what is said on lines and in our reviews is elsewhere."""
        self._on_pull(target)
        found = conversation(await self._comments(repo, target.number))
        return tuple(
            [
                answer.comment(trusted=await self._trusts(repo, answer.user))
                for answer in found
                if verdict_of(answer) is None or not await self._is_us(answer.user)
            ]
        )

    async def ensure_comment(
        self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
    ) -> Comment:
        self._on_pull(target)
        existing = await self._marked(conversation(await self._comments(repo, target.number)), op_id)
        marked = fit(with_footer(body, op_id), BODY_LIMIT, link=link)
        written = await self._written(repo, target.number, existing, marked, {})
        return written.comment(trusted=True)

    async def _comments(self, repo: RepoRef, number: str) -> list[CommentAnswer]:
        """All that can be read, oldest first."""
        path = repo_path(repo, f"/pullrequests/{number_of(number)}/comments")
        found = await self._all(CommentAnswer, path)
        shown = {answer.id: answer for answer in found if not (answer.deleted or answer.pending)}
        return sorted(shown.values(), key=lambda answer: answer.id)

    async def _marked(self, comments: Sequence[CommentAnswer], mark: str) -> CommentAnswer | None:
        return await ours(comments, mark, lambda it: self._is_us(it.user))

    async def _written(
        self,
        repo: RepoRef,
        number: str,
        existing: CommentAnswer | None,
        body: str,
        more: Mapping[str, object],
    ) -> CommentAnswer:
        """The comment with that body: made, changed where it says something else, or left as it is.

        `more`: where it belongs, of a new one.
        """
        path = repo_path(repo, f"/pullrequests/{number_of(number)}/comments")
        content = {"type": "pullrequest_comment", "content": {"raw": body}}
        if existing is None:
            await self._me()  # before it is written it must be sure that it is found again
            made = await self._api.send(CommentAnswer, "POST", path, {**content, **more})
            if not await self._is_us(made.user):
                raise PlatformError(
                    f"Bitbucket says that {made.author!r} wrote our comment {made.id}: "
                    "it would not be found again",
                    hint="is it the token of an account? Then set username to its e-mail address",
                    platform=self._settings.id,
                )
            return made
        if without_mark(existing.body) == without_mark(body):
            return existing
        return await self._api.send(CommentAnswer, "PUT", f"{path}/{existing.id}", content)

    def _on_pull(self, target: Target) -> None:
        if target.kind == "issue":
            raise Unsupported(ISSUES, platform=self._settings.type, hint=NO_ISSUES)


def conversation(comments: Sequence[CommentAnswer]) -> list[CommentAnswer]:
    """Those that do not belong to lines, and answer none that does."""
    by_id = {answer.id: answer for answer in comments}
    return [answer for answer in comments if first_of(answer, by_id).inline is None]


def threads(comments: Sequence[CommentAnswer]) -> list[list[CommentAnswer]]:
    """What is said on lines, each with its answers, by their first comments."""
    by_id = {answer.id: answer for answer in comments}
    found: dict[int, list[CommentAnswer]] = {}
    for answer in comments:
        first = first_of(answer, by_id)
        if first.inline is not None:
            found.setdefault(first.id, []).append(answer)
    return list(found.values())


def first_of(answer: CommentAnswer, by_id: dict[int, CommentAnswer]) -> CommentAnswer:
    """The comment that begins the exchange; the oldest that is left where that one was deleted."""
    for _ in range(len(by_id)):
        parent = by_id.get(answer.parent.id) if answer.parent else None
        if parent is None:
            break
        answer = parent
    return answer


def review_mark(op_id: str, event: ReviewEvent) -> str:
    """The mark of a review's text: Bitbucket keeps a verdict apart from what is said about it."""
    return op_id + _VERDICTS[event]


def verdict_of(answer: CommentAnswer) -> ReviewEvent | None:
    """The verdict that a review's text was written for; None for other comments."""
    mark = mark_of(answer.body) or ""
    return next((event for event, word in _VERDICTS.items() if mark.endswith(word)), None)
