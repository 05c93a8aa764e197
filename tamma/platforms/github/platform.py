"""GitHub.com and GitHub Enterprise Server, by the REST API."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel

from tamma.errors import Unsupported
from tamma.model.repository import MergeResult, RateLimit, RepoRef
from tamma.platforms.github.git import GitHubGit
from tamma.platforms.github.pulls import GitHubPulls
from tamma.platforms.interface import (
    API_COMMITS,
    ASSIGNEES,
    CHECKS,
    COMMENTS,
    GIT_PUSH,
    ISSUES,
    LABELS,
    LOCAL_MERGE,
    PULL_REQUESTS,
)

_CAPABILITIES = frozenset({ISSUES, COMMENTS, LABELS, ASSIGNEES, PULL_REQUESTS, CHECKS, API_COMMITS, GIT_PUSH})


class _Limit(BaseModel):
    limit: int
    remaining: int
    reset: int


class _Resources(BaseModel):
    core: _Limit


class _RateLimits(BaseModel):
    resources: _Resources


class GitHub(GitHubPulls, GitHubGit):
    """The platform `github`. `base_url` names the API (Enterprise: `https://HOST/api/v3`)."""

    async def capabilities(self) -> frozenset[str]:
        return _CAPABILITIES

    async def rate_limit(self) -> RateLimit:
        """The primary limit; secondary limits are not announced. Costs nothing of it."""
        core = (await self._api.get(_RateLimits, "/rate_limit")).resources.core
        return RateLimit(core.limit, core.remaining, datetime.fromtimestamp(core.reset, UTC))

    async def merge_branch(
        self, repo: RepoRef, branch: str, base: str, expected_head: str, message: str
    ) -> MergeResult:
        raise Unsupported(LOCAL_MERGE, platform="github", hint="open a pull request and merge that")
