"""Gitea and Forgejo, Codeberg among them: one client, two types."""

from __future__ import annotations

from collections.abc import Mapping

from tamma.model.repository import Ignored, RateLimit, WebhookEvent
from tamma.platforms.common.lacking import lacking
from tamma.platforms.gitea import webhooks
from tamma.platforms.gitea.profile import Kind
from tamma.platforms.gitea.reviews import GiteaReviews
from tamma.platforms.interface import LOCAL_MERGE


class Gitea(GiteaReviews):
    """The platform `gitea`, from 1.21 on. `base_url` is the server's address: `https://git.example.com`."""

    async def capabilities(self) -> frozenset[str]:
        return (await self._server()).capabilities

    async def server_version(self) -> str:
        return (await self._server()).said

    async def rate_limit(self) -> RateLimit:
        """Neither service has one; a proxy in front may say something."""
        return self._api.budget

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> None:
        webhooks.verify(headers, body, self._settings.webhook_secrets, self._settings.id)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent | Ignored:
        return webhooks.parse(headers, body, self._settings.id)

    merge_branch = lacking(LOCAL_MERGE, "open a pull request and merge that")


class Forgejo(Gitea):
    """The platform `forgejo`, from 7 on."""

    KIND: Kind = "forgejo"
