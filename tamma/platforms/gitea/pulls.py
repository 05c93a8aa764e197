"""Pull requests and what changes them, except merging."""

from __future__ import annotations

from collections.abc import Callable

from tamma.errors import NotFound, PlatformError
from tamma.model.repository import (
    EnsuredPullRequest,
    Page,
    PullRequest,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
)
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.differences import difference
from tamma.platforms.common.ensuring import find_or_make
from tamma.platforms.common.filters import pull_fits
from tamma.platforms.common.marks import mark_of, with_mark
from tamma.platforms.common.names import number_of, segment, segments
from tamma.platforms.gitea.ci import GiteaCi
from tamma.platforms.gitea.client import PAGE_SIZE, pages, repo_path
from tamma.platforms.gitea.drafts import titled
from tamma.platforms.gitea.issues import BODY_LIMIT
from tamma.platforms.gitea.models import PullAnswer
from tamma.platforms.http.connection import PAGES, cursor_of, from_cursor
from tamma.platforms.http.messages import Query, Request


class GiteaPulls(GiteaCi):
    """The pull requests' part of the adapter; they are issues too (labels, comments)."""

    async def find_pr(self, repo: RepoRef, head: str, base: str) -> PullRequest | None:
        found = await self._between(repo, head, base)
        return found.pull_request() if found else None

    async def ensure_pr(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> EnsuredPullRequest:
        body = {
            "title": titled(spec.title, draft=spec.draft),
            "head": spec.head,
            "base": spec.base,
            "body": fit(with_mark(spec.body, op_id), BODY_LIMIT, link=spec.link),
        }
        pull, created = await find_or_make(
            lambda: self._pull_of(repo, spec, op_id),
            lambda: self._api.send(PullAnswer, "POST", repo_path(repo, "/pulls"), body),
        )
        if await self._add_labels(repo, str(pull.number), pull.labels or [], spec.labels):
            pull = await self._pull(repo, str(pull.number))
        return EnsuredPullRequest(pull.pull_request(), created)

    async def get_pr(self, repo: RepoRef, number: str) -> PullRequest:
        return (await self._pull(repo, number)).pull_request()

    async def list_prs(
        self, repo: RepoRef, query: PullRequestFilter, cursor: str | None = None
    ) -> Page[PullRequest]:
        """Up to 50 a page. Servers tell merged from closed, and some the branches, only in their answers:
        there may be fewer."""
        state = "closed" if query.state == "merged" else query.state
        asked = await self._asked(state, query.head, query.base) if cursor is None else from_cursor(cursor)
        found, following = await self._api.page(PullAnswer, repo_path(repo, "/pulls"), asked, pages)
        pulls = (answer.pull_request() for answer in found)
        kept = tuple(pull for pull in pulls if pull_fits(pull, query))
        return Page(kept, cursor_of(following))

    async def update_pr(
        self, repo: RepoRef, number: str, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        pull = await self._pull(repo, number)
        wanted: dict[str, object] = {}
        if title is not None and title != pull.bare_title:
            wanted["title"] = titled(title, draft=pull.is_draft)
        if body is not None and body != pull.pull_request().body:
            mark = mark_of(pull.body)
            wanted["body"] = fit(with_mark(body, mark) if mark else body, BODY_LIMIT)
        return (await self._edit(repo, pull, wanted)).pull_request()

    async def set_draft(self, repo: RepoRef, number: str, draft: bool) -> PullRequest:
        """The title says it. Raises PlatformError where the server has other words for it than ours."""
        pull = await self._pull(repo, number)
        if pull.is_draft == draft:
            return pull.pull_request()
        changed = await self._edit(repo, pull, {"title": titled(pull.title, draft=draft)})
        if changed.is_draft != draft:
            raise PlatformError(
                f"{self._name} does not take the title {changed.title!r} for "
                f"{'a draft' if draft else 'one that is ready'}",
                hint="WORK_IN_PROGRESS_PREFIXES of the server names other words than `WIP:` and `[WIP]`",
                platform=self._settings.id,
            )
        return changed.pull_request()

    async def close_pr(self, repo: RepoRef, number: str) -> None:
        pull = await self._pull(repo, number)
        if pull.state == "open":
            await self._edit(repo, pull, {"state": "closed"})

    async def _edit(self, repo: RepoRef, pull: PullAnswer, wanted: dict[str, object]) -> PullAnswer:
        if not wanted:
            return pull
        return await self._api.send(PullAnswer, "PATCH", repo_path(repo, f"/pulls/{pull.number}"), wanted)

    async def request_reviewers(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        pull = await self._pull(repo, number)
        change = difference(pull.reviewers(), add, remove)
        path = repo_path(repo, f"/pulls/{number}/requested_reviewers")
        if change.gone:
            await self._api.do("DELETE", path, {"reviewers": change.gone})
        if not change.missing:
            return
        try:
            await self._api.do("POST", path, {"reviewers": change.missing})
        except PlatformError as error:
            if error.status not in (404, 422):
                raise
            raise NotFound(
                f"{self._name} asks none of {', '.join(change.missing)} for a review of #{number}: "
                f"{error.message}",
                hint="only people with access to the repository can be asked, and not the author",
                platform=self._settings.id,
                status=error.status,
            ) from error

    async def get_diff(self, repo: RepoRef, number: str) -> str:
        path = repo_path(repo, f"/pulls/{number_of(number)}.diff")
        return (await self._api.call(Request("GET", path, headers={"accept": "text/plain"}))).text

    # --- looking -------------------------------------------------------------------------------------

    async def _pull(self, repo: RepoRef, number: str) -> PullAnswer:
        return await self._api.get(PullAnswer, repo_path(repo, f"/pulls/{number_of(number)}"))

    async def _asked(self, state: str, head: str | None, base: str | None) -> Query:
        """What narrows a list on this server; older ones pass over what they do not know."""
        forgejo = (await self._server()).kind == "forgejo"
        names = {"head" if forgejo else "": head, "base" if forgejo else "base_branch": base}
        given = {name: value for name, value in names.items() if name and value}
        return {"state": state, "limit": str(PAGE_SIZE), **given}

    async def _between(self, repo: RepoRef, head: str, base: str) -> PullAnswer | None:
        """The open one, else the newest of the others; of forks none."""

        def fits(pull: PullAnswer) -> bool:
            ours = pull.head.repo_id in (0, pull.base.repo_id)
            return ours and (pull.head.branch, pull.base.branch) == (head, base)

        any_of_them: PullAnswer | None = None
        if "/" in head and "/" not in base:  # else the address could be read otherwise
            path = repo_path(repo, f"/pulls/{segment(base)}/{segments(head)}")
            try:
                any_of_them = await self._api.get(PullAnswer, path)
            except NotFound:
                return None  # the usual case: a list would have to be read to its end for it
            if any_of_them.state == "open" and fits(any_of_them):
                return any_of_them
        return (
            await self._first(repo, await self._asked("open", head, base), fits)
            or await self._first(repo, await self._asked("closed", head, base), fits)
            or any_of_them
        )

    async def _first(
        self, repo: RepoRef, query: Query, fits: Callable[[PullAnswer], bool]
    ) -> PullAnswer | None:
        """The newest of a list that fits."""
        following: Query | None = query
        for _ in range(PAGES):
            found, following = await self._api.page(PullAnswer, repo_path(repo, "/pulls"), following, pages)
            first = next(filter(fits, found), None)
            if first is not None or following is None:
                return first
        raise self._api.endless(repo_path(repo, "/pulls"))

    async def _pull_of(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> PullAnswer | None:
        """An open one for these branches, or one of this operation that somebody closed or merged since.

        One of an earlier operation that is closed is history: a new one is made beside it.
        """
        pull = await self._between(repo, spec.head, spec.base)
        if pull is None or pull.state == "open":
            return pull
        ours = mark_of(pull.body) == op_id and await self._is_us(pull)
        return pull if ours else None
