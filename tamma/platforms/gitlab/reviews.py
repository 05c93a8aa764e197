"""Reviews of merge requests on GitLab."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import BaseModel, Field

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError, StaleHead, Transient
from tamma.model.repository import RepoRef, Review, ReviewEvent, ReviewSpec, Target
from tamma.platforms.common.marks import mark_of, without_mark
from tamma.platforms.gitlab.client import item
from tamma.platforms.gitlab.diffs import position, suggested
from tamma.platforms.gitlab.issues import marked
from tamma.platforms.gitlab.merging import at_least
from tamma.platforms.gitlab.models import DraftNote, MergeRequestAnswer, NoteAnswer, User, login
from tamma.platforms.gitlab.threads import GitLabThreads
from tamma.platforms.gitlab.verdicts import verdict_of, with_verdict

_WORDS = {"requested_changes": ReviewEvent.REQUEST_CHANGES, "reviewed": ReviewEvent.COMMENT}
"""A reviewer's state; who approves is in the list of approvals."""


class _Approval(BaseModel):
    user: User
    approved_at: datetime | None = None


class _Approvals(BaseModel):
    approved_by: list[_Approval] = Field(default_factory=list[_Approval])


class _Reviewer(BaseModel):
    user: User
    state: str = ""
    created_at: datetime | None = None


class GitLabReviews(GitLabThreads):
    """A review is a note with the verdict, remarks on lines, and for approvals GitLab's approval.

    Remarks and note are written as drafts, which nobody but us sees, and are published together. What is
    there already, by its mark, is not written again.
    """

    async def submit_review(self, repo: RepoRef, number: str, review: ReviewSpec, op_id: str) -> Review:
        request = await self._request(repo, number)
        note = await self._note_of(repo, Target("pull_request", number), op_id)
        if note is None:
            await self._require_head(repo, request, review.head_sha, op_id)
            await self._write(repo, request, review, op_id)
            note = await self._note_of(repo, Target("pull_request", number), op_id)
            if note is None:
                raise PlatformError(f"the review of !{number} was published and is not there")
        if request.is_open and request.sha == review.head_sha:
            await self._say_verdict(repo, number, review)
        return self._review(note, trusted=True)

    async def list_reviews(self, repo: RepoRef, number: str) -> tuple[Review, ...]:
        """Our notes; of others their approvals, and the word that they left as reviewers."""
        notes = await self._notes(repo, Target("pull_request", number))
        ours = [note for note in notes if verdict_of(note.body) and await self._is_us(note)]
        found = [self._review(note, trusted=await self._trusts(repo, note.author)) for note in ours]
        said = {verdict[0] for note in ours if (verdict := verdict_of(note.body))}
        me = (await self._who()).id
        for approval in (await self._approvals(repo, number)).approved_by:
            if approval.user.id != me or ReviewEvent.APPROVE not in said:
                verdict = (approval.user, ReviewEvent.APPROVE, approval.approved_at)
                found += [await self._others(repo, *verdict)]
        for reviewer in await self._reviewers(repo, number):
            event = _WORDS.get(reviewer.state)
            if event is not None and (reviewer.user.id != me or not said):
                found += [await self._others(repo, reviewer.user, event, reviewer.created_at)]
        return tuple(sorted(found, key=_time))

    # --- writing -----------------------------------------------------------------------------------------

    async def _write(
        self, repo: RepoRef, request: MergeRequestAnswer, review: ReviewSpec, op_id: str
    ) -> None:
        """The note and the remarks, published together where the server has drafts (since 15.10)."""
        number = str(request.iid)
        wanted = await self._remarks(repo, request, review, op_id)
        text = marked(with_verdict(review.body, review.event, review.head_sha), op_id, review.link)
        there = await self._written(repo, number)
        # The note comes last: it says that all of the review is there.
        missing = [remark for remark in wanted if _op(remark) not in there]
        try:
            drafts = await self._drafts(repo, number)
        except NotFound:
            for remark in missing:
                await self._api.do("POST", item(repo, "pull_request", number, "/discussions"), remark)
            await self._api.do("POST", item(repo, "pull_request", number, "/notes"), {"body": text})
            return
        ops = {mark_of(draft.note) for draft in drafts}
        where = item(repo, "pull_request", number, "/draft_notes")
        note_itself: dict[str, object] = {"body": text}
        for remark in [*missing, note_itself]:
            if _op(remark) not in ops:
                note = {"note": remark["body"], **{k: v for k, v in remark.items() if k != "body"}}
                drafts.append(await self._api.send(DraftNote, "POST", where, note))
        await self._publish(repo, number, drafts, op_id, review.event)

    async def _publish(
        self, repo: RepoRef, number: str, drafts: Sequence[DraftNote], op_id: str, event: ReviewEvent
    ) -> None:
        """All at once; where the user of our token has drafts of their own, ours alone, one by one."""
        where = item(repo, "pull_request", number, "/draft_notes")
        ours = [draft for draft in drafts if _belongs(draft.note, op_id)]
        if len(ours) == len(drafts):
            state: dict[str, str] = {}
            if event is ReviewEvent.REQUEST_CHANGES and at_least(await self.server_version(), 19, 2):
                state = {"reviewer_state": "requested_changes"}
            await self._api.do("POST", f"{where}/bulk_publish", state or None)
            return
        for draft in ours:
            await self._api.do("PUT", f"{where}/{draft.id}/publish")

    async def _remarks(
        self, repo: RepoRef, request: MergeRequestAnswer, review: ReviewSpec, op_id: str
    ) -> list[dict[str, object]]:
        """Raises PlatformError for a line that takes none, before anything is written."""
        if not review.comments:
            return []
        refs, files = request.diff_refs, await self._diffs(repo, str(request.iid))
        if refs is None or refs.head_sha != review.head_sha:
            raise Transient(
                f"GitLab has not prepared the diff of !{request.iid} at {review.head_sha[:12]} yet",
                platform=self._settings.id,
            )
        return [
            {
                "body": marked(suggested(comment), f"{op_id}.{index}", review.link),
                "position": position(files, refs, comment),
            }
            for index, comment in enumerate(review.comments, 1)
        ]

    async def _say_verdict(self, repo: RepoRef, number: str, review: ReviewSpec) -> None:
        """GitLab's own approval, given or taken back. Pinned to the commit by GitLab (409)."""
        if review.event is ReviewEvent.COMMENT:
            return
        me = (await self._who()).id
        approvals = await self._approvals(repo, number)
        approved = any(approval.user.id == me for approval in approvals.approved_by)
        if review.event is ReviewEvent.APPROVE and not approved:
            try:
                where = item(repo, "pull_request", number, "/approve")
                await self._api.do("POST", where, {"sha": review.head_sha})
            except Conflict as error:
                raise StaleHead(error.message, platform=self._settings.id, status=error.status) from error
            except Forbidden:
                # GitLab says the same where it is approved already: by another attempt that was under way?
                approvals = await self._approvals(repo, number)
                if not any(approval.user.id == me for approval in approvals.approved_by):
                    raise
        if review.event is ReviewEvent.REQUEST_CHANGES and approved:
            with contextlib.suppress(NotFound):
                await self._api.do("POST", item(repo, "pull_request", number, "/unapprove"))

    async def _require_head(self, repo: RepoRef, request: MergeRequestAnswer, head: str, op_id: str) -> None:
        """Raises StaleHead; drafts of an attempt before this one go with it."""
        if request.sha == head:
            return
        number = str(request.iid)
        with contextlib.suppress(PlatformError):
            for draft in await self._drafts(repo, number):
                if _belongs(draft.note, op_id):
                    where = item(repo, "pull_request", number, f"/draft_notes/{draft.id}")
                    await self._api.do("DELETE", where)
        raise self._stale(f"the head of !{number}", request.sha or "", head)

    # --- reading -----------------------------------------------------------------------------------------

    async def _written(self, repo: RepoRef, number: str) -> set[str | None]:
        """The operations of what we have published."""
        notes = await self._notes(repo, Target("pull_request", number))
        return {mark_of(note.body) for note in notes if await self._is_us(note)}

    async def _drafts(self, repo: RepoRef, number: str) -> list[DraftNote]:
        """Our own: GitLab shows nobody others'."""
        return await self._all(DraftNote, item(repo, "pull_request", number, "/draft_notes"))

    async def _approvals(self, repo: RepoRef, number: str) -> _Approvals:
        return await self._api.get(_Approvals, item(repo, "pull_request", number, "/approvals"))

    async def _reviewers(self, repo: RepoRef, number: str) -> list[_Reviewer]:
        try:
            return await self._all(_Reviewer, item(repo, "pull_request", number, "/reviewers"))
        except NotFound:  # before GitLab 14.6
            return []

    def _review(self, note: NoteAnswer, *, trusted: bool) -> Review:
        event, sha, body = verdict_of(note.body) or (ReviewEvent.COMMENT, "", note.body or "")
        return Review(
            str(note.id), login(note.author), event, without_mark(body), sha, note.created_at, trusted
        )

    async def _others(self, repo: RepoRef, user: User, event: ReviewEvent, when: datetime | None) -> Review:
        trusted = await self._trusts(repo, user)
        return Review(f"{event}-{user.id}", user.username, event, "", "", when, trusted)


def _op(remark: dict[str, object]) -> str | None:
    return mark_of(str(remark["body"]))


def _belongs(text: str, op_id: str) -> bool:
    """To the review of `op_id`: its note, or a numbered remark."""
    mark = mark_of(text) or ""
    return mark == op_id or (mark.startswith(f"{op_id}.") and mark[len(op_id) + 1 :].isdigit())


def _time(review: Review) -> datetime:
    return review.submitted_at or datetime.min.replace(tzinfo=UTC)
