"""Issues, comments, labels and assignees on GitHub."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable

from pydantic import BaseModel

from tamma.errors import Forbidden, NotFound
from tamma.model.repository import Comment, Identity, Issue, IssueFilter, Page, RepoRef, Target
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.differences import difference
from tamma.platforms.common.ensuring import ensure_text, ours
from tamma.platforms.common.marks import with_mark
from tamma.platforms.common.moments import in_utc, moment_of
from tamma.platforms.common.names import number_of, segment
from tamma.platforms.common.trust import Trust
from tamma.platforms.github.client import repo_path
from tamma.platforms.github.git import GitHubGit
from tamma.platforms.github.models import GHOST, CommentAnswer, IssueAnswer, User
from tamma.platforms.http.connection import cursor_of, from_cursor, link_header
from tamma.platforms.http.messages import Request
from tamma.platforms.interface import PlatformSettings

BODY_LIMIT = 65_536
"""Characters of an issue's, pull request's, comment's or review's text: "body is too long (maximum is 65536
characters)"."""
_WRITERS = frozenset({"admin", "maintain", "write", "push"})
_VIEWER = "query { viewer { login } }"


class _Permission(BaseModel):
    permission: str = "none"


class _Viewing(BaseModel):
    viewer: User


class GitHubIssues(GitHubGit):
    """The tracker's part of the adapter."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._trust = Trust(self._ask_permission)
        self._login: str | None = None
        """What we write under, once it is known."""

    async def check_credentials(self) -> Identity:
        """The token's user and classic scopes. Raises BadCredentials."""
        request = Request("GET", "/user")
        try:
            response = await self._api.call(request)
        except Forbidden:
            # An App's token belongs to no user, and writes as a bot, whose name one interface alone tells.
            self._login = (await self._graphql(_Viewing, _VIEWER)).viewer.login
            return Identity(login="")
        scopes = response.headers.get("x-oauth-scopes", "")
        named = tuple(scope.strip() for scope in scopes.split(",") if scope.strip())
        ends = response.headers.get("github-authentication-token-expiration", "")
        login = self._api.parse(User, self._api.json(request, response), request.path).login
        self._login = login
        return Identity(login, named, moment_of(ends))

    async def list_issues(self, repo: RepoRef, query: IssueFilter, cursor: str | None = None) -> Page[Issue]:
        """Up to 100 issues a page; pull requests are left out of GitHub's list, so there may be fewer."""
        asked = {"state": query.state, "sort": "created", "direction": "asc", "per_page": "100"}
        given = {
            "labels": ",".join(query.labels),
            "assignee": query.assignee,
            "creator": query.author,
            "since": query.updated_since and in_utc(query.updated_since),
        }
        asked |= {name: value for name, value in given.items() if value}
        path = repo_path(repo, "/issues")
        found, following = await self._api.page(
            IssueAnswer, path, from_cursor(cursor) if cursor else asked, link_header, cached=True
        )
        issues = tuple(answer.issue() for answer in found if answer.pull_request is None)
        return Page(issues, cursor_of(following))

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
        found = await self._comments(repo, target)
        return tuple(
            [answer.comment(trusted=await self._trust.may_write(repo, answer.author)) for answer in found]
        )

    async def ensure_comment(
        self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
    ) -> Comment:
        marked = fit(with_mark(body, op_id), BODY_LIMIT, link=link)
        sent = {"body": marked}

        def edit(there: CommentAnswer) -> Awaitable[CommentAnswer]:
            path = repo_path(repo, f"/issues/comments/{there.id}")
            return self._api.send(CommentAnswer, "PATCH", path, sent)

        path = repo_path(repo, f"/issues/{number_of(target.number)}/comments")
        done = await ensure_text(
            lambda: self._comment_of(repo, target, op_id),
            lambda: self._api.send(CommentAnswer, "POST", path, sent),
            edit,
            marked,
        )
        return done.comment(trusted=True)

    async def set_labels(
        self, repo: RepoRef, target: Target, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        issue = await self._issue(repo, target.number)
        path = repo_path(repo, f"/issues/{number_of(target.number)}/labels")
        change = difference(issue.label_names(), add, remove)
        if change.missing:
            await self._api.do("POST", path, {"labels": change.missing})
        for name in change.gone:
            with contextlib.suppress(NotFound):  # somebody else removed it between our look and our write
                await self._api.do("DELETE", f"{path}/{segment(name)}")

    async def set_assignees(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """Raises NotFound for users who cannot be assigned; GitHub itself drops them in silence."""
        change = difference((await self._issue(repo, number)).assignee_logins(), add, remove)
        path = repo_path(repo, f"/issues/{number_of(number)}/assignees")
        if change.gone:
            await self._api.do("DELETE", path, {"assignees": change.gone})
        if change.missing:
            answer = await self._api.send(IssueAnswer, "POST", path, {"assignees": change.missing})
            refused = difference(answer.assignee_logins(), change.missing).missing
            if refused:
                raise NotFound(
                    f"GitHub did not assign {', '.join(refused)} to #{number} of {repo.full_name}",
                    hint="only people with access to the repository can be assigned",
                    platform=self._settings.id,
                )

    async def close_issue(self, repo: RepoRef, number: str) -> None:
        await self._set_state(repo, number, {"state": "closed", "state_reason": "completed"})

    async def reopen_issue(self, repo: RepoRef, number: str) -> None:
        await self._set_state(repo, number, {"state": "open", "state_reason": "reopened"})

    async def _set_state(self, repo: RepoRef, number: str, body: dict[str, str]) -> None:
        if (await self._issue(repo, number)).state != body["state"]:
            await self._api.do("PATCH", repo_path(repo, f"/issues/{number_of(number)}"), body)

    async def _issue(self, repo: RepoRef, number: str) -> IssueAnswer:
        return await self._api.get(IssueAnswer, repo_path(repo, f"/issues/{number_of(number)}"))

    async def _comments(self, repo: RepoRef, target: Target) -> list[CommentAnswer]:
        # A pull request's conversation is its issue's; review comments on lines are another matter.
        return await self._all(CommentAnswer, repo_path(repo, f"/issues/{number_of(target.number)}/comments"))

    async def _comment_of(self, repo: RepoRef, target: Target, op_id: str) -> CommentAnswer | None:
        return await ours(await self._comments(repo, target), op_id, lambda it: self._is_us(it.author))

    async def _is_us(self, author: str) -> bool:
        if self._login is None:
            await self.check_credentials()
        return author == self._login

    async def _ask_permission(self, repo: RepoRef, login: str) -> bool:
        """`author_association` would not do: it hides private members and names readers."""
        if login == GHOST:
            return False
        if login.endswith("[bot]"):  # none is a collaborator: of an App's permissions only its own are known
            return await self._is_us(login)
        path = repo_path(repo, f"/collaborators/{segment(login)}/permission")
        return (await self._api.get(_Permission, path)).permission in _WRITERS
