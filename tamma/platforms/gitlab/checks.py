"""Checks on GitLab: commit statuses, the jobs of pipelines, and pipelines that got no jobs, united."""

from __future__ import annotations

from tamma.errors import NotFound, PlatformError
from tamma.model.repository import CheckState, CheckSummary, RepoRef, Status
from tamma.platforms.common.names import segment
from tamma.platforms.gitlab.client import item, next_page, project
from tamma.platforms.gitlab.models import CommitAnswer, MergeRequestAnswer, PipelineAnswer
from tamma.platforms.gitlab.runs import CommitStatus, JobAnswer, newest_of_each, united
from tamma.platforms.gitlab.threads import GitLabThreads

_SENT = {CheckState.PENDING: "pending", CheckState.SUCCESS: "success", CheckState.FAILURE: "failed"}
_TEXT_LIMIT = 255
"""Characters of a status's description and address."""


class GitLabChecks(GitLabThreads):
    """The part of the adapter that reads and sets checks."""

    async def get_checks(self, repo: RepoRef, sha: str) -> CheckSummary:
        """Statuses and jobs of the commit's pipelines, and of those that run on the merged result of its
        merge requests: that is another commit, which GitLab makes."""
        parts: list[CommitStatus | JobAnswer] = [*await self._statuses(repo, sha)]
        pipelines = newest_of_each(await self._pipelines_of(repo, sha))
        pipelines += await self._on_merged_results(repo, sha)
        for pipeline in pipelines:
            if pipeline.source != "external":
                parts += await self._all(JobAnswer, project(repo, f"/pipelines/{pipeline.id}/jobs"))
        return united(sha, parts, pipelines)

    async def set_status(self, repo: RepoRef, sha: str, status: Status) -> None:
        """Older servers (before 18.3) refuse a status that is so already with 400: it is looked up first."""
        if await self._stands(repo, sha, status):
            return
        body = {
            "state": _SENT[status.state],
            "name": status.name[:_TEXT_LIMIT],
            "description": status.description[:_TEXT_LIMIT],
        }
        if status.url:
            body["target_url"] = status.url[:_TEXT_LIMIT]
        try:
            await self._api.do("POST", project(repo, f"/statuses/{segment(sha)}"), body)
        except PlatformError as error:
            if error.status not in (400, 409) or not await self._stands(repo, sha, status):
                raise

    async def _stands(self, repo: RepoRef, sha: str, status: Status) -> bool:
        name = status.name[:_TEXT_LIMIT]
        same = [one for one in await self._statuses(repo, sha) if one.name == name]
        if not same:
            return False
        now = max(same, key=lambda one: one.id)
        wanted = (_SENT[status.state], status.description[:_TEXT_LIMIT], status.url[:_TEXT_LIMIT])
        return (now.status, now.description or "", now.target_url or "") == wanted

    async def _statuses(self, repo: RepoRef, sha: str) -> list[CommitStatus]:
        where = project(repo, f"/repository/commits/{segment(sha)}/statuses")
        return await self._all(CommitStatus, where)

    async def _pipelines_of(self, repo: RepoRef, sha: str) -> list[PipelineAnswer]:
        query = {"sha": sha, "order_by": "id", "sort": "desc", "per_page": "100"}
        found, _ = await self._api.page(PipelineAnswer, project(repo, "/pipelines"), query, next_page)
        return found

    async def _on_merged_results(self, repo: RepoRef, sha: str) -> list[PipelineAnswer]:
        """The newest pipeline on the merged result of each open merge request that has this head."""
        requests = await self._all(
            MergeRequestAnswer, project(repo, f"/repository/commits/{segment(sha)}/merge_requests")
        )
        found: list[PipelineAnswer] = []
        for request in requests:
            if request.is_open and request.sha == sha:
                where = item(repo, "pull_request", str(request.iid), "/pipelines")
                pipelines, _ = await self._api.page(PipelineAnswer, where, {"per_page": "20"}, next_page)
                newest = next(
                    (one for one in pipelines if one.ref.endswith("/merge") and one.sha != sha), None
                )
                if newest is not None and await self._is_of(repo, newest, sha):
                    found.append(newest)
        return found

    async def _is_of(self, repo: RepoRef, pipeline: PipelineAnswer, head: str) -> bool:
        """Whether it runs on a merge of `head`, not on one of an older push."""
        where = project(repo, f"/repository/commits/{segment(pipeline.sha)}")
        try:
            return head in (await self._api.get(CommitAnswer, where)).parent_ids
        except NotFound:
            return True  # not known any more: better red or late than green for no reason
