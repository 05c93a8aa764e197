"""GitHub.com and GitHub Enterprise Server."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from tamma.errors import NotFound
from tamma.model.repository import Ignored, RateLimit, WebhookEvent
from tamma.platforms.common.lacking import lacking
from tamma.platforms.github import webhooks
from tamma.platforms.github.reviews import GitHubReviews
from tamma.platforms.http.limits import moment
from tamma.platforms.interface import CAPABILITIES, LOCAL_MERGE


class _Meta(BaseModel):
    installed_version: str = ""


class _Limit(BaseModel):
    limit: int
    remaining: int
    reset: int


class _Resources(BaseModel):
    core: _Limit


class _RateLimits(BaseModel):
    resources: _Resources


class GitHub(GitHubReviews):
    """The platform `github`. `base_url` names the API (Enterprise: `https://HOST/api/v3`)."""

    async def capabilities(self) -> frozenset[str]:
        return CAPABILITIES - {LOCAL_MERGE}

    async def server_version(self) -> str:
        """Of an Enterprise server; github.com says none."""
        return (await self._api.get(_Meta, "/meta", cached=True)).installed_version

    async def rate_limit(self) -> RateLimit:
        """The primary limit; secondary limits are not announced. Costs nothing of it."""
        try:
            core = (await self._api.get(_RateLimits, "/rate_limit")).resources.core
        except NotFound:
            return RateLimit()  # Enterprise servers have none unless it is switched on
        return RateLimit(core.limit, core.remaining, moment(core.reset))

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> None:
        webhooks.verify(headers, body, self._settings.webhook_secrets, self._settings.id)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent | Ignored:
        return webhooks.parse(headers, body, self._settings.id)

    merge_branch = lacking(LOCAL_MERGE, "open a pull request and merge that")
