"""Builds: what CI elsewhere reports on a commit, and what we report."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from tamma.errors import NotFound
from tamma.model.repository import CheckState, CheckSummary, RepoRef, Status
from tamma.platforms.bitbucket_dc.client import repo_path
from tamma.platforms.bitbucket_dc.git import BitbucketGit
from tamma.platforms.bitbucket_dc.models import BuildAnswer, CommitAnswer, ReportAnswer
from tamma.platforms.common.checks import summarise
from tamma.platforms.common.names import segment

_LONGEST = 255
"""Characters of a key, a name and a description."""
_LONGEST_URL = 450
_STATES = {
    CheckState.PENDING: "INPROGRESS",
    CheckState.SUCCESS: "SUCCESSFUL",
    CheckState.FAILURE: "FAILED",
}


class BitbucketBuilds(BitbucketGit):
    """The part of the adapter that knows what CI says."""

    async def get_checks(self, repo: RepoRef, sha: str) -> CheckSummary:
        """The newest of each name, of builds and of the reports of Code Insights that passed or failed.

        All builds of a commit are listed by the older resource alone; it gives the 100 newest ones.
        """
        path = f"/build-status/latest/commits/{segment(sha)}"
        found = await self._all(BuildAnswer, path, {"orderBy": "OLDEST"})
        checks = {check.name: check for check in (build.check() for build in found)}
        for report in [report.check() for report in await self._reports(repo, sha) if report.result]:
            name = report.name if report.name not in checks else f"{report.name} (report)"
            checks[name] = replace(report, name=name)
        return summarise(sha, checks.values())

    async def _reports(self, repo: RepoRef, sha: str) -> list[ReportAnswer]:
        """None where the administrator has switched off the app that keeps them."""
        path = repo_path(repo, f"/commits/{segment(sha)}/reports", "insights")
        try:
            return await self._all(ReportAnswer, path)
        except NotFound:
            return []

    async def set_status(self, repo: RepoRef, sha: str, status: Status) -> None:
        path = repo_path(repo, f"/commits/{segment(sha)}")
        key = _key(status.name)
        body: dict[str, object] = {
            "key": key,
            "name": _short(status.name),
            "state": _STATES[status.state],
            "description": _short(status.description),
            # An address is required: without one of its own the check leads to the commit.
            "url": status.url if 0 < len(status.url) <= _LONGEST_URL else self._web(repo, sha),
        }
        try:
            there = await self._api.get(BuildAnswer, f"{path}/builds", {"key": key})
        except NotFound:
            await self._api.get(CommitAnswer, path)  # the same is said of a commit that is not there
        else:
            said = (there.state, there.description or "", there.url or "")
            if said == (body["state"], body["description"], body["url"]):
                return
        await self._api.do("POST", f"{path}/builds", body)

    def _web(self, repo: RepoRef, sha: str) -> str:
        key, slug = segment(repo.owner), segment(repo.name)
        return f"{self._root}/projects/{key}/repos/{slug}/commits/{sha}"


def _key(name: str) -> str:
    """What tells builds apart: the name, or a digest of one that is too long."""
    return name if len(name) <= _LONGEST else sha256(name.encode()).hexdigest()


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
