"""Pull requests in Azure Repos."""

from __future__ import annotations

import asyncio
import contextlib

from tamma.errors import Conflict, NotFound
from tamma.model.repository import (
    EnsuredPullRequest,
    Page,
    PullRequest,
    PullRequestFilter,
    PullRequestSpec,
    RepoRef,
)
from tamma.platforms.azure.client import PAGE, skipping
from tamma.platforms.azure.diffs import unified
from tamma.platforms.azure.git import AzureGit
from tamma.platforms.azure.models import HEADS, CommitAnswer
from tamma.platforms.azure.policies import EvaluationAnswer
from tamma.platforms.azure.pullrequests import PullAnswer
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.differences import difference
from tamma.platforms.common.ensuring import find_or_make
from tamma.platforms.common.marks import mark_of, with_mark
from tamma.platforms.common.names import number_of
from tamma.platforms.http.connection import cursor_of, from_cursor
from tamma.platforms.http.messages import Query

DESCRIPTION_LIMIT = 4_000
"""Characters of a description (learn.microsoft.com/azure/devops/repos/git/pull-requests), of UTF-16."""
_TITLE_LIMIT = 400
_SHORTENED = 400
"""Characters of a description in lists ("Pull Requests - Get Pull Requests")."""
_STATES = {"open": "active", "closed": "abandoned", "merged": "completed", "all": "all"}


class AzurePulls(AzureGit):
    """The pull requests' part of the adapter."""

    async def find_pr(self, repo: RepoRef, head: str, base: str) -> PullRequest | None:
        """The open one, else the newest of those that were closed or merged; none from a fork."""
        found = await self._between(repo, head, base)
        return self._told(repo, await self._pull(repo, str(found[0].pull_request_id))) if found else None

    async def ensure_pr(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> EnsuredPullRequest:
        body = {
            "sourceRefName": f"{HEADS}{spec.head}",
            "targetRefName": f"{HEADS}{spec.base}",
            "title": spec.title[:_TITLE_LIMIT],
            "description": _description(with_mark(spec.body, op_id), spec.link),
            "isDraft": spec.draft,
        }

        async def make() -> PullAnswer:
            return await self._fresh(repo, await self._send(PullAnswer, "POST", self._pull_path(repo), body))

        pull, created = await find_or_make(lambda: self._pull_of(repo, spec, op_id), make)
        labels = pull.label_names()
        if spec.labels:
            labels = await self._set_pull_labels(repo, str(pull.pull_request_id), spec.labels)
        return EnsuredPullRequest(self._told(repo, pull, labels), created)

    async def get_pr(self, repo: RepoRef, number: str) -> PullRequest:
        return self._told(repo, await self._pull(repo, number))

    async def list_prs(
        self, repo: RepoRef, query: PullRequestFilter, cursor: str | None = None
    ) -> Page[PullRequest]:
        """Up to 100 a page. Descriptions that the list cuts off are read one by one."""
        asked = {"searchCriteria.status": _STATES[query.state], "$top": str(PAGE)}
        if query.head is not None:
            asked["searchCriteria.sourceRefName"] = f"{HEADS}{query.head}"
        if query.base is not None:
            asked["searchCriteria.targetRefName"] = f"{HEADS}{query.base}"
        where: Query = self._query(asked) if cursor is None else from_cursor(cursor)
        found, following = await self._api.page(PullAnswer, self._pull_path(repo), where, skipping(), "value")
        kept = [pull for pull in found if query.head is None or not pull.from_fork]
        partial = [at for at, pull in enumerate(kept) if _is_partial(pull)]
        whole = await asyncio.gather(*(self._whole(repo, kept[at]) for at in partial))
        for at, pull in zip(partial, whole, strict=True):
            kept[at] = pull
        return Page(tuple(self._told(repo, pull) for pull in kept), cursor_of(following))

    async def update_pr(
        self, repo: RepoRef, number: str, *, title: str | None = None, body: str | None = None
    ) -> PullRequest:
        pull = await self._pull(repo, number)
        wanted: dict[str, object] = {}
        if title is not None and title[:_TITLE_LIMIT] != pull.title:
            wanted["title"] = title[:_TITLE_LIMIT]
        if body is not None:
            mark = mark_of(pull.description)
            text = _description(with_mark(body, mark) if mark else body)
            if text != pull.description:
                wanted["description"] = text
        return self._told(repo, await self._patched(repo, pull, wanted) if wanted else pull)

    async def set_draft(self, repo: RepoRef, number: str, draft: bool) -> PullRequest:
        pull = await self._pull(repo, number)
        if pull.is_draft != draft:
            pull = await self._patched(repo, pull, {"isDraft": draft})
        return self._told(repo, pull)

    async def close_pr(self, repo: RepoRef, number: str) -> None:
        pull = await self._pull(repo, number)
        if pull.status != "active":
            return
        try:
            await self._patched(repo, pull, {"status": "abandoned"})
        except Conflict:
            if (await self._pull(repo, number)).status == "active":
                raise  # else it ended between our look and our write: as wanted

    async def request_reviewers(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """Added as optional ones. Whoever has voted already is not asked again."""
        pull = await self._pull(repo, number)
        there = {reviewer.login: reviewer.id for reviewer in pull.reviewers}
        change = difference(there, add, remove)
        path = self._pull_path(repo, number, "/reviewers")
        for login in change.gone:
            with contextlib.suppress(NotFound):  # somebody else removed them between our look and our write
                await self._do("DELETE", f"{path}/{there[login]}")
        for login in change.missing:
            who = await self._identity(repo, login)
            if who.id not in there.values():
                await self._do("PUT", f"{path}/{who.id}", {"id": who.id, "vote": 0})

    async def get_diff(self, repo: RepoRef, number: str) -> str:
        """Written here from the trees of both commits; at most 1,000 files or folders, and 64 MB."""
        pull = await self._pull(repo, number)
        base = pull.last_merge_target_commit.commit_id or (await self.get_branch(repo, pull.base)).sha
        bases = await self._all(
            CommitAnswer,
            self._in_repository(repo, f"/commits/{pull.head_sha}/mergebases"),
            {"otherCommitId": base},
        )
        common = bases[0].commit_id if bases else base
        trees = [(await self._commit(repo, sha)).tree_id for sha in (common, pull.head_sha)]
        return await unified(
            trees[0], trees[1], lambda sha: self._tree(repo, sha), lambda sha: self._blob(repo, sha)
        )

    # --- within ----------------------------------------------------------------------------------------

    async def _pull(self, repo: RepoRef, number: str) -> PullAnswer:
        return await self._fresh(repo, await self._get(PullAnswer, self._pull_path(repo, number_of(number))))

    async def _fresh(self, repo: RepoRef, pull: PullAnswer) -> PullAnswer:
        """With the branch's own head: the pull request's lags behind while its merge is computed."""
        if pull.status == "active" and not pull.from_fork and (pull.computing or not pull.head_sha):
            head = await self._branch_sha(repo, pull.head)
            if head is not None:
                pull.last_merge_source_commit.commit_id = head
        return pull

    async def _patched(self, repo: RepoRef, pull: PullAnswer, body: object) -> PullAnswer:
        path = self._pull_path(repo, str(pull.pull_request_id))
        return await self._fresh(repo, await self._send(PullAnswer, "PATCH", path, body))

    async def _whole(self, repo: RepoRef, pull: PullAnswer) -> PullAnswer:
        if _is_cut_off(pull):
            return await self._pull(repo, str(pull.pull_request_id))
        return await self._fresh(repo, pull)

    async def _between(self, repo: RepoRef, head: str, base: str) -> list[PullAnswer]:
        """Open ones first, then newest first, none from a fork; descriptions are cut off."""
        query = {
            "searchCriteria.status": "all",
            "searchCriteria.sourceRefName": f"{HEADS}{head}",
            "searchCriteria.targetRefName": f"{HEADS}{base}",
            "$top": str(PAGE),
        }
        asked = self._query(query)
        found = await self._api.every(PullAnswer, self._pull_path(repo), asked, skipping(), "value")
        ours = [pull for pull in found if not pull.from_fork]
        return sorted(ours, key=lambda pull: (pull.status != "active", -pull.pull_request_id))

    async def _pull_of(self, repo: RepoRef, spec: PullRequestSpec, op_id: str) -> PullAnswer | None:
        """An open one for these branches, or one of this operation that somebody closed or merged since.

        One of an earlier operation that is closed is history: a new one is made beside it.
        """
        for listed in await self._between(repo, spec.head, spec.base):
            pull = await self._pull(repo, str(listed.pull_request_id))
            if pull.status == "active":
                return pull
            if mark_of(pull.description) == op_id and await self._is_us(repo, pull.created_by.id):
                return pull
        return None

    async def _policies(self, repo: RepoRef, pull: PullAnswer) -> list[EvaluationAnswer]:
        project = pull.repository.project.id or (await self._repository(repo)).project.id
        artifact = f"vstfs:///CodeReview/CodeReviewId/{project}/{pull.pull_request_id}"
        asked = self._query({"artifactId": artifact, "$top": str(PAGE)}, preview=1)
        path = self._in_project(repo, "/policy/evaluations")
        return await self._api.every(EvaluationAnswer, path, asked, skipping(), "value")

    def _pull_path(self, repo: RepoRef, number: str = "", rest: str = "") -> str:
        # The service reads paths whatever their case; its description writes both.
        where = f"/pullRequests/{number_of(number)}{rest}" if rest else f"/pullrequests/{number}".rstrip("/")
        return self._in_repository(repo, where)

    def _told(self, repo: RepoRef, pull: PullAnswer, labels: tuple[str, ...] | None = None) -> PullRequest:
        place = self._place(repo)
        where = f"{self._url}{place.collection}/{place.project}/_git/{place.repository}"
        return pull.pull_request(f"{where}/pullrequest/{pull.pull_request_id}", labels)


def _is_cut_off(pull: PullAnswer) -> bool:
    return len(pull.description) >= _SHORTENED


def _is_partial(pull: PullAnswer) -> bool:
    """Whether a list told too little of it: the description's beginning, or a head that lags behind."""
    return _is_cut_off(pull) or (pull.status == "active" and (pull.computing or not pull.head_sha))


def _description(text: str, link: str = "") -> str:
    return fit(text, DESCRIPTION_LIMIT, link=link, unit="utf16")
