"""Pull requests and what changes them, except merging."""

from __future__ import annotations

from collections.abc import Sequence

from tamma.errors import NotFound, PlatformError, Unsupported
from tamma.model.repository import (
    EnsuredPullRequest,
    Page,
    PullRequest,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
)
from tamma.platforms.bitbucket_cloud.client import bbql, pages, repo_path
from tamma.platforms.bitbucket_cloud.models import DefaultReviewer, Member, PullAnswer, User
from tamma.platforms.bitbucket_cloud.talk import BODY_LIMIT, BitbucketTalk
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.ensuring import answered, find_or_make
from tamma.platforms.common.marks import mark_of, with_footer, without_mark
from tamma.platforms.common.names import number_of, segment
from tamma.platforms.http.connection import PAGES, cursor_of, from_cursor
from tamma.platforms.http.messages import Query, Request
from tamma.platforms.interface import LABELS

TITLE_LIMIT = 255
"""Characters."""
_PAGE = "50"
"""Pull requests of a page, the most that Bitbucket gives."""
_OPEN, _MERGED, _CLOSED = ["OPEN"], ["MERGED"], ["DECLINED", "SUPERSEDED"]
_STATES = {"open": _OPEN, "merged": _MERGED, "closed": _CLOSED, "all": [*_OPEN, *_MERGED, *_CLOSED]}
NO_LABELS = "Bitbucket has no labels: leave them out, or put the words into the title"


class BitbucketPulls(BitbucketTalk):
    """The pull requests' part of the adapter."""

    async def find_pr(self, repo: RepoRef, head: str, base: str) -> PullRequest | None:
        found = await self._between(repo, head, base)
        return await self._shown(repo, found) if found else None

    async def ensure_pr(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> EnsuredPullRequest:
        if spec.labels:
            raise Unsupported(LABELS, platform=self._settings.type, hint=NO_LABELS)

        async def make() -> PullAnswer:
            body = {
                "type": "pullrequest",
                "title": spec.title[:TITLE_LIMIT],
                "description": fit(with_footer(spec.body, op_id), BODY_LIMIT, link=spec.link),
                "source": {"branch": {"name": spec.head}},
                "destination": {"branch": {"name": spec.base}},
                "draft": spec.draft,
                "close_source_branch": False,
                "reviewers": await self._default_reviewers(repo),
            }
            return await self._api.send(PullAnswer, "POST", repo_path(repo, "/pullrequests"), body)

        pull, created = await find_or_make(lambda: self._pull_of(repo, spec, op_id), make, answered(400, 409))
        return EnsuredPullRequest(await self._shown(repo, pull), created)

    async def get_pr(self, repo: RepoRef, number: str) -> PullRequest:
        return await self._shown(repo, await self._pull(repo, number))

    async def list_prs(
        self, repo: RepoRef, query: PullRequestFilter, cursor: str | None = None
    ) -> Page[PullRequest]:
        """Of forks too: `head` is the name of a branch, whosever it is."""
        asked = _asked(_STATES[query.state], query.head, query.base)
        if cursor is not None:
            asked = from_cursor(cursor)
        found, following = await self._api.page(
            PullAnswer, repo_path(repo, "/pullrequests"), asked, pages, "values"
        )
        ours = [pull.source.hash for pull in found if pull.from_here]
        await self._look_up(repo, ours + [pull.merge_commit.hash for pull in found if pull.merge_commit])
        return Page(tuple([await self._shown(repo, pull) for pull in found]), cursor_of(following))

    async def update_pr(
        self, repo: RepoRef, number: str, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        pull = await self._pull(repo, number)
        wanted: dict[str, object] = {}
        if title is not None and title[:TITLE_LIMIT] != pull.title:
            wanted["title"] = title[:TITLE_LIMIT]
        if body is not None and body != without_mark(pull.body):
            mark = mark_of(pull.body)
            wanted["description"] = fit(with_footer(body, mark) if mark else body, BODY_LIMIT)
        return await self._shown(repo, await self._edit(repo, pull, wanted))

    async def set_draft(self, repo: RepoRef, number: str, draft: bool) -> PullRequest:
        pull = await self._pull(repo, number)
        wanted: dict[str, object] = {} if (pull.draft is True) == draft else {"draft": draft}
        return await self._shown(repo, await self._edit(repo, pull, wanted))

    async def close_pr(self, repo: RepoRef, number: str) -> None:
        """Bitbucket's word for it is to decline. It cannot be taken back."""
        if (await self._pull(repo, number)).state != "OPEN":
            return
        try:
            await self._api.do("POST", repo_path(repo, f"/pullrequests/{number_of(number)}/decline"))
        except PlatformError:
            if (await self._pull(repo, number)).state == "OPEN":
                raise  # else it was closed or merged between our look and our write: as wanted

    async def request_reviewers(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """By nickname, account id or uuid (`{…}`). The whole list is written: there is no way to add one."""
        pull = await self._pull(repo, number)
        kept = [
            user
            for user in pull.reviewers
            if not any(user.called(name) for name in remove) or any(user.called(name) for name in add)
        ]
        missing = [name for name in dict.fromkeys(add) if not any(user.called(name) for user in kept)]
        wanted = [*kept, *await self._members(repo, missing)]
        if [user.uuid for user in wanted] == [user.uuid for user in pull.reviewers]:
            return
        try:
            await self._edit(repo, pull, {"reviewers": _references(wanted)})
        except PlatformError as error:
            if error.status != 400 or not missing:
                raise
            raise NotFound(
                f"Bitbucket asks none of {', '.join(missing)} for a review of #{number}: {error.message}",
                hint="only people with access to the repository can be asked, and not the author",
                platform=self._settings.id,
                status=400,
            ) from error

    async def get_diff(self, repo: RepoRef, number: str) -> str:
        """The address leads to another one, of the diff between two commits."""
        path = repo_path(repo, f"/pullrequests/{number_of(number)}/diff")
        return (await self._api.call(Request("GET", path, headers={"accept": "text/plain"}))).text

    # --- looking -------------------------------------------------------------------------------------

    async def _pull(self, repo: RepoRef, number: str) -> PullAnswer:
        return await self._api.get(PullAnswer, repo_path(repo, f"/pullrequests/{number_of(number)}"))

    async def _shown(self, repo: RepoRef, pull: PullAnswer) -> PullRequest:
        return pull.pull_request(await self._head_of(repo, pull), await self._merge_of(repo, pull))

    async def _head_of(self, repo: RepoRef, pull: PullAnswer) -> str:
        where = repo
        if not pull.from_here and pull.source.repository is not None:
            owner, _, name = pull.source.repository.full_name.partition("/")
            where = RepoRef(repo.platform_id, owner, name)
        return await self._whole(where, pull.source.hash)

    async def _merge_of(self, repo: RepoRef, pull: PullAnswer) -> str | None:
        if not pull.merged or pull.merge_commit is None:
            return None
        return await self._whole(repo, pull.merge_commit.hash)

    async def _between(self, repo: RepoRef, head: str, base: str) -> PullAnswer | None:
        """The open one, else the newest of the others; of forks none."""
        for states in (_OPEN, [*_MERGED, *_CLOSED]):
            following: Query | None = _asked(states, head, base)
            for _ in range(PAGES):
                if following is None:
                    break
                found, following = await self._api.page(
                    PullAnswer, repo_path(repo, "/pullrequests"), following, pages, "values"
                )
                first = next((pull for pull in found if pull.from_here), None)
                if first is not None:
                    return await self._pull(repo, str(first.id))  # lists leave out who was asked to review
        return None

    async def _pull_of(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> PullAnswer | None:
        """An open one for these branches, or one of this operation that somebody closed or merged since.

        One of an earlier operation that is closed is history: a new one is made beside it.
        """
        pull = await self._between(repo, spec.head, spec.base)
        if pull is None or pull.state == "OPEN":
            return pull
        ours = mark_of(pull.body) == op_id and await self._is_us(pull.author)
        return pull if ours else None

    # --- writing -------------------------------------------------------------------------------------

    async def _edit(self, repo: RepoRef, pull: PullAnswer, wanted: dict[str, object]) -> PullAnswer:
        """What a PUT leaves out is lost (reviewers) or refused (title): all of it is sent."""
        if not wanted:
            return pull
        now = {
            "type": "pullrequest",
            "title": pull.title,
            "description": pull.body,
            "draft": pull.draft is True,
            "reviewers": _references(pull.reviewers),
        }
        path = repo_path(repo, f"/pullrequests/{pull.id}")
        await self._api.do("PUT", path, {**now, **wanted})
        return await self._pull(repo, str(pull.id))

    async def _members(self, repo: RepoRef, names: Sequence[str]) -> list[User]:
        """Raises NotFound for a name that nobody in the workspace has, PlatformError for one of several.
        Whether there is somebody with a uuid is told by the service."""
        if not names:
            return []
        everybody: list[User] | None = None
        found: list[User] = []
        for name in names:
            if name.startswith("{"):  # access tokens may not look people up
                found.append(User(uuid=name))
                continue
            if everybody is None:
                members = await self._all(Member, f"/workspaces/{segment(repo.owner)}/members")
                everybody = [member.user for member in members if member.user]
            called = [user for user in everybody if user.called(name)]
            found.append(self._only(repo, name, called))
        return found

    def _only(self, repo: RepoRef, name: str, called: list[User]) -> User:
        if len(called) == 1:
            return called[0]
        if not called:
            raise NotFound(
                f"nobody in the workspace {repo.owner!r} is called {name!r}",
                hint="give a nickname, an account id, or a uuid ({…})",
                platform=self._settings.id,
            )
        raise PlatformError(
            f"{len(called)} people in the workspace {repo.owner!r} are called {name!r}",
            hint=f"give one of their uuids: {', '.join(user.uuid for user in called)}",
            platform=self._settings.id,
        )

    async def _default_reviewers(self, repo: RepoRef) -> list[dict[str, str]]:
        """Bitbucket asks them by itself only where its own page opens the pull request."""
        if self._settings.options.get("defaultReviewers") is not True:
            return []
        found = await self._all(DefaultReviewer, repo_path(repo, "/effective-default-reviewers"))
        others = [each.user for each in found if each.user and not await self._is_us(each.user)]
        return _references(others)


def _references(users: Sequence[User]) -> list[dict[str, str]]:
    return [{"type": "user", "uuid": user.uuid} for user in users]


def _asked(states: list[str], head: str | None, base: str | None) -> Query:
    """Newest first. Lists name their reviewers only where that is asked for."""
    rules = {"source": head, "destination": base}
    q = " AND ".join(f"{side}.branch.name={bbql(name)}" for side, name in rules.items() if name is not None)
    query: dict[str, str | list[str]] = {
        "state": states,
        "sort": "-created_on",
        "pagelen": _PAGE,
        "fields": "+values.reviewers,+values.draft",
    }
    return {**query, "q": q} if q else query
