"""Jira, Cloud and Data Center: a tracker beside any forge."""

from __future__ import annotations

from collections.abc import Mapping

from tamma.model.repository import Ignored, RateLimit, WebhookEvent
from tamma.platforms.interface import ASSIGNEES, COMMENTS, ISSUES, LABELS, WEBHOOKS
from tamma.platforms.jira import webhooks
from tamma.platforms.jira.issues import JiraIssues


class Jira(JiraIssues):
    """The tracker `jira`. `base_url` is the site's address: `https://example.atlassian.net`, or that of a
    Data Center with its path. A RepoRef's `name` is the project's key."""

    async def capabilities(self) -> frozenset[str]:
        return frozenset({ISSUES, COMMENTS, LABELS, ASSIGNEES, WEBHOOKS})

    async def server_version(self) -> str:
        return (await self._server()).version

    async def rate_limit(self) -> RateLimit:
        """As it was said last."""
        return self._api.budget

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> None:
        webhooks.verify(headers, body, self._settings.webhook_secrets, self._settings.id)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent | Ignored:
        return webhooks.parse(headers, body, self._settings.id)
