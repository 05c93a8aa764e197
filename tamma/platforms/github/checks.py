"""Check runs and commit statuses."""

from __future__ import annotations

from tamma.model.repository import CheckSummary, RepoRef, Status
from tamma.platforms.common.checks import summarise
from tamma.platforms.common.names import segment
from tamma.platforms.github.client import repo_path
from tamma.platforms.github.issues import GitHubIssues
from tamma.platforms.github.runs import CheckRun, StatusAnswer

_DESCRIPTION_LIMIT = 140
"""Characters of a status's description: "description is too long (maximum is 140 characters)"."""


class GitHubChecks(GitHubIssues):
    """The part of the adapter that reads and writes verdicts on commits."""

    async def get_checks(self, repo: RepoRef, sha: str) -> CheckSummary:
        """Check runs and commit statuses united. Raises Forbidden where the token may not read them.

        `options["commit_statuses"] = False` is for servers that lack the older statuses altogether.
        """
        runs = await self._all(
            CheckRun,
            repo_path(repo, f"/commits/{segment(sha)}/check-runs"),
            {"filter": "latest"},
            key="check_runs",
        )
        statuses = await self._statuses(repo, sha)
        return summarise(sha, [*(run.check() for run in runs), *(status.check() for status in statuses)])

    async def _statuses(self, repo: RepoRef, sha: str) -> list[StatusAnswer]:
        """The newest of each context. With none GitHub's combined state says pending: the list is read."""
        if not self._settings.options.get("commit_statuses", True):
            return []
        return await self._all(
            StatusAnswer, repo_path(repo, f"/commits/{segment(sha)}/status"), key="statuses"
        )

    async def set_status(self, repo: RepoRef, sha: str, status: Status) -> None:
        """Only where the newest of that name says something else: GitHub takes 1,000 of one on a commit."""
        wanted = (status.state.value, status.description[:_DESCRIPTION_LIMIT], status.url)
        for there in await self._statuses(repo, sha):
            same = (there.state, there.description or "", there.target_url or "") == wanted
            if same and there.context.lower() == status.name.lower():
                return
        state, description, url = wanted
        body = {"state": state, "context": status.name, "description": description}
        address = {"target_url": url} if url else {}
        await self._api.do("POST", repo_path(repo, f"/statuses/{segment(sha)}"), {**body, **address})
