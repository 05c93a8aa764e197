"""Reviews, and the conversations on lines. Threads are known to GitHub's GraphQL interface alone."""

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
from tamma.platforms.github.client import Done, repo_path
from tamma.platforms.github.issues import BODY_LIMIT
from tamma.platforms.github.merging import GitHubMerging
from tamma.platforms.github.models import ReviewAnswer
from tamma.platforms.github.threads import (
    EDIT,
    REPLY,
    THREAD,
    THREADS,
    CommentNode,
    Edited,
    OneThread,
    Replied,
    ThreadNode,
    ThreadsOfPull,
)
from tamma.platforms.http.connection import PAGES

_EVENTS = {
    ReviewEvent.APPROVE: "APPROVE",
    ReviewEvent.REQUEST_CHANGES: "REQUEST_CHANGES",
    ReviewEvent.COMMENT: "COMMENT",
}


class GitHubReviews(GitHubMerging):
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
            path = repo_path(repo, f"/pulls/{number}/reviews")
            made = await self._api.send(ReviewAnswer, "POST", path, body)
        except PlatformError as error:
            if error.status == 422:
                raise self._refused_review(error) from error
            raise
        return made.review(trusted=True)

    def _refused_review(self, error: PlatformError) -> PlatformError:
        if "own pull request" in error.message:
            return of_ones_own(error)
        hint = "GitHub takes remarks on lines that the change shows, and one pending review per person"
        return PlatformError(error.message, hint=hint, platform=self._settings.id, status=422)

    async def list_reviews(self, repo: RepoRef, number: str) -> tuple[Review, ...]:
        """Replies to threads are reviews without words to GitHub: these are left out."""
        found = [
            answer
            for answer in await self._reviews(repo, number)
            if answer.state != "PENDING" and (answer.body or answer.state != "COMMENTED")
        ]
        return tuple(
            [answer.review(trusted=await self._trust.may_write(repo, answer.author)) for answer in found]
        )

    async def list_threads(self, repo: RepoRef, number: str) -> tuple[ReviewThread, ...]:
        found: list[ThreadNode] = []
        asked = {"owner": repo.owner, "name": repo.name, "number": int(number_of(number))}
        after: str | None = None
        for _ in range(PAGES):
            data = await self._graphql(ThreadsOfPull, THREADS, **asked, threads=after, comments=None)
            page = data.page
            if page is None:
                raise NotFound(f"there is no pull request #{number}", platform=self._settings.id, status=404)
            found += page.nodes
            after = page.page_info.end_cursor
            if not page.page_info.has_next_page:
                return tuple([await self._thread(repo, node) for node in found])
        raise self._api.endless("/graphql")

    async def reply(self, repo: RepoRef, number: str, thread_id: str, body: str, op_id: str) -> Comment:
        marked = fit(with_mark(body, op_id), BODY_LIMIT)

        async def find() -> CommentNode | None:
            comments = await self._thread_comments(await self._thread_node(thread_id))
            return await ours(comments, op_id, lambda it: self._is_us(it.login))

        async def make() -> CommentNode:
            return (await self._graphql(Replied, REPLY, id=thread_id, body=marked)).comment

        async def edit(there: CommentNode) -> CommentNode:
            return (await self._graphql(Edited, EDIT, id=there.id, body=marked)).comment

        return (await ensure_text(find, make, edit, marked)).comment(trusted=True)

    async def resolve_thread(self, repo: RepoRef, number: str, thread_id: str, resolved: bool = True) -> None:
        if (await self._thread_node(thread_id)).is_resolved == resolved:
            return
        mutation = "resolveReviewThread" if resolved else "unresolveReviewThread"
        await self._graphql(
            Done,
            f"mutation($id: ID!) {{ {mutation}(input: {{threadId: $id}}) {{ clientMutationId }} }}",
            id=thread_id,
        )

    async def _reviews(self, repo: RepoRef, number: str) -> list[ReviewAnswer]:
        return await self._all(ReviewAnswer, repo_path(repo, f"/pulls/{number_of(number)}/reviews"))

    async def _review_of(self, repo: RepoRef, number: str, op_id: str) -> ReviewAnswer | None:
        return await ours(await self._reviews(repo, number), op_id, lambda it: self._is_us(it.author))

    async def _thread(self, repo: RepoRef, node: ThreadNode) -> ReviewThread:
        comments = [
            comment.comment(trusted=await self._trust.may_write(repo, comment.login))
            for comment in await self._thread_comments(node)
        ]
        return ReviewThread(
            node.id, node.path, node.line, tuple(comments), node.is_resolved, node.is_outdated
        )

    async def _thread_node(self, thread_id: str, comments: str | None = None) -> ThreadNode:
        data = await self._graphql(OneThread, THREAD, id=thread_id, comments=comments)
        if data.node is None:
            raise NotFound(f"there is no thread {thread_id!r}", platform=self._settings.id, status=404)
        return data.node

    async def _thread_comments(self, node: ThreadNode) -> list[CommentNode]:
        page = node.comments
        found = list(page.nodes)
        for _ in range(PAGES):
            if not page.page_info.has_next_page:
                return found
            page = (await self._thread_node(node.id, page.page_info.end_cursor)).comments
            found += page.nodes
        raise self._api.endless("/graphql")


def _inline(comment: InlineComment) -> dict[str, object]:
    side = "LEFT" if comment.side == "old" else "RIGHT"
    where: dict[str, object] = {"path": comment.path, "line": comment.line, "side": side}
    if comment.start_line is not None and comment.start_line != comment.line:
        where |= {"start_line": comment.start_line, "start_side": side}
    return {**where, "body": fit(comment.body, BODY_LIMIT)}
