"""Pull requests on GitHub."""

from __future__ import annotations

from tamma.errors import NotFound, PlatformError, Unsupported
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
from tamma.platforms.common.ensuring import answered, find_or_make
from tamma.platforms.common.filters import pull_fits
from tamma.platforms.common.marks import mark_of, with_mark, without_mark
from tamma.platforms.common.names import number_of
from tamma.platforms.github.ci import GitHubCi
from tamma.platforms.github.client import Done, repo_path
from tamma.platforms.github.issues import BODY_LIMIT
from tamma.platforms.github.models import PullAnswer
from tamma.platforms.http.connection import cursor_of, from_cursor, link_header
from tamma.platforms.http.messages import Request
from tamma.platforms.interface import DRAFTS, PlatformSettings

TITLE_LIMIT = 256
"""Characters: "title is too long (maximum is 256 characters)"."""


class GitHubPulls(GitHubCi):
    """The pull requests' part of the adapter; they are issues too (labels, comments)."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._owners: dict[str, str] = {}

    async def find_pr(self, repo: RepoRef, head: str, base: str) -> PullRequest | None:
        """The open one, else the newest of those that were closed or merged."""
        found = await self._between(repo, head, base)
        return found[0].pull_request() if found else None

    async def ensure_pr(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> EnsuredPullRequest:
        body = {
            "title": _title(spec.title),
            "head": spec.head,
            "base": spec.base,
            "body": fit(with_mark(spec.body, op_id), BODY_LIMIT, link=spec.link),
            "draft": spec.draft,
        }
        try:
            pull, created = await find_or_make(
                lambda: self._pull_of(repo, spec, op_id),
                lambda: self._api.send(PullAnswer, "POST", repo_path(repo, "/pulls"), body),
                answered(409, 422),  # "A pull request already exists"
            )
        except PlatformError as error:
            self._refuse_drafts(error)
            raise
        labels = difference((label.name for label in pull.labels), spec.labels).missing
        if labels:
            await self._api.do("POST", repo_path(repo, f"/issues/{pull.number}/labels"), {"labels": labels})
            pull = await self._pull(repo, str(pull.number))
        return EnsuredPullRequest(pull.pull_request(), created)

    async def get_pr(self, repo: RepoRef, number: str) -> PullRequest:
        return (await self._pull(repo, number)).pull_request()

    async def list_prs(
        self, repo: RepoRef, query: PullRequestFilter, cursor: str | None = None
    ) -> Page[PullRequest]:
        """Up to 100 a page. GitHub tells merged from closed only in its answers: there may be fewer."""
        state = "closed" if query.state == "merged" else query.state
        asked = {"state": state, "sort": "created", "direction": "desc", "per_page": "100"}
        if query.head is not None:
            asked["head"] = f"{await self._owner(repo)}:{query.head}"
        if query.base is not None:
            asked["base"] = query.base
        found, following = await self._api.page(
            PullAnswer, repo_path(repo, "/pulls"), from_cursor(cursor) if cursor else asked, link_header
        )
        pulls = (answer.pull_request() for answer in found)
        kept = tuple(pull for pull in pulls if pull_fits(pull, query))
        return Page(kept, cursor_of(following))

    async def update_pr(
        self, repo: RepoRef, number: str, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        pull = await self._pull(repo, number)
        wanted: dict[str, object] = {}
        if title is not None and _title(title) != pull.title:
            wanted["title"] = _title(title)
        if body is not None:
            mark = mark_of(pull.body)
            text = fit(with_mark(body, mark) if mark else body, BODY_LIMIT)
            if without_mark(text) != without_mark(pull.body):
                wanted["body"] = text
        if wanted:
            pull = await self._api.send(PullAnswer, "PATCH", repo_path(repo, f"/pulls/{number}"), wanted)
        return pull.pull_request()

    async def set_draft(self, repo: RepoRef, number: str, draft: bool) -> PullRequest:
        pull = await self._pull(repo, number)
        if pull.draft == draft:
            return pull.pull_request()
        mutation = "convertPullRequestToDraft" if draft else "markPullRequestReadyForReview"
        try:
            await self._graphql(
                Done,
                f"mutation($id: ID!) {{ {mutation}(input: {{pullRequestId: $id}}) {{ clientMutationId }} }}",
                id=pull.node_id,
            )
        except PlatformError as error:
            self._refuse_drafts(error)
            raise
        return (await self._pull(repo, number)).pull_request()

    async def close_pr(self, repo: RepoRef, number: str) -> None:
        if (await self._pull(repo, number)).state == "open":
            await self._api.do("PATCH", repo_path(repo, f"/pulls/{number}"), {"state": "closed"})

    async def request_reviewers(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        pull = await self._pull(repo, number)
        change = difference((user.login for user in pull.requested_reviewers or ()), add, remove)
        path = repo_path(repo, f"/pulls/{number}/requested_reviewers")
        if change.gone:
            await self._api.do("DELETE", path, {"reviewers": change.gone})
        if not change.missing:
            return
        try:
            await self._api.do("POST", path, {"reviewers": change.missing})
        except PlatformError as error:
            if error.status != 422:
                raise
            raise NotFound(
                f"GitHub asks none of {', '.join(change.missing)} for a review of #{number}: {error.message}",
                hint="only people with access to the repository can be asked, and not the author",
                platform=self._settings.id,
                status=422,
            ) from error

    async def get_diff(self, repo: RepoRef, number: str) -> str:
        """GitHub gives at most 20,000 lines or 1 MB of it, and 300 files; beyond that it answers 406."""
        path = repo_path(repo, f"/pulls/{number_of(number)}")
        request = Request("GET", path, headers={"accept": "application/vnd.github.diff"})
        response = await self._api.call(request)
        if "json" in response.headers.get("content-type", ""):  # of a server that knows no other form
            what = f"the answer to {request.doing} is no diff"
            raise PlatformError(what, hint="read it with git diff base...head", platform=self._settings.id)
        return response.text

    async def _pull(self, repo: RepoRef, number: str) -> PullAnswer:
        return await self._api.get(PullAnswer, repo_path(repo, f"/pulls/{number_of(number)}"))

    async def _owner(self, repo: RepoRef) -> str:
        """Whose the repository is now: of one that was moved, GitHub finds no head below its old owner."""
        if repo.full_name not in self._owners:
            self._owners[repo.full_name] = (await self.get_repository(repo)).ref.owner
        return self._owners[repo.full_name]

    async def _between(self, repo: RepoRef, head: str, base: str) -> list[PullAnswer]:
        """Open ones first, then newest first."""
        query = {
            "state": "all",
            "head": f"{await self._owner(repo)}:{head}",
            "base": base,
            "sort": "created",
            "direction": "desc",
        }
        found = await self._all(PullAnswer, repo_path(repo, "/pulls"), query)
        exact = [pull for pull in found if pull.head.ref == head and pull.base.ref == base]
        return sorted(exact, key=lambda pull: (pull.state != "open", -pull.number))

    async def _pull_of(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> PullAnswer | None:
        """An open one for these branches, or one of this operation that somebody closed or merged since.

        One of an earlier operation that is closed is history: a new one is made beside it.
        """
        for pull in await self._between(repo, spec.head, spec.base):
            if pull.state == "open":
                return pull
            if mark_of(pull.body) == op_id and pull.user and await self._is_us(pull.user.login):
                return pull
        return None

    def _refuse_drafts(self, error: PlatformError) -> None:
        """Raises Unsupported where that is why: drafts of private repositories are not in every plan."""
        if error.status == 422 and "draft pull requests are not supported" in error.message.lower():
            hint = "private repositories need a paid plan for drafts: open it ready for review"
            raise Unsupported(DRAFTS, platform=self._settings.type, hint=hint) from error


def _title(text: str) -> str:
    return text if len(text) <= TITLE_LIMIT else f"{text[: TITLE_LIMIT - 1]}…"
