"""Merge requests on GitLab."""

from __future__ import annotations

from tamma.errors import NotFound
from tamma.model.repository import (
    EnsuredPullRequest,
    Page,
    PullRequest,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
    Target,
)
from tamma.platforms.common.ensuring import find_or_make
from tamma.platforms.common.marks import mark_of
from tamma.platforms.gitlab.client import item, next_page, project, without_commands
from tamma.platforms.gitlab.diffs import unified
from tamma.platforms.gitlab.issues import GitLabIssues, marked
from tamma.platforms.gitlab.models import DiffAnswer, MergeRequestAnswer, draft_title, plain_title
from tamma.platforms.http.connection import cursor_of, from_cursor
from tamma.platforms.http.messages import Request

_TITLE_LIMIT = 255
"""Characters (docs.gitlab.com/administration/instance_limits)."""
_STATES = {"open": "opened", "closed": "closed", "merged": "merged", "all": "all"}


class GitLabPulls(GitLabIssues):
    """The merge requests' part of the adapter; labels and comments are as on issues."""

    async def find_pr(self, repo: RepoRef, head: str, base: str) -> PullRequest | None:
        """The open one, else the newest of those that were closed or merged; none from a fork."""
        found = await self._between(repo, head, base)
        return found[0].pull_request() if found else None

    async def ensure_pr(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> EnsuredPullRequest:
        self._check_labels(spec.labels)
        title = plain_title(spec.title)[: _TITLE_LIMIT - len(draft_title(""))]
        body = {
            "source_branch": spec.head,
            "target_branch": spec.base,
            "title": draft_title(title) if spec.draft else title,
            "description": marked(spec.body, op_id, spec.link),
            "labels": ",".join(spec.labels),
        }
        where = project(repo, "/merge_requests")
        found, created = await find_or_make(
            lambda: self._pull_of(repo, spec, op_id),
            lambda: self._api.send(MergeRequestAnswer, "POST", where, body),
        )
        if any(name not in found.labels for name in spec.labels):
            await self.set_labels(repo, Target("pull_request", str(found.iid)), spec.labels)
            found = await self._request(repo, str(found.iid))
        return EnsuredPullRequest(found.pull_request(), created)

    async def get_pr(self, repo: RepoRef, number: str) -> PullRequest:
        return (await self._request(repo, number)).pull_request()

    async def list_prs(
        self, repo: RepoRef, query: PullRequestFilter, cursor: str | None = None
    ) -> Page[PullRequest]:
        asked = _newest_first(_STATES[query.state], query.head, query.base)
        found, following = await self._api.page(
            MergeRequestAnswer,
            project(repo, "/merge_requests"),
            from_cursor(cursor) if cursor else asked,
            next_page,
        )
        return Page(tuple(answer.pull_request() for answer in found), cursor_of(following))

    async def update_pr(
        self, repo: RepoRef, number: str, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        there = await self._request(repo, number)
        shown = there.pull_request()
        wanted: dict[str, object] = {}
        if title is not None and (plain := plain_title(title)[: _TITLE_LIMIT - 7]) != shown.title:
            wanted["title"] = draft_title(plain) if there.is_draft else plain
        if body is not None and without_commands(body) != shown.body:
            mark = mark_of(there.description)
            wanted["description"] = marked(body, mark or "")
        return await self._changed(repo, there, wanted)

    async def set_draft(self, repo: RepoRef, number: str, draft: bool) -> PullRequest:
        """A draft is one by its title."""
        there = await self._request(repo, number)
        title = draft_title(there.title) if draft else plain_title(there.title)
        return await self._changed(repo, there, {"title": title} if there.is_draft != draft else {})

    async def close_pr(self, repo: RepoRef, number: str) -> None:
        there = await self._request(repo, number)
        await self._changed(repo, there, {"state_event": "close"} if there.is_open else {})

    async def request_reviewers(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        there = await self._request(repo, number)
        wanted = await self._changed_people(there.reviewers or [], add, remove)
        if wanted is not None:
            where = item(repo, "pull_request", number)
            answer = await self._api.send(MergeRequestAnswer, "PUT", where, {"reviewer_ids": wanted or [0]})
            self._require_people(answer.reviewers, add, f"ask for a review of !{number} of {repo.full_name}")

    async def get_diff(self, repo: RepoRef, number: str) -> str:
        """As the server writes it (since GitLab 16.4), else put together from its files."""
        try:
            answer = await self._api.call(Request("GET", item(repo, "pull_request", number, "/raw_diffs")))
        except NotFound:
            return unified(await self._diffs(repo, number))
        return answer.text

    # --- within ------------------------------------------------------------------------------------------

    async def _request(self, repo: RepoRef, number: str) -> MergeRequestAnswer:
        return await self._api.get(MergeRequestAnswer, item(repo, "pull_request", number))

    async def _changed(
        self, repo: RepoRef, there: MergeRequestAnswer, wanted: dict[str, object]
    ) -> PullRequest:
        if wanted:
            where = item(repo, "pull_request", str(there.iid))
            there = await self._api.send(MergeRequestAnswer, "PUT", where, wanted)
        return there.pull_request()

    async def _diffs(self, repo: RepoRef, number: str) -> list[DiffAnswer]:
        where = item(repo, "pull_request", number, "/diffs")
        return await self._all(DiffAnswer, where)

    async def _between(self, repo: RepoRef, head: str, base: str) -> list[MergeRequestAnswer]:
        """Open ones first, then newest first. A fork's branch may have the same name: it is another one."""
        query = _newest_first("all", head, base)
        found = await self._api.every(MergeRequestAnswer, project(repo, "/merge_requests"), query, next_page)
        exact = [
            request
            for request in found
            if (request.source_branch, request.target_branch) == (head, base) and not request.from_fork
        ]
        return sorted(exact, key=lambda request: (not request.is_open, -request.iid))

    async def _pull_of(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> MergeRequestAnswer | None:
        """An open one for these branches, or one of this operation that somebody closed or merged since.

        One of an earlier operation that is closed is history: a new one is made beside it.
        """
        for request in await self._between(repo, spec.head, spec.base):
            if request.is_open:
                return request
            if mark_of(request.description) == op_id and await self._me_is(request.author):
                return request
        return None


def _newest_first(state: str, head: str | None, base: str | None) -> dict[str, str]:
    query = {"state": state, "scope": "all", "order_by": "created_at", "sort": "desc", "per_page": "100"}
    if head is not None:
        query["source_branch"] = head
    if base is not None:
        query["target_branch"] = base
    return query
