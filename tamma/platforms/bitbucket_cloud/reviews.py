"""Reviews, and the conversations on lines.

To Bitbucket a review is three things that know nothing of each other: a verdict (one a person, the newest
counts), comments on lines, and a comment that says the rest. The last is written last, and stands for the
whole: where it is there, all of it is.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tamma.errors import Conflict, NotFound
from tamma.model.repository import (
    Comment,
    InlineComment,
    RepoRef,
    Review,
    ReviewEvent,
    ReviewSpec,
    ReviewThread,
)
from tamma.platforms.bitbucket_cloud.client import repo_path
from tamma.platforms.bitbucket_cloud.merging import BitbucketMerging
from tamma.platforms.bitbucket_cloud.models import CommentAnswer, Participant, PullAnswer
from tamma.platforms.bitbucket_cloud.talk import BODY_LIMIT, conversation, review_mark, threads, verdict_of
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.marks import with_footer, without_mark
from tamma.platforms.common.names import number_of

_VERBS = {ReviewEvent.APPROVE: "approve", ReviewEvent.REQUEST_CHANGES: "request-changes"}
_STATES = {"approved": ReviewEvent.APPROVE, "changes_requested": ReviewEvent.REQUEST_CHANGES}
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
Thread = list[CommentAnswer]


class BitbucketReviews(BitbucketMerging):
    """The reviews' part of the adapter."""

    async def submit_review(self, repo: RepoRef, number: str, review: ReviewSpec, op_id: str) -> Review:
        """Without a body there is no such comment: the verdict and the remarks are found by themselves."""
        comments = await self._comments(repo, number)
        mark = review_mark(op_id, review.event)
        existing = await self._marked(conversation(comments), mark)
        if existing is not None:
            return _of_text(existing, review.event, trusted=True)
        pull = await self._pull(repo, number)
        head = await self._head_of(repo, pull)
        if head != review.head_sha:
            raise self._stale(f"the head of #{number}", head, review.head_sha)
        for index, remark in enumerate(review.comments):
            inline_mark = f"{op_id}#{index + 1}"
            if await self._marked(comments, inline_mark) is None:
                body = fit(with_footer(remark.body, inline_mark), BODY_LIMIT)
                await self._written(repo, number, None, body, {"inline": _place(remark)})
        await self._judge(repo, pull, review.event)
        if not review.body:
            return Review((await self._me()).uuid, (await self._me()).login, review.event, "", trusted=True)
        text = fit(with_footer(review.body, mark), BODY_LIMIT, link=review.link)
        made = await self._written(repo, number, None, text, {})
        return _of_text(made, review.event, trusted=True)

    async def _judge(self, repo: RepoRef, pull: PullAnswer, event: ReviewEvent) -> None:
        """Approve, or ask for changes; so already is done."""
        verb = _VERBS.get(event)
        if verb is None:
            return
        for participant in pull.participants:
            if _STATES.get(participant.state) is event and await self._is_us(participant.user):
                return
        try:
            await self._api.do("POST", repo_path(repo, f"/pullrequests/{pull.id}/{verb}"))
        except Conflict:
            return  # 409: we have approved it already

    async def list_reviews(self, repo: RepoRef, number: str) -> tuple[Review, ...]:
        """Verdicts of others, the newest of each, without words: what people say beside is a comment to
        Bitbucket. Our own ones with what they said."""
        pull = await self._pull(repo, number)
        found: list[Review] = []
        for answer in conversation(await self._comments(repo, number)):
            event = verdict_of(answer)
            if event is not None and await self._is_us(answer.user):
                found.append(_of_text(answer, event, trusted=True))
        told = {review.event for review in found}
        for participant in pull.participants:
            event = _STATES.get(participant.state)
            if event is None or (event in told and await self._is_us(participant.user)):
                continue
            found.append(_of_verdict(participant, event, trusted=await self._trusts(repo, participant.user)))
        return tuple(sorted(found, key=lambda review: review.submitted_at or _LONG_AGO))

    # --- threads -------------------------------------------------------------------------------------

    async def list_threads(self, repo: RepoRef, number: str) -> tuple[ReviewThread, ...]:
        found = threads(await self._comments(repo, number))
        return tuple([await self._shown_thread(repo, thread) for thread in found])

    async def reply(self, repo: RepoRef, number: str, thread_id: str, body: str, op_id: str) -> Comment:
        thread = await self._thread(repo, number, thread_id)
        existing = await self._marked(thread, op_id)
        marked = fit(with_footer(body, op_id), BODY_LIMIT)
        answer = {"parent": {"type": "pullrequest_comment", "id": thread[0].id}}
        return (await self._written(repo, number, existing, marked, answer)).comment(trusted=True)

    async def resolve_thread(self, repo: RepoRef, number: str, thread_id: str, resolved: bool = True) -> None:
        first = (await self._thread(repo, number, thread_id))[0]
        if (first.resolution is not None) == resolved:
            return
        path = repo_path(repo, f"/pullrequests/{number_of(number)}/comments/{first.id}/resolve")
        try:
            await self._api.do("POST" if resolved else "DELETE", path)
        except (Conflict, NotFound):
            # 409: it is resolved, 404: it is not. Somebody was quicker, or it is gone.
            first = (await self._thread(repo, number, thread_id))[0]
            if (first.resolution is not None) != resolved:
                raise

    async def _thread(self, repo: RepoRef, number: str, thread_id: str) -> Thread:
        """The one with that comment in it; the id of the first is the thread's."""
        for thread in threads(await self._comments(repo, number)):
            if any(str(comment.id) == thread_id for comment in thread):
                return thread
        raise NotFound(f"#{number} has no thread {thread_id!r}", platform=self._settings.id, status=404)

    async def _shown_thread(self, repo: RepoRef, thread: Thread) -> ReviewThread:
        first = thread[0]
        comments = [each.comment(trusted=await self._trusts(repo, each.user)) for each in thread]
        where = first.inline
        line = (where.to or where.old) if where else None
        outdated = where is not None and where.outdated is True
        path = where.path if where else ""
        return ReviewThread(
            str(first.id), path, line, tuple(comments), first.resolution is not None, outdated
        )


def _place(comment: InlineComment) -> dict[str, object]:
    new = comment.side == "new"
    place: dict[str, object] = {"path": comment.path, "to" if new else "from": comment.line}
    if comment.start_line is not None:
        place["start_to" if new else "start_from"] = comment.start_line
    return place


def _of_text(answer: CommentAnswer, event: ReviewEvent, *, trusted: bool) -> Review:
    body = without_mark(answer.body)
    when = answer.created_on
    return Review(str(answer.id), answer.author, event, body, submitted_at=when, trusted=trusted)


def _of_verdict(participant: Participant, event: ReviewEvent, *, trusted: bool) -> Review:
    user = participant.user
    when = participant.participated_on
    author = user.login if user else ""
    return Review(user.uuid if user else "", author, event, "", submitted_at=when, trusted=trusted)
