"""Issues, comments and assignees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from tamma.errors import NotFound
from tamma.model.repository import Comment, Issue, IssueFilter, Page, RepoRef, Target
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.differences import difference
from tamma.platforms.common.ensuring import ensure_text, ours
from tamma.platforms.common.filters import issue_fits
from tamma.platforms.common.marks import with_mark
from tamma.platforms.common.moments import in_utc
from tamma.platforms.common.names import number_of
from tamma.platforms.gitea.client import PAGE_SIZE, count_of, repo_path, total_of
from tamma.platforms.gitea.labels import GiteaLabels
from tamma.platforms.gitea.models import CommentAnswer, IssueAnswer, User
from tamma.platforms.http.connection import cursor_of, from_cursor
from tamma.platforms.http.messages import Query, Request

BODY_LIMIT = 1_000_000
"""Characters. The database takes more (LONGTEXT); this is what a browser still shows, as in Renovate."""


class GiteaIssues(GiteaLabels):
    """The tracker's part of the adapter."""

    async def list_issues(self, repo: RepoRef, query: IssueFilter, cursor: str | None = None) -> Page[Issue]:
        """Lists are newest first, and not all servers give them otherwise: pages are counted from the end,
        where new issues move nothing. What is closed meanwhile may move an open one past us."""
        asked = from_cursor(cursor) if cursor is not None else _query(query)
        done = count_of(asked.get("done"), 0)
        asked = {name: value for name, value in asked.items() if name != "done"}
        first, total = await self._issue_page(repo, asked, 1)
        if not first or total <= len(first):
            return Page(_kept(first[::-1][done:], query))
        size = len(first)
        end = total - done
        begin = max(end - size, 0)
        found: list[IssueAnswer] = []
        for page in range(begin // size + 1, (end - 1) // size + 2):
            found += first if page == 1 else (await self._issue_page(repo, asked, page, size))[0]
        offset = begin // size * size
        items = found[begin - offset : end - offset][::-1]
        following = cursor_of({**asked, "done": str(done + size)}) if begin else None
        return Page(_kept(items, query), following)

    async def _issue_page(
        self, repo: RepoRef, query: Query, page: int, size: int = PAGE_SIZE
    ) -> tuple[list[IssueAnswer], int]:
        """One page, newest first, and how many there are in all."""
        where = repo_path(repo, "/issues")
        request = Request("GET", where, {**query, "page": str(page), "limit": str(size)})
        response = await self._api.call(request)
        body = self._api.json(request, response)
        items = cast("list[object]", body) if isinstance(body, list) else []
        found = [self._api.parse(IssueAnswer, item, where) for item in items]
        return found, total_of(response, body) or len(found)

    async def get_issue(self, repo: RepoRef, number: str) -> Issue:
        answer = await self._issue(repo, number)
        if answer.pull_request is not None:
            raise NotFound(
                f"#{number} of {repo.full_name} is a pull request, not an issue",
                hint="give the number of an issue",
                platform=self._settings.id,
            )
        target = Target("issue", number)
        comments = await self.list_comments(repo, target) if answer.comments else ()
        return answer.issue(comments)

    async def list_comments(self, repo: RepoRef, target: Target) -> tuple[Comment, ...]:
        """Oldest first. A comment is trusted where its author may write to the repository now."""
        return tuple(
            [
                answer.comment(trusted=await self._trusts(repo, answer))
                for answer in await self._comments(repo, target)
            ]
        )

    async def ensure_comment(
        self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
    ) -> Comment:
        marked = fit(with_mark(body, op_id), BODY_LIMIT, link=link)
        sent = {"body": marked}
        path = repo_path(repo, f"/issues/{number_of(target.number)}/comments")
        done = await ensure_text(
            lambda: self._comment_of(repo, target, op_id),
            lambda: self._api.send(CommentAnswer, "POST", path, sent),
            lambda there: self._edited_comment(repo, there.id, sent),
            marked,
        )
        return done.comment(trusted=True)

    async def _edited_comment(self, repo: RepoRef, comment: int, sent: Mapping[str, str]) -> CommentAnswer:
        """Remarks on lines are changed here too."""
        return await self._api.send(
            CommentAnswer, "PATCH", repo_path(repo, f"/issues/comments/{comment}"), sent
        )

    async def set_assignees(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """The whole list is written: servers before Gitea 1.27 cannot add one."""
        now = (await self._issue(repo, number)).logins()
        change = difference(now, add, remove)
        if change.missing:
            await self._check_assignable(repo, change.missing)
        if change:
            path = repo_path(repo, f"/issues/{number_of(number)}")
            await self._api.do("PATCH", path, {"assignees": change.applied(now)})

    async def _check_assignable(self, repo: RepoRef, logins: Iterable[str]) -> None:
        """Some servers answer 500 for one who may not be assigned."""
        may = [user.login for user in await self._list(User, repo_path(repo, "/assignees"))]
        refused = difference(may, logins).missing
        if refused:
            raise NotFound(
                f"{', '.join(refused)} cannot be assigned to issues of {repo.full_name}",
                hint="only people with write access to the repository can be assigned",
                platform=self._settings.id,
            )

    async def close_issue(self, repo: RepoRef, number: str) -> None:
        await self._set_state(repo, number, "closed")

    async def reopen_issue(self, repo: RepoRef, number: str) -> None:
        await self._set_state(repo, number, "open")

    async def _set_state(self, repo: RepoRef, number: str, state: str) -> None:
        if (await self._issue(repo, number)).state != state:
            await self._api.do("PATCH", repo_path(repo, f"/issues/{number_of(number)}"), {"state": state})

    async def _comments(self, repo: RepoRef, target: Target) -> list[CommentAnswer]:
        # A pull request's conversation is its issue's; remarks on lines are another matter.
        path = repo_path(repo, f"/issues/{number_of(target.number)}/comments")
        return sorted(await self._list(CommentAnswer, path), key=lambda answer: answer.id)

    async def _comment_of(self, repo: RepoRef, target: Target, op_id: str) -> CommentAnswer | None:
        return await ours(await self._comments(repo, target), op_id, self._is_us)


def _query(query: IssueFilter) -> Query:
    given = {
        "labels": ",".join(query.labels),
        "assigned_by": query.assignee,
        "created_by": query.author,
        "since": query.updated_since and in_utc(query.updated_since),
    }
    return {"state": query.state, "type": "issues", **{name: value for name, value in given.items() if value}}


def _kept(found: list[IssueAnswer], query: IssueFilter) -> tuple[Issue, ...]:
    """Servers pass over a label that they do not know: then all issues came."""
    issues = (answer.issue() for answer in found if answer.pull_request is None)
    return tuple(issue for issue in issues if issue_fits(issue, query))
