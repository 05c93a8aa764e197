"""Reviews, and the conversations on lines.

A thread is not a thing of its own to these services: it is what was said about one line, to Forgejo in one
review, to Gitea in all of them.
"""

from __future__ import annotations

from tamma.errors import NotFound, PlatformError
from tamma.model.repository import (
    Comment,
    InlineComment,
    RepoRef,
    Review,
    ReviewEvent,
    ReviewSpec,
    ReviewThread,
)
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.ensuring import ensure_text, ours
from tamma.platforms.common.marks import with_mark
from tamma.platforms.common.names import number_of
from tamma.platforms.common.verdicts import of_ones_own
from tamma.platforms.gitea.client import repo_path
from tamma.platforms.gitea.issues import BODY_LIMIT
from tamma.platforms.gitea.merging import GiteaMerging
from tamma.platforms.gitea.models import CommentAnswer, LineComment, ReviewAnswer
from tamma.platforms.gitea.profile import REPLIES
from tamma.platforms.interface import RESOLVE_THREADS

_EVENTS = {
    ReviewEvent.APPROVE: "APPROVED",
    ReviewEvent.REQUEST_CHANGES: "REQUEST_CHANGES",
    ReviewEvent.COMMENT: "COMMENT",
}
_SUBMITTED = frozenset(_EVENTS.values())
Thread = list[LineComment]


class GiteaReviews(GiteaMerging):
    """The reviews' part of the adapter."""

    async def submit_review(self, repo: RepoRef, number: str, review: ReviewSpec, op_id: str) -> Review:
        existing = await self._review_of(repo, number, op_id)
        if existing is not None:
            return existing.review(trusted=True)
        pull = await self._pull(repo, number)
        if pull.head.sha != review.head_sha:
            raise self._stale(f"the head of #{number}", pull.head.sha, review.head_sha)
        body: dict[str, object] = {
            "commit_id": review.head_sha,
            "event": _EVENTS[review.event],
            "body": fit(with_mark(review.body, op_id), BODY_LIMIT, link=review.link),
            "comments": [_inline(comment) for comment in review.comments],
        }
        try:
            made = await self._api.send(
                ReviewAnswer, "POST", repo_path(repo, f"/pulls/{number_of(number)}/reviews"), body
            )
        except PlatformError as error:
            if error.status == 422 and "your own pull" in error.message:
                raise of_ones_own(error) from error
            raise
        return made.review(trusted=True)

    async def list_reviews(self, repo: RepoRef, number: str) -> tuple[Review, ...]:
        """What only answers in threads, or asks somebody for a review, is left out."""
        found = [
            answer
            for answer in await self._reviews(repo, number)
            if answer.state in _SUBMITTED and (answer.body or answer.state != "COMMENT")
        ]
        return tuple([answer.review(trusted=await self._trusts(repo, answer)) for answer in found])

    async def _review_of(self, repo: RepoRef, number: str, op_id: str) -> ReviewAnswer | None:
        found = [answer for answer in await self._reviews(repo, number) if answer.state in _SUBMITTED]
        return await ours(found, op_id, self._is_us)

    # --- threads -------------------------------------------------------------------------------------

    async def list_threads(self, repo: RepoRef, number: str) -> tuple[ReviewThread, ...]:
        """Whether a thread is outdated is nowhere told."""
        return tuple([await self._shown(repo, thread) for thread in await self._threads(repo, number)])

    async def reply(self, repo: RepoRef, number: str, thread_id: str, body: str, op_id: str) -> Comment:
        thread = await self._thread(repo, number, thread_id)
        marked = fit(with_mark(body, op_id), BODY_LIMIT)
        done = await ensure_text(
            lambda: ours(thread, op_id, self._is_us),
            lambda: self._answer(repo, number, thread[0], marked),
            lambda there: self._edited_comment(repo, there.id, {"body": marked}),
            marked,
        )
        return done.comment(trusted=True)

    async def _answer(self, repo: RepoRef, number: str, first: LineComment, body: str) -> CommentAnswer:
        server = await self._server()
        pull = repo_path(repo, f"/pulls/{number_of(number)}")
        side = "new_position" if first.position else "old_position"
        remark: dict[str, object] = {"path": first.path, side: first.line or 0, "body": body}
        if server.kind == "forgejo" and server.has(REPLIES):
            path = f"{pull}/reviews/{first.pull_request_review_id}/comments"
            return await self._api.send(LineComment, "POST", path, remark)
        if server.has(REPLIES):
            path = f"{pull}/comments/{first.id}/replies"
            return await self._api.send(LineComment, "POST", path, {"body": body})
        review = {"event": "COMMENT", "comments": [remark]}
        made = await self._api.send(ReviewAnswer, "POST", f"{pull}/reviews", review)
        return (await self._list(LineComment, f"{pull}/reviews/{made.id}/comments"))[0]

    async def resolve_thread(self, repo: RepoRef, number: str, thread_id: str, resolved: bool = True) -> None:
        await self._needs(RESOLVE_THREADS)
        first = (await self._thread(repo, number, thread_id))[0]
        if (first.resolver is not None) == resolved:
            return
        what = "resolve" if resolved else "unresolve"
        await self._api.do("POST", repo_path(repo, f"/pulls/comments/{first.id}/{what}"))

    async def _threads(self, repo: RepoRef, number: str) -> list[Thread]:
        """By their first comment, oldest first."""
        by_review = (await self._server()).kind == "forgejo"
        found: dict[tuple[int, str, int, int], Thread] = {}
        for comment in await self._line_comments(repo, number):
            review = comment.pull_request_review_id if by_review else 0
            place = (review, comment.path, comment.position, comment.original_position)
            found.setdefault(place, []).append(comment)
        return list(found.values())

    async def _line_comments(self, repo: RepoRef, number: str) -> list[LineComment]:
        path = repo_path(repo, f"/pulls/{number_of(number)}/reviews")
        found = [
            comment
            for review in await self._reviews(repo, number)
            if review.comments_count and review.state in _SUBMITTED
            for comment in await self._list(LineComment, f"{path}/{review.id}/comments")
        ]
        return sorted(found, key=lambda comment: comment.id)

    async def _thread(self, repo: RepoRef, number: str, thread_id: str) -> Thread:
        """The one with that comment in it; the id of the first is the thread's."""
        for thread in await self._threads(repo, number):
            if any(str(comment.id) == thread_id for comment in thread):
                return thread
        raise NotFound(f"#{number} has no thread {thread_id!r}", platform=self._settings.id, status=404)

    async def _shown(self, repo: RepoRef, thread: Thread) -> ReviewThread:
        first = thread[0]
        comments = [comment.comment(trusted=await self._trusts(repo, comment)) for comment in thread]
        resolved = first.resolver is not None
        return ReviewThread(str(first.id), first.path, first.line, tuple(comments), resolved)


def _inline(comment: InlineComment) -> dict[str, object]:
    """One line: there are no ranges in what all servers take."""
    side = "old_position" if comment.side == "old" else "new_position"
    return {"path": comment.path, side: comment.line, "body": fit(comment.body, BODY_LIMIT)}
