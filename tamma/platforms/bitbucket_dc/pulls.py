"""Pull requests and what changes them, except merging."""

from __future__ import annotations

from collections.abc import Iterable

from tamma.errors import NotFound, PlatformError, Unsupported
from tamma.model.repository import (
    EnsuredPullRequest,
    Page,
    PullRequest,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
)
from tamma.platforms.bitbucket_dc.client import PAGE_SIZE, pages, repo_path
from tamma.platforms.bitbucket_dc.errors import OUT_OF_DATE, REVIEWERS, names
from tamma.platforms.bitbucket_dc.models import HEADS, PullAnswer
from tamma.platforms.bitbucket_dc.talk import TEXT_LIMIT, BitbucketTalk, marked, same
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.differences import difference
from tamma.platforms.common.ensuring import answered, find_or_make
from tamma.platforms.common.marks import mark_of, split_mark
from tamma.platforms.common.names import number_of
from tamma.platforms.http.connection import cursor_of, from_cursor
from tamma.platforms.http.messages import Query, Request
from tamma.platforms.interface import DRAFTS, LABELS

NO_LABELS = "labels are the repository's alone: name what you would label in the title or the description"
TITLE_LIMIT = 255
_STATES = {"open": "OPEN", "closed": "DECLINED", "merged": "MERGED", "all": "ALL"}


class BitbucketPulls(BitbucketTalk):
    """The pull requests' part of the adapter."""

    async def find_pr(self, repo: RepoRef, head: str, base: str) -> PullRequest | None:
        found = await self._between(repo, head, base)
        return found.pull_request() if found else None

    async def ensure_pr(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> EnsuredPullRequest:
        if spec.labels:
            raise Unsupported(LABELS, platform=self._settings.type, hint=NO_LABELS)
        where = {"slug": repo.name, "project": {"key": repo.owner}}

        async def make() -> PullAnswer:
            if spec.draft:
                await self._needs(DRAFTS)
            body: dict[str, object] = {
                "title": _title(spec.title),
                "description": marked(spec.body, op_id, spec.link),
                "fromRef": {"id": HEADS + spec.head, "repository": where},
                "toRef": {"id": HEADS + spec.base, "repository": where},
                **({"draft": True} if spec.draft else {}),
            }
            return await self._api.send(PullAnswer, "POST", repo_path(repo, "/pull-requests"), body)

        pull, created = await find_or_make(lambda: self._pull_of(repo, spec, op_id), make, answered(409))
        return EnsuredPullRequest(pull.pull_request(), created)

    async def get_pr(self, repo: RepoRef, number: str) -> PullRequest:
        return (await self._pull(repo, number)).pull_request()

    async def list_prs(
        self, repo: RepoRef, query: PullRequestFilter, cursor: str | None = None
    ) -> Page[PullRequest]:
        """Up to 100 a page. The service narrows by one branch alone: there may be fewer."""
        asked = from_cursor(cursor) if cursor is not None else _query(query)
        path = repo_path(repo, "/pull-requests")
        found, following = await self._api.page(PullAnswer, path, asked, pages, "values")
        pulls = [answer.pull_request() for answer in found if answer.from_ref.same_repository(answer.to_ref)]
        kept = tuple(
            pull for pull in pulls if query.head in (None, pull.head) and query.base in (None, pull.base)
        )
        return Page(kept, cursor_of(following))

    async def update_pr(
        self, repo: RepoRef, number: str, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        pull = await self._pull(repo, number)
        wanted: dict[str, object] = {}
        if title is not None and _title(title) != pull.title:
            wanted["title"] = _title(title)
        if body is not None and not same(pull.description, body):
            mark = split_mark(pull.description)[1]
            wanted["description"] = fit(body, TEXT_LIMIT, mark=mark, unit="utf16")
        return (await self._edit_pull(repo, pull, wanted)).pull_request()

    async def set_draft(self, repo: RepoRef, number: str, draft: bool) -> PullRequest:
        await self._needs(DRAFTS)
        pull = await self._pull(repo, number)
        wanted: dict[str, object] = {} if bool(pull.draft) == draft else {"draft": draft}
        return (await self._edit_pull(repo, pull, wanted)).pull_request()

    async def close_pr(self, repo: RepoRef, number: str) -> None:
        """Decline it, as the service says."""
        pull = await self._pull(repo, number)
        if pull.state != "OPEN":
            return
        path = repo_path(repo, f"/pull-requests/{pull.id}/decline")
        version = {"version": str(pull.version)}
        try:
            await self._api.do("POST", path, {"version": pull.version}, version)
        except PlatformError as error:
            if error.status != 409:
                raise
            if (await self._pull(repo, number)).state == "OPEN":
                raise self._overtaken(f"#{number}") from error

    async def request_reviewers(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """The whole list is written, pinned to the version that was read."""
        pull = await self._pull(repo, number)
        now = [reviewer.user.name for reviewer in pull.reviewers]
        change = difference(now, add, remove)
        if not change:
            return
        try:
            await self._edit_pull(repo, pull, {"reviewers": _users(change.applied(now))})
        except PlatformError as error:
            if not names(error, REVIEWERS):
                raise
            raise NotFound(
                f"Bitbucket asks none of {', '.join(change.missing)} for a review of #{number}: "
                f"{error.message}",
                hint="only people who may read the repository can be asked, and not the author",
                platform=self._settings.id,
                status=error.status,
            ) from error

    async def get_diff(self, repo: RepoRef, number: str) -> str:
        path = repo_path(repo, f"/pull-requests/{number_of(number)}.diff")
        return (await self._api.call(Request("GET", path, headers={"accept": "text/plain"}))).text

    # --- looking and writing -------------------------------------------------------------------------

    async def _pull(self, repo: RepoRef, number: str) -> PullAnswer:
        return await self._api.get(PullAnswer, repo_path(repo, f"/pull-requests/{number_of(number)}"))

    async def _edit_pull(self, repo: RepoRef, pull: PullAnswer, wanted: dict[str, object]) -> PullAnswer:
        """What is not sent is taken away: reviewers and description are given back as they were read."""
        if not wanted:
            return pull
        body: dict[str, object] = {
            "version": pull.version,
            "title": pull.title,
            "description": pull.description or "",
            "reviewers": _users(reviewer.user.name for reviewer in pull.reviewers),
            **({} if pull.draft is None else {"draft": pull.draft}),
            **wanted,
        }
        try:
            path = repo_path(repo, f"/pull-requests/{pull.id}")
            return await self._api.send(PullAnswer, "PUT", path, body)
        except PlatformError as error:
            if names(error, *OUT_OF_DATE):
                raise self._overtaken(f"#{pull.id}") from error
            raise

    async def _between(self, repo: RepoRef, head: str, base: str) -> PullAnswer | None:
        """The open one, else the newest of the others; to and from forks none."""
        query = {"state": "ALL", "direction": "OUTGOING", "at": HEADS + head, "order": "NEWEST"}
        found = [
            pull
            for pull in await self._all(PullAnswer, repo_path(repo, "/pull-requests"), query)
            if (pull.from_ref.branch, pull.to_ref.branch) == (head, base)
            and pull.from_ref.same_repository(pull.to_ref)
        ]
        return max(found, key=lambda pull: (pull.state == "OPEN", pull.id), default=None)

    async def _pull_of(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> PullAnswer | None:
        """An open one for these branches, or one of this operation that somebody closed or merged since.

        One of an earlier operation that is closed is history: a new one is made beside it.
        """
        pull = await self._between(repo, spec.head, spec.base)
        if pull is None or pull.state == "OPEN":
            return pull
        by_us = pull.author_name.lower() == (await self._login()).lower()
        ours = by_us and mark_of(pull.description) == op_id
        return pull if ours else None


def _users(logins: Iterable[str]) -> list[dict[str, object]]:
    return [{"user": {"name": login}} for login in logins]


def _title(title: str) -> str:
    line = " ".join(title.split())
    return line if len(line) <= TITLE_LIMIT else line[: TITLE_LIMIT - 1].rstrip() + "…"


def _query(query: PullRequestFilter) -> Query:
    asked = {"state": _STATES[query.state], "order": "NEWEST", "limit": str(PAGE_SIZE)}
    if query.head is not None:
        return {**asked, "direction": "OUTGOING", "at": HEADS + query.head}
    if query.base is not None:
        return {**asked, "at": HEADS + query.base}
    return asked
