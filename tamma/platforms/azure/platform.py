"""Azure DevOps Services and Azure DevOps Server: Repos, Boards and Pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tamma.model.repository import Ignored, RateLimit, WebhookEvent
from tamma.platforms.azure import webhooks
from tamma.platforms.azure.reviews import AzureReviews
from tamma.platforms.common.lacking import lacking
from tamma.platforms.interface import CAPABILITIES, LOCAL_MERGE, PlatformSettings


class AzureDevOps(AzureReviews):
    """The platform `azure-devops`. A repository is `organization/project/repository`."""

    async def capabilities(self) -> frozenset[str]:
        return CAPABILITIES - {LOCAL_MERGE}

    async def server_version(self) -> str:
        """Neither Services nor a server says it."""
        return ""

    async def rate_limit(self) -> RateLimit:
        """As said last: only an account near its limit is told."""
        return self._api.budget

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> None:
        webhooks.verify(headers, self._settings.webhook_secrets, self._settings.id)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent | Ignored:
        return webhooks.parse(body, self._settings.id)

    merge_branch = lacking(LOCAL_MERGE, "open a pull request and merge that")

    @staticmethod
    def problems(settings: PlatformSettings) -> Sequence[str]:
        """What is wrong with an entry beside its address."""
        found: list[str] = []
        if settings.auth not in ("pat", "oauth", "ssh"):
            found.append(
                f"auth {settings.auth!r} is none of Azure DevOps': use a personal access token (pat) or oauth"
            )
        return found
