"""Issues, comments, labels and assignees on GitLab."""

from __future__ import annotations

from collections.abc import Iterable

from tamma.errors import NotFound, PlatformError
from tamma.model.repository import Comment, Issue, IssueFilter, Page, RepoRef, Target
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.differences import difference
from tamma.platforms.common.ensuring import ensure_text, ours
from tamma.platforms.common.marks import mark_line
from tamma.platforms.gitlab.client import item, next_page, project, without_commands
from tamma.platforms.gitlab.models import IssueAnswer, MergeRequestAnswer, NoteAnswer, User
from tamma.platforms.gitlab.people import GitLabPeople
from tamma.platforms.gitlab.verdicts import is_verdict
from tamma.platforms.http.connection import cursor_of, from_cursor

TEXT_LIMIT = 1_000_000
"""Characters of a comment or description (docs.gitlab.com/administration/instance_limits)."""
_STATES = {"open": "opened", "closed": "closed", "all": "all"}


class GitLabIssues(GitLabPeople):
    """The tracker's part of the adapter."""

    async def list_issues(self, repo: RepoRef, query: IssueFilter, cursor: str | None = None) -> Page[Issue]:
        """Up to 100 issues, oldest first, without comments."""
        asked: dict[str, str] = {
            "state": _STATES[query.state],
            "scope": "all",
            "order_by": "created_at",
            "sort": "asc",
            "per_page": "100",
        }
        if query.labels:
            asked["labels"] = ",".join(query.labels)
        if query.assignee is not None:
            asked["assignee_username"] = query.assignee
        if query.author is not None:
            asked["author_username"] = query.author
        if query.updated_since is not None:
            asked["updated_after"] = query.updated_since.isoformat()
        where = from_cursor(cursor) if cursor else asked
        path = project(repo, "/issues")
        found, following = await self._api.page(IssueAnswer, path, where, next_page, cached=True)
        return Page(tuple(answer.issue() for answer in found), cursor_of(following))

    async def get_issue(self, repo: RepoRef, number: str) -> Issue:
        answer = await self._issue(repo, number)
        return answer.issue(await self.list_comments(repo, Target("issue", number)))

    async def list_comments(self, repo: RepoRef, target: Target) -> tuple[Comment, ...]:
        """Oldest first. A comment is trusted where its author may write to the project now.

        GitLab's own notes on what happened are left out, and what `list_reviews` and `list_threads` give.
        """
        shown = [
            note
            for note in await self._notes(repo, target)
            if not (note.on_lines or (is_verdict(note.body) and await self._is_us(note)))
        ]
        return await self._comments_of(repo, shown)

    async def ensure_comment(
        self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
    ) -> Comment:
        text = marked(body, op_id, link)
        where = item(repo, target.kind, target.number, "/notes")
        note = await ensure_text(
            lambda: self._note_of(repo, target, op_id),
            lambda: self._api.send(NoteAnswer, "POST", where, {"body": text}),
            lambda there: self._api.send(NoteAnswer, "PUT", f"{where}/{there.id}", {"body": text}),
            text,
        )
        return note.comment(trusted=True)

    async def set_labels(
        self, repo: RepoRef, target: Target, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """GitLab makes labels that do not exist yet, and tells them apart by their case. Raises PlatformError
        for one with a comma."""
        self._check_labels(add)
        where = item(repo, target.kind, target.number)
        kind = IssueAnswer if target.kind == "issue" else MergeRequestAnswer
        change = difference((await self._api.get(kind, where)).labels, add, remove, fold=str)
        wanted = {"add_labels": change.missing, "remove_labels": change.gone}
        changes = {key: ",".join(names) for key, names in wanted.items() if names}
        if changes:
            await self._api.do("PUT", where, changes)

    def _check_labels(self, names: Iterable[str]) -> None:
        """GitLab would make several labels of one."""
        for name in names:
            if "," in name:
                raise PlatformError(
                    f"a label cannot be called {name!r}",
                    hint="a comma separates labels",
                    platform=self._settings.id,
                )

    async def set_assignees(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """Raises NotFound for users who cannot be assigned; GitLab itself drops them in silence."""
        there = (await self._issue(repo, number)).assignees or []
        wanted = await self._changed_people(there, add, remove)
        if wanted is None:
            return
        where = item(repo, "issue", number)
        answer = await self._api.send(IssueAnswer, "PUT", where, {"assignee_ids": wanted or [0]})
        self._require_people(answer.assignees, add, f"assign to #{number} of {repo.full_name}")

    async def close_issue(self, repo: RepoRef, number: str) -> None:
        await self._set_state(repo, number, "closed", "close")

    async def reopen_issue(self, repo: RepoRef, number: str) -> None:
        await self._set_state(repo, number, "opened", "reopen")

    async def _set_state(self, repo: RepoRef, number: str, state: str, event: str) -> None:
        if (await self._issue(repo, number)).state != state:
            await self._api.do("PUT", item(repo, "issue", number), {"state_event": event})

    async def _issue(self, repo: RepoRef, number: str) -> IssueAnswer:
        return await self._api.get(IssueAnswer, item(repo, "issue", number))

    async def _notes(self, repo: RepoRef, target: Target) -> list[NoteAnswer]:
        """What people wrote, oldest first."""
        where = item(repo, target.kind, target.number, "/notes")
        query = {"order_by": "created_at", "sort": "asc", "per_page": "100"}
        return [
            note for note in await self._api.every(NoteAnswer, where, query, next_page) if not note.system
        ]

    async def _note_of(self, repo: RepoRef, target: Target, op_id: str) -> NoteAnswer | None:
        """Our note of that operation."""
        return await ours(await self._notes(repo, target), op_id, self._is_us)

    async def _changed_people(
        self, there: list[User], add: tuple[str, ...], remove: tuple[str, ...]
    ) -> list[int] | None:
        """The ids that shall be there; None where nothing changes."""
        change = difference((user.username for user in there), add, remove)
        if not change:
            return None
        kept = [user.id for user in there if user.username not in change.gone]
        return kept + [await self._user_id(name) for name in change.missing]

    def _require_people(self, now: list[User] | None, wanted: tuple[str, ...], doing: str) -> None:
        """Raises NotFound for those who are not there."""
        refused = difference((user.username for user in now or ()), wanted).missing
        if refused:
            raise NotFound(
                f"GitLab did not {doing}: {', '.join(refused)}",
                hint="only members of the project can be named, and one alone in GitLab's free tier",
                platform=self._settings.id,
            )


def marked(body: str, op_id: str, link: str = "") -> str:
    """As our account writes it: no quick actions, within the limit, with the mark of an operation."""
    mark = mark_line(op_id) if op_id else ""
    return fit(without_commands(body), TEXT_LIMIT, mark=mark, link=link)
