"""Work items as issues: Azure Boards, also beside a forge of another kind."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping

from pydantic import Field

from tamma.errors import NotFound, PlatformError, Unsupported
from tamma.model.repository import Comment, Issue, IssueFilter, Page, RepoRef, Target
from tamma.platforms.azure.conversations import AzureConversations
from tamma.platforms.azure.markup import to_html
from tamma.platforms.azure.models import Answer
from tamma.platforms.azure.threads import COMMENT_LIMIT, bare
from tamma.platforms.azure.workitems import (
    CLOSED,
    Categories,
    CommentAnswer,
    CommentsPage,
    Found,
    StateAnswer,
    TypeAnswer,
    WorkItemAnswer,
    fits,
    items_of,
    patch,
    way,
    wiql,
)
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.differences import difference
from tamma.platforms.common.marks import mark_of, with_footer
from tamma.platforms.common.names import number_of, segment
from tamma.platforms.http.connection import PAGES
from tamma.platforms.http.messages import Request
from tamma.platforms.interface import ASSIGNEES, PlatformSettings

_BATCH = 200
"""Work items that `workitemsbatch` takes at most, and so a page."""
_COMMENTS_PREVIEW = 4
_BELIEVED_FOR = 600.0
"""Seconds that a project's states are believed to be what they were."""
_PATCH = {"content-type": "application/json-patch+json"}


class _Label(Answer):
    name: str = ""


class _Types(Answer):
    value: list[TypeAnswer] = Field(default_factory=list[TypeAnswer])


class AzureIssues(AzureConversations):
    """The tracker's part of the adapter."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._states: dict[tuple[str, str], list[StateAnswer]] = {}
        self._closed: dict[str, tuple[float, Mapping[str, list[str]]]] = {}

    async def list_issues(self, repo: RepoRef, query: IssueFilter, cursor: str | None = None) -> Page[Issue]:
        """Up to 200 of them, of all types but hidden ones such as test plans."""
        types = await self._closed_states(repo) if query.state != "all" else None
        asked = wiql(query, types or {}, int(number_of(cursor or "0")))
        request = Request(
            "POST",
            self._in_project(repo, "/wit/wiql"),
            self._query({"$top": str(_BATCH), "timePrecision": "true"}),
            json={"query": asked},
            reads=True,
        )
        found = self._api.parse(Found, self._api.json(request, await self._api.call(request)), request.path)
        ids = [reference.id for reference in found.work_items]
        items = [item for item in await self._batch(repo, ids) if fits(item, query)]
        issues = tuple(
            [item.issue(await self._categories(repo, item), self._url_of(repo, item)) for item in items]
        )
        return Page(issues, str(ids[-1]) if len(ids) == _BATCH else None)

    async def get_issue(self, repo: RepoRef, number: str) -> Issue:
        item = await self._item(repo, number)
        comments = await self.list_comments(repo, Target("issue", number))
        return item.issue(await self._categories(repo, item), self._url_of(repo, item), comments)

    async def list_comments(self, repo: RepoRef, target: Target) -> tuple[Comment, ...]:
        """Oldest first. A comment is trusted where its author may write to the repository now."""
        if target.kind == "pull_request":
            return await self._pull_comments(repo, target.number)
        found = await self._comments(repo, target.number)
        return tuple(
            [answer.comment(trusted=await self._trusted(repo, answer.created_by)) for answer in found]
        )

    async def ensure_comment(
        self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
    ) -> Comment:
        if target.kind == "pull_request":
            return await self._ensure_pull_comment(repo, target.number, body, op_id, link)
        # Its editor throws HTML comments away: the mark is a line that people see.
        marked = fit(with_footer(body, op_id), COMMENT_LIMIT, link=link, unit="utf16")
        for there in await self._comments(repo, target.number):
            if mark_of(there.markdown) == op_id and await self._is_us(repo, there.created_by.id):
                if bare(there.markdown) != bare(await self._as_kept(repo, marked)):
                    there = await self._write_comment(repo, target.number, marked, there.key)
                return there.comment(trusted=True)
        return (await self._write_comment(repo, target.number, marked)).comment(trusted=True)

    async def set_labels(
        self, repo: RepoRef, target: Target, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """Tags. A name with `;` or `,` would be several of them."""
        for name in add:
            if ";" in name or "," in name:
                raise PlatformError(
                    f"a tag cannot be called {name!r}",
                    hint="a comma or semicolon separates tags",
                    platform=self._settings.id,
                )
        if target.kind == "pull_request":
            await self._set_pull_labels(repo, target.number, add, remove)
            return
        item = await self._item(repo, target.number)
        change = difference(item.tags, add, remove)
        if change:
            await self._write(repo, item, "System.Tags", "; ".join(change.applied(item.tags)))

    async def _set_pull_labels(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        """The labels after that."""
        path = self._in_repository(repo, f"/pullRequests/{number_of(number)}/labels")
        there = tuple(label.name for label in await self._all(_Label, path))
        change = difference(there, add, remove)
        for name in change.missing:
            await self._do("POST", path, {"name": name})
        for name in change.gone:
            with contextlib.suppress(NotFound):  # somebody else removed it between our look and our write
                await self._do("DELETE", f"{path}/{segment(name)}")
        return change.applied(there)

    async def set_assignees(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """A work item has one assignee: a new one takes the place of the one before.

        Raises NotFound for somebody unknown, and Unsupported for several.
        """
        if len(set(add)) > 1:
            raise Unsupported(
                ASSIGNEES,
                platform=self._settings.type,
                hint="a work item is assigned to one person: give one",
            )
        item = await self._item(repo, number)
        now = item.who("System.AssignedTo")
        login = now.login.lower() if now else ""
        if add and add[0].lower() != login:
            who = await self._identity(repo, add[0])
            if now is None or now.id != who.id:
                await self._write(repo, item, "System.AssignedTo", who.login)
        elif not add and login in {name.lower() for name in remove}:
            await self._write(repo, item, "System.AssignedTo", "")

    async def close_issue(self, repo: RepoRef, number: str) -> None:
        """Into a completed state of its type, by way of others where its process asks for that."""
        await self._move(repo, number, closed=True)

    async def reopen_issue(self, repo: RepoRef, number: str) -> None:
        await self._move(repo, number, closed=False)

    # --- within ----------------------------------------------------------------------------------------

    async def _move(self, repo: RepoRef, number: str, *, closed: bool) -> None:
        item = await self._item(repo, number)
        if ((await self._categories(repo, item)).get(item.state) in CLOSED) == closed:
            return
        where = self._in_project(repo, f"/wit/workitemtypes/{segment(item.type)}")
        found = await self._get(TypeAnswer, where)
        steps = way(found, await self._states_of(repo, item), item.state, closed=closed)
        if not steps:
            what = "closed" if closed else "opened again"
            raise PlatformError(
                f"#{number} ({item.type}) cannot be {what}: no transition leads there from {item.state!r}",
                hint="move it by hand on the board",
                platform=self._settings.id,
            )
        for state in steps:
            item = await self._write(repo, item, "System.State", state)

    async def _item(self, repo: RepoRef, number: str) -> WorkItemAnswer:
        return await self._get(WorkItemAnswer, self._item_path(repo, number))

    def _item_path(self, repo: RepoRef, number: str, rest: str = "") -> str:
        return self._in_project(repo, f"/wit/workitems/{number_of(number)}{rest}")

    async def _write(self, repo: RepoRef, item: WorkItemAnswer, field: str, value: object) -> WorkItemAnswer:
        """Raises Transient where somebody changed the item since it was read: then it is read again."""
        request = Request(
            "PATCH",
            self._item_path(repo, str(item.id)),
            self._query(),
            json=patch(item.rev, field, value),
            headers=_PATCH,
        )
        answer = self._api.json(request, await self._api.call(request))
        return self._api.parse(WorkItemAnswer, answer, request.path)

    async def _batch(self, repo: RepoRef, ids: list[int]) -> list[WorkItemAnswer]:
        if not ids:
            return []
        request = Request(
            "POST",
            self._in_project(repo, "/wit/workitemsbatch"),
            self._query(),
            json={"ids": ids, "errorPolicy": "omit"},
            reads=True,
        )
        answer = self._api.json(request, await self._api.call(request))
        found = [
            self._api.parse(WorkItemAnswer, item, request.path) for item in items_of(answer.get("value"))
        ]
        return sorted(found, key=lambda item: item.id)

    async def _comments(self, repo: RepoRef, number: str) -> list[CommentAnswer]:
        path = self._comment_path(repo, number)
        asked: dict[str, str] = {"$top": "200", "order": "asc"}
        found: list[CommentAnswer] = []
        for _ in range(PAGES):
            page = await self._get(CommentsPage, path, asked, preview=_COMMENTS_PREVIEW)
            found += [comment for comment in page.comments if not comment.is_deleted]
            if not page.continuation_token:
                return sorted(found, key=lambda comment: comment.key)
            asked = {**asked, "continuationToken": page.continuation_token}
        raise self._api.endless(path)

    def _comment_path(self, repo: RepoRef, number: str, rest: str = "") -> str:
        return self._in_project(repo, f"/wit/workItems/{number_of(number)}/comments{rest}")

    async def _as_kept(self, repo: RepoRef, markdown: str) -> str:
        """What is read again of this text: on servers it goes through HTML."""
        if (await self._me(repo)).hosted:
            return markdown
        return CommentAnswer(text=to_html(markdown)).markdown

    async def _write_comment(
        self, repo: RepoRef, number: str, markdown: str, existing: int | None = None
    ) -> CommentAnswer:
        """Services take Markdown (`format=markdown`, "Comments - Add Work Item Comment"), servers HTML."""
        hosted = (await self._me(repo)).hosted
        query = self._query({"format": "markdown"} if hosted else {}, _COMMENTS_PREVIEW)
        path = self._comment_path(repo, number, "" if existing is None else f"/{existing}")
        method = "POST" if existing is None else "PATCH"
        body = {"text": markdown if hosted else to_html(markdown)}
        return await self._api.send(CommentAnswer, method, path, body, query)

    # --- states ----------------------------------------------------------------------------------------

    async def _categories(self, repo: RepoRef, item: WorkItemAnswer) -> Categories:
        return {state.name: state.category for state in await self._states_of(repo, item)}

    async def _states_of(self, repo: RepoRef, item: WorkItemAnswer) -> list[StateAnswer]:
        """Asked for once, and again for a state that is new."""
        known = self._states.get((repo.owner, item.type), [])
        if not any(state.name == item.state for state in known):
            known = await self._load_states(repo, item.type)
        return known

    async def _load_states(self, repo: RepoRef, name: str) -> list[StateAnswer]:
        path = self._in_project(repo, f"/wit/workitemtypes/{segment(name)}/states")
        self._states[repo.owner, name] = await self._all(StateAnswer, path)
        return self._states[repo.owner, name]

    async def _closed_states(self, repo: RepoRef) -> Mapping[str, list[str]]:
        """Each type's closed states. The answer is large (500 kB), so it is believed for ten minutes."""
        known = self._closed.get(repo.owner)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        path = self._in_project(repo, "/wit/workitemtypes")
        found: dict[str, list[str]] = {}
        for kind in (await self._api.get(_Types, path, self._query(), cached=True)).value:
            states = kind.states or self._states.get((repo.owner, kind.name))
            states = states or await self._load_states(repo, kind.name)
            found[kind.name] = [state.name for state in states if state.category in CLOSED]
        self._closed[repo.owner] = (time.monotonic() + _BELIEVED_FOR, found)
        return found

    def _url_of(self, repo: RepoRef, item: WorkItemAnswer) -> str:
        place = self._place(repo)
        return f"{self._url}{place.collection}/{place.project}/_workitems/edit/{item.id}"
