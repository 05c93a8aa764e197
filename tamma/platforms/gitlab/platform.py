"""GitLab.com and self-managed GitLab, by the REST API."""

from __future__ import annotations

import time
from collections.abc import Mapping

from tamma.model.repository import Ignored, RateLimit, WebhookEvent
from tamma.platforms.common.lacking import lacking
from tamma.platforms.gitlab import webhooks
from tamma.platforms.gitlab.ci import GitLabCi
from tamma.platforms.gitlab.reviews import GitLabReviews
from tamma.platforms.interface import CAPABILITIES, LOCAL_MERGE

_CAPABILITIES = CAPABILITIES - {LOCAL_MERGE}


class GitLab(GitLabReviews, GitLabCi):
    """The platform `gitlab`. `base_url` names the server, with or without `/api/v4`."""

    async def capabilities(self) -> frozenset[str]:
        """The same on every server that GitLab still supports."""
        return _CAPABILITIES

    async def rate_limit(self) -> RateLimit:
        """As the last answer said; servers without limits say nothing."""
        return self._api.budget

    merge_branch = lacking(LOCAL_MERGE, "open a merge request and merge that")

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> None:
        webhooks.verify(headers, body, self._settings.webhook_secrets, self._settings.id, time.time())

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent | Ignored:
        return webhooks.parse(headers, body, self._settings.id)
