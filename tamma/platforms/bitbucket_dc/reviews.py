"""Reviews, and the conversations on lines.

To the service a review is a participant's verdict, which has no text, and comments. One of ours is a verdict,
remarks on lines, and a comment with its text whose mark names the verdict: that one is written last, and
where it is, all of the review is.
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
from tamma.platforms.bitbucket_dc.client import repo_path
from tamma.platforms.bitbucket_dc.lines import anchor_of
from tamma.platforms.bitbucket_dc.merging import BitbucketMerging
from tamma.platforms.bitbucket_dc.models import Participant, PullAnswer
from tamma.platforms.bitbucket_dc.remarks import Activity, CommentAnswer, Diff
from tamma.platforms.bitbucket_dc.talk import REVIEW, marked, roots
from tamma.platforms.common.marks import without_mark
from tamma.platforms.common.names import number_of, segment, segments
from tamma.platforms.common.verdicts import of_ones_own
from tamma.platforms.interface import RESOLVE_THREADS

_STATUSES = {ReviewEvent.APPROVE: "APPROVED", ReviewEvent.REQUEST_CHANGES: "NEEDS_WORK"}
_VERDICTS = {"APPROVED": ReviewEvent.APPROVE, "REVIEWED": ReviewEvent.REQUEST_CHANGES}
"""Activities; `REVIEWED` is how they call what else is `NEEDS_WORK`."""
_WORDLESS = {
    ReviewEvent.APPROVE: "Approved.",
    ReviewEvent.REQUEST_CHANGES: "Changes requested.",
    ReviewEvent.COMMENT: "Reviewed.",
}
"""Texts of reviews without one: the mark needs a comment."""


class BitbucketReviews(BitbucketMerging):
    """The reviews' part of the adapter."""

    async def submit_review(self, repo: RepoRef, number: str, review: ReviewSpec, op_id: str) -> Review:
        activities = await self._activities(repo, number)
        mark = _mark(review.event, op_id)
        written = await self._ours(_comments(activities), mark)
        if written is not None:
            return _ours_as_review(written, review.event)
        pull = await self._pull(repo, number)
        await self._check_head(repo, pull, review.head_sha)
        await self._judge(repo, pull, review)
        for index, remark in enumerate(review.comments, 1):
            part = f"remark:{op_id}:{index}"
            if await self._ours(_comments(activities), part) is None:
                await self._remark(repo, pull, remark, part)
        text = marked(review.body.strip() or _WORDLESS[review.event], mark, review.link)
        made = await self._say(repo, number_of(number), {"text": text})
        return _ours_as_review(made, review.event)

    async def _judge(self, repo: RepoRef, pull: PullAnswer, review: ReviewSpec) -> None:
        """Give the verdict. The server compares the commit with the head."""
        status = _STATUSES.get(review.event)
        if status is None:
            return
        login = await self._login()
        now = next((each for each in pull.everybody() if each.user.is_called(login)), None)
        if now is not None and (now.status, now.last_reviewed_commit) == (status, review.head_sha):
            return
        slug = now.user.slug if now else await self._slug(login)
        path = repo_path(repo, f"/pull-requests/{pull.id}/participants/{segment(slug)}")
        body = {"status": status, "lastReviewedCommit": review.head_sha}
        try:
            await self._api.send(Participant, "PUT", path, body)
        except PlatformError as error:
            if error.status == 400 and pull.author_name.lower() == login.lower():
                raise of_ones_own(error) from error
            if error.status == 409:  # the head moved, or it was closed
                await self._check_head(repo, await self._pull(repo, str(pull.id)), review.head_sha)
            raise

    async def _slug(self, login: str) -> str:
        """What stands for us in addresses. Accounts of tokens are in no list: theirs is as their name."""
        user = await self._user(login)
        return user.slug if user is not None and user.slug else login.lower()

    async def _remark(self, repo: RepoRef, pull: PullAnswer, remark: InlineComment, mark: str) -> None:
        path = repo_path(repo, f"/pull-requests/{pull.id}/diff/{segments(remark.path)}")
        query = {"contextLines": "0", "withComments": "false"}
        anchor = anchor_of(remark, await self._api.get(Diff, path, query))
        if anchor is None:
            raise PlatformError(
                f"#{pull.id} does not change {remark.path!r}",
                hint="remarks go on files of the change; put the rest into the review's text",
                platform=self._settings.id,
            )
        await self._say(repo, str(pull.id), {"text": marked(remark.body, mark), "anchor": anchor})

    async def list_reviews(self, repo: RepoRef, number: str) -> tuple[Review, ...]:
        """Verdicts, and our own reviews. What people write beside a verdict is a comment to the service."""
        login = await self._login()
        activities = await self._activities(repo, number)
        pull = await self._pull(repo, number)
        found: list[tuple[int, Review]] = []
        spoken = {_event(comment.mark(login)) for comment in _comments(activities)}
        for activity in activities:
            comment = activity.comment
            event = _event(comment.mark(login)) if comment is not None else None
            if comment is not None and event is not None and activity.action == "COMMENTED":
                found.append((activity.id, _ours_as_review(comment, event)))
            verdict = _VERDICTS.get(activity.action)
            if verdict is None or (activity.user.is_called(login) and verdict in spoken):
                continue
            found.append((activity.id, await self._verdict(repo, pull, activity, verdict)))
        return tuple(review for _, review in sorted(found, key=lambda each: each[0]))

    async def _verdict(
        self, repo: RepoRef, pull: PullAnswer, activity: Activity, event: ReviewEvent
    ) -> Review:
        """The commit is known of a verdict that still stands."""
        who = activity.user
        sha = next(
            (
                each.last_reviewed_commit
                for each in pull.everybody()
                if each.user.is_called(who.name) and each.status == _STATUSES[event]
            ),
            "",
        )
        trusted = await self._trusts(repo, who.name)
        return Review(f"verdict-{activity.id}", who.name, event, "", sha, activity.created_date, trusted)

    # --- threads -------------------------------------------------------------------------------------

    async def list_threads(self, repo: RepoRef, number: str) -> tuple[ReviewThread, ...]:
        threads = await self._threads(repo, number)
        return tuple([await self._thread_shown(repo, thread) for thread in threads])

    async def reply(self, repo: RepoRef, number: str, thread_id: str, body: str, op_id: str) -> Comment:
        root = await self._thread(repo, number, thread_id)
        text = marked(body, op_id)
        found = await self._ours(root.flat()[1:], op_id)
        if found is None:
            made = await self._say(repo, number, {"text": text, "parent": {"id": root.id}})
            return made.comment(trusted=True)
        return (await self._edit(repo, number, found, text)).comment(trusted=True)

    async def resolve_thread(self, repo: RepoRef, number: str, thread_id: str, resolved: bool = True) -> None:
        await self._needs(RESOLVE_THREADS)
        root = await self._thread(repo, number, thread_id)
        if root.thread_resolved != resolved:
            await self._change(repo, number, root, {"threadResolved": resolved})

    async def _threads(self, repo: RepoRef, number: str) -> list[Activity]:
        """The activities that opened them, oldest first."""
        found = [root for root in roots(await self._activities(repo, number)) if root.anchor is not None]
        return sorted(found, key=lambda root: root.comment.id if root.comment else 0)

    async def _thread(self, repo: RepoRef, number: str, thread_id: str) -> CommentAnswer:
        """The root of the one with that comment in it."""
        for root in await self._threads(repo, number):
            comment = root.comment
            if comment is not None and thread_id in {str(each.id) for each in comment.flat()}:
                return comment
        raise NotFound(f"#{number} has no thread {thread_id!r}", platform=self._settings.id, status=404)

    async def _thread_shown(self, repo: RepoRef, root: Activity) -> ReviewThread:
        comment, anchor = root.comment, root.anchor
        assert comment is not None
        assert anchor is not None
        return ReviewThread(
            str(comment.id),
            anchor.path,
            None if anchor.orphaned else anchor.line,
            tuple([await self._shown(repo, each) for each in comment.flat()]),
            resolved=comment.thread_resolved,
            outdated=anchor.orphaned,
        )


def _comments(activities: list[Activity]) -> list[CommentAnswer]:
    return [comment for root in roots(activities) if root.comment for comment in root.comment.flat()]


def _mark(event: ReviewEvent, op_id: str) -> str:
    return f"{REVIEW}:{event.value}:{op_id}"


def _event(mark: str | None) -> ReviewEvent | None:
    """The verdict that a review's text stands for; None for all that is none of ours."""
    kind, _, rest = (mark or "").partition(":")
    name = rest.partition(":")[0]
    return ReviewEvent(name) if kind == REVIEW and name in {event.value for event in ReviewEvent} else None


def _ours_as_review(comment: CommentAnswer, event: ReviewEvent) -> Review:
    text = without_mark(comment.text)
    return Review(str(comment.id), comment.author.name, event, text, "", comment.created_date, trusted=True)
