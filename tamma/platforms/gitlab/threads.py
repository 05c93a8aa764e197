"""Conversations on lines of a merge request."""

from __future__ import annotations

from tamma.model.repository import Comment, RepoRef, ReviewThread
from tamma.platforms.common.ensuring import ensure_text, ours
from tamma.platforms.common.names import segment
from tamma.platforms.gitlab.client import item
from tamma.platforms.gitlab.issues import marked
from tamma.platforms.gitlab.merging import GitLabMerging
from tamma.platforms.gitlab.models import DiscussionAnswer, NoteAnswer, Position

_RESOLVED = "resolved"


class GitLabThreads(GitLabMerging):
    """Threads are GitLab's discussions."""

    async def list_threads(self, repo: RepoRef, number: str) -> tuple[ReviewThread, ...]:
        request = await self._request(repo, number)
        found = await self._all(DiscussionAnswer, item(repo, "pull_request", number, "/discussions"))
        return tuple([await self._thread(repo, thread, request.sha) for thread in found if thread.on_lines])

    async def reply(self, repo: RepoRef, number: str, thread_id: str, body: str, op_id: str) -> Comment:
        where = _discussion(repo, number, thread_id, "/notes")
        text = marked(body, op_id)
        note = await ensure_text(
            lambda: self._reply_of(repo, number, thread_id, op_id),
            lambda: self._api.send(NoteAnswer, "POST", where, {"body": text}),
            lambda there: self._api.send(NoteAnswer, "PUT", f"{where}/{there.id}", {"body": text}),
            text,
        )
        return note.comment(trusted=True)

    async def resolve_thread(self, repo: RepoRef, number: str, thread_id: str, resolved: bool = True) -> None:
        thread = await self._discussion(repo, number, thread_id)
        if thread.resolved != resolved:
            await self._api.do("PUT", _discussion(repo, number, thread_id), {_RESOLVED: resolved})

    async def _discussion(self, repo: RepoRef, number: str, thread_id: str) -> DiscussionAnswer:
        return await self._api.get(DiscussionAnswer, _discussion(repo, number, thread_id))

    async def _reply_of(self, repo: RepoRef, number: str, thread_id: str, op_id: str) -> NoteAnswer | None:
        return await ours((await self._discussion(repo, number, thread_id)).notes, op_id, self._is_us)

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


def _discussion(repo: RepoRef, number: str, thread_id: str, rest: str = "") -> str:
    return item(repo, "pull_request", number, f"/discussions/{segment(thread_id)}{rest}")
