"""Conversations on lines of a merge request."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

from tamma.model.repository import Comment, RepoRef, ReviewThread
from tamma.platforms.common.marks import mark_of, without_mark
from tamma.platforms.gitlab.client import find_or_make, item, next_page, quoted
from tamma.platforms.gitlab.issues import marked
from tamma.platforms.gitlab.merging import GitLabMerging
from tamma.platforms.gitlab.models import DiscussionAnswer, NoteAnswer, Position

M = TypeVar("M", bound=BaseModel)
_RESOLVED = "resolved"


class GitLabThreads(GitLabMerging):
    """Threads are GitLab's discussions."""

    async def list_threads(self, repo: RepoRef, number: str) -> tuple[ReviewThread, ...]:
        request = await self._request(repo, number)
        found = await self._every(DiscussionAnswer, item(repo, "pull_request", number, "/discussions"))
        return tuple([await self._thread(repo, thread, request.sha) for thread in found if thread.on_lines])

    async def reply(self, repo: RepoRef, number: str, thread_id: str, body: str, op_id: str) -> Comment:
        where = _discussion(repo, number, thread_id, "/notes")
        text = marked(body, op_id)
        note, made = await find_or_make(
            lambda: self._reply_of(repo, number, thread_id, op_id),
            lambda: self._api.send(NoteAnswer, "POST", where, {"body": text}),
        )
        if not made and without_mark(note.body) != without_mark(text):
            note = await self._api.send(NoteAnswer, "PUT", f"{where}/{note.id}", {"body": text})
        return note.comment(trusted=True)

    async def resolve_thread(self, repo: RepoRef, number: str, thread_id: str, resolved: bool = True) -> None:
        thread = await self._discussion(repo, number, thread_id)
        if thread.resolved != resolved:
            await self._api.do("PUT", _discussion(repo, number, thread_id), {_RESOLVED: resolved})

    async def _discussion(self, repo: RepoRef, number: str, thread_id: str) -> DiscussionAnswer:
        return await self._api.get(DiscussionAnswer, _discussion(repo, number, thread_id))

    async def _reply_of(self, repo: RepoRef, number: str, thread_id: str, op_id: str) -> NoteAnswer | None:
        for note in (await self._discussion(repo, number, thread_id)).notes:
            if mark_of(note.body) == op_id and await self._mine(note.author):
                return note
        return None

    async def _thread(self, repo: RepoRef, thread: DiscussionAnswer, head: str | None) -> ReviewThread:
        place = thread.notes[0].position or Position()
        notes = [note for note in thread.notes if not note.system]
        return ReviewThread(
            thread.id,
            place.new_path or place.old_path or "",
            place.new_line or place.old_line,
            await self._comments_of(repo, notes),
            resolved=thread.resolved,
            outdated=place.head_sha != head,
        )

    async def _every(self, model: type[M], where: str) -> list[M]:
        return await self._api.every(model, where, {"per_page": "100"}, next_page)


def _discussion(repo: RepoRef, number: str, thread_id: str, rest: str = "") -> str:
    return item(repo, "pull_request", number, f"/discussions/{quoted(thread_id)}{rest}")
