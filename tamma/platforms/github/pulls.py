"""Pull requests, merging and checks on GitHub."""

from __future__ import annotations

from tamma.errors import Conflict, NotFound, PlatformError, StaleHead, Transient
from tamma.model.repository import (
    CheckState,
    EnsuredPullRequest,
    MergeCategory,
    MergeMethod,
    MergeOutcome,
    MergeResult,
    MergeState,
    Page,
    PullRequest,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
)
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.marks import mark_of, with_mark
from tamma.platforms.github.ci import GitHubCi
from tamma.platforms.github.client import Done, repo_path
from tamma.platforms.github.issues import BODY_LIMIT, number_of
from tamma.platforms.github.models import MergeAnswer, PullAnswer, merge_state
from tamma.platforms.http.connection import cursor_of, from_cursor, link_header
from tamma.platforms.http.messages import Query, Request

_BASE_MOVED = "base branch was modified"
"""GitHub's words for a merge that lost a race and may simply be tried again."""
_AUTO_MERGE = """mutation($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { clientMutationId }
}"""


class GitHubPulls(GitHubCi):
    """The pull requests' part of the adapter; they are issues too (labels, comments)."""

    async def find_pr(self, repo: RepoRef, head: str, base: str) -> PullRequest | None:
        """The open one, else the newest of those that were closed or merged."""
        found = await self._pulls(repo, head, base)
        return found[0].pull_request() if found else None

    async def ensure_pr(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> EnsuredPullRequest:
        existing = await self._ours(repo, spec, op_id)
        created = existing is None
        if existing is None:
            body = {
                "title": spec.title,
                "head": spec.head,
                "base": spec.base,
                "body": fit(with_mark(spec.body, op_id), BODY_LIMIT, link=spec.link),
                "draft": spec.draft,
            }
            try:
                existing = await self._api.send(PullAnswer, "POST", repo_path(repo, "/pulls"), body)
            except PlatformError as error:
                # "A pull request already exists": another attempt was between our look and our write.
                existing = await self._ours(repo, spec, op_id) if error.status in (409, 422) else None
                if existing is None:
                    raise
                created = False
        there = {label.name.lower() for label in existing.labels}
        missing = [name for name in spec.labels if name.lower() not in there]
        if missing:
            path = repo_path(repo, f"/issues/{existing.number}/labels")
            await self._api.do("POST", path, {"labels": missing})
            existing = await self._pull(repo, str(existing.number))
        return EnsuredPullRequest(existing.pull_request(), created)

    async def get_pr(self, repo: RepoRef, number: str) -> PullRequest:
        return (await self._pull(repo, number)).pull_request()

    async def list_prs(
        self, repo: RepoRef, query: PullRequestFilter, cursor: str | None = None
    ) -> Page[PullRequest]:
        """Up to 100 a page. GitHub tells merged from closed only in its answers: there may be fewer."""
        state = "closed" if query.state == "merged" else query.state
        asked: Query = {"state": state, "sort": "created", "direction": "desc", "per_page": "100"}
        if query.head is not None:
            asked = {**asked, "head": f"{repo.owner}:{query.head}"}
        if query.base is not None:
            asked = {**asked, "base": query.base}
        if cursor is not None:
            asked = from_cursor(cursor)
        found, following = await self._api.page(PullAnswer, repo_path(repo, "/pulls"), asked, link_header)
        pulls = (answer.pull_request() for answer in found)
        kept = tuple(pull for pull in pulls if query.state in ("all", pull.state))
        return Page(kept, cursor_of(following))

    async def update_pr(
        self, repo: RepoRef, number: str, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        pull = await self._pull(repo, number)
        wanted: dict[str, object] = {}
        if title is not None and title != pull.title:
            wanted["title"] = title
        if body is not None and body != pull.pull_request().body:
            mark = mark_of(pull.body)
            wanted["body"] = fit(with_mark(body, mark) if mark else body, BODY_LIMIT)
        if wanted:
            pull = await self._api.send(PullAnswer, "PATCH", repo_path(repo, f"/pulls/{number}"), wanted)
        return pull.pull_request()

    async def set_draft(self, repo: RepoRef, number: str, draft: bool) -> PullRequest:
        pull = await self._pull(repo, number)
        if pull.draft == draft:
            return pull.pull_request()
        mutation = "convertPullRequestToDraft" if draft else "markPullRequestReadyForReview"
        await self._graphql(
            Done,
            f"mutation($id: ID!) {{ {mutation}(input: {{pullRequestId: $id}}) {{ clientMutationId }} }}",
            id=pull.node_id,
        )
        return (await self._pull(repo, number)).pull_request()

    async def close_pr(self, repo: RepoRef, number: str) -> None:
        if (await self._pull(repo, number)).state == "open":
            await self._api.do("PATCH", repo_path(repo, f"/pulls/{number}"), {"state": "closed"})

    async def request_reviewers(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        pull = await self._pull(repo, number)
        there = {user.login.lower() for user in pull.requested_reviewers or ()}
        path = repo_path(repo, f"/pulls/{number}/requested_reviewers")
        gone = [login for login in dict.fromkeys(remove) if login.lower() in there]
        if gone:
            await self._api.do("DELETE", path, {"reviewers": gone})
        missing = [login for login in dict.fromkeys(add) if login.lower() not in there]
        if not missing:
            return
        try:
            await self._api.do("POST", path, {"reviewers": missing})
        except PlatformError as error:
            if error.status != 422:
                raise
            raise NotFound(
                f"GitHub asks none of {', '.join(missing)} for a review of #{number}: {error.message}",
                hint="only people with access to the repository can be asked, and not the author",
                platform=self._settings.id,
                status=422,
            ) from error

    async def get_diff(self, repo: RepoRef, number: str) -> str:
        """GitHub gives at most 20,000 lines or 1 MB of it, and 300 files; beyond that it answers 406."""
        path = repo_path(repo, f"/pulls/{number_of(number)}")
        request = Request("GET", path, headers={"accept": "application/vnd.github.diff"})
        return (await self._api.call(request)).text

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState:
        pull = await self._pull(repo, number)
        checks: CheckState | None = None
        if pull.state == "open" and pull.mergeable_state in ("blocked", "unstable"):
            checks = (await self.get_checks(repo, pull.head.sha)).state
        return merge_state(pull, checks)

    async def merge_pr(
        self,
        repo: RepoRef,
        number: str,
        method: MergeMethod,
        expected_head: str,
        message: str = "",
        *,
        when_ready: bool = False,
    ) -> MergeResult:
        pull = await self._pull(repo, number)
        settled = self._settled(pull, expected_head)
        if settled is not None:
            return settled
        if when_ready and merge_state(pull).category is not MergeCategory.READY:
            return await self._merge_later(pull, method, expected_head, message)
        body: dict[str, object] = {"sha": expected_head, "merge_method": method}
        if message and method != "rebase":
            title, _, rest = message.partition("\n")
            body |= {"commit_title": title, "commit_message": rest.strip("\n")}
        try:
            path = repo_path(repo, f"/pulls/{number}/merge")
            answer = await self._api.send(MergeAnswer, "PUT", path, body)
        except PlatformError as error:
            return await self._after_failed_merge(repo, number, expected_head, error)
        return MergeResult(MergeOutcome.MERGED, answer.sha)

    async def _merge_later(
        self, pull: PullAnswer, method: MergeMethod, expected_head: str, message: str
    ) -> MergeResult:
        """Asked for already is done: GitHub takes the same again."""
        title, _, rest = message.partition("\n")
        words = {"commitHeadline": title, "commitBody": rest.strip("\n")} if message else {}
        wanted = {
            "pullRequestId": pull.node_id,
            "mergeMethod": method.upper(),
            "expectedHeadOid": expected_head,
        }
        try:
            await self._graphql(Done, _AUTO_MERGE, input={**wanted, **words})
        except PlatformError as error:
            if error.status != 422:
                raise
            return MergeResult(MergeOutcome.REFUSED, None, error.message)
        return MergeResult(MergeOutcome.SCHEDULED, None, "GitHub merges it when its conditions hold")

    async def _after_failed_merge(
        self, repo: RepoRef, number: str, expected_head: str, error: PlatformError
    ) -> MergeResult:
        """Read again: the merge may have happened (a lost answer), or the head may have moved."""
        if not (isinstance(error, Transient | Conflict) or error.status in (405, 422)):
            raise error
        try:
            settled = self._settled(await self._pull(repo, number), expected_head)
        except Transient:
            raise error from None
        if settled is not None:
            return settled
        if isinstance(error, Transient):
            raise error
        if error.status == 409 or _BASE_MOVED in error.message.lower():
            raise Transient(error.message, platform=self._settings.id, status=error.status) from error
        return MergeResult(MergeOutcome.REFUSED, None, error.message)

    def _settled(self, pull: PullAnswer, expected_head: str) -> MergeResult | None:
        """The result where nothing is left to do; None where it can be merged at `expected_head`."""
        if pull.is_merged and pull.head.sha != expected_head:
            raise Conflict(
                f"#{pull.number} was merged at {pull.head.sha[:12]}, not at {expected_head[:12]}",
                hint="somebody pushed to the branch and merged it: look at what was merged",
                platform=self._settings.id,
            )
        if pull.is_merged:
            return MergeResult(MergeOutcome.MERGED, pull.merge_commit_sha)
        if pull.state == "closed":
            return MergeResult(MergeOutcome.REFUSED, None, f"#{pull.number} was closed without a merge")
        if pull.head.sha != expected_head:
            raise StaleHead(
                f"the head of #{pull.number} is at {pull.head.sha[:12]}, not at {expected_head[:12]}",
                platform=self._settings.id,
            )
        return None

    async def _pull(self, repo: RepoRef, number: str) -> PullAnswer:
        return await self._api.get(PullAnswer, repo_path(repo, f"/pulls/{number_of(number)}"))

    async def _pulls(self, repo: RepoRef, head: str, base: str) -> list[PullAnswer]:
        """Open ones first, then newest first."""
        query = {
            "state": "all",
            "head": f"{repo.owner}:{head}",
            "base": base,
            "sort": "created",
            "direction": "desc",
        }
        found = await self._all(PullAnswer, repo_path(repo, "/pulls"), query)
        exact = [pull for pull in found if pull.head.ref == head and pull.base.ref == base]
        return sorted(exact, key=lambda pull: (pull.state != "open", -pull.number))

    async def _ours(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> PullAnswer | None:
        """An open one for these branches, or one of this operation that somebody closed or merged since.

        One of an earlier operation that is closed is history: a new one is made beside it.
        """
        for pull in await self._pulls(repo, spec.head, spec.base):
            if pull.state == "open" or mark_of(pull.body) == op_id:
                return pull
        return None
