"""Bitbucket Cloud (bitbucket.org). Data Center is another service, with another API."""

from __future__ import annotations

from collections.abc import Mapping

from tamma.model.repository import Ignored, RateLimit, WebhookEvent
from tamma.platforms import interface as i
from tamma.platforms.bitbucket_cloud import webhooks
from tamma.platforms.bitbucket_cloud.pulls import NO_LABELS
from tamma.platforms.bitbucket_cloud.reviews import BitbucketReviews
from tamma.platforms.bitbucket_cloud.talk import NO_ISSUES
from tamma.platforms.common.lacking import lacking

_LACKS = frozenset({i.ISSUES, i.LABELS, i.ASSIGNEES, i.AUTO_MERGE, i.LOCAL_MERGE})


class BitbucketCloud(BitbucketReviews):
    """The platform `bitbucket`: repositories, pull requests, reviews, Pipelines. Issues are elsewhere."""

    async def capabilities(self) -> frozenset[str]:
        return i.CAPABILITIES - _LACKS

    async def server_version(self) -> str:
        """Bitbucket Cloud has none."""
        return ""

    async def rate_limit(self) -> RateLimit:
        """As far as the last answer said: Bitbucket tells how much is allowed, and not how much is left."""
        return self._api.budget

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> None:
        webhooks.verify(headers, body, self._settings.webhook_secrets, self._settings.id)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent | Ignored:
        return webhooks.parse(headers, body, self._settings.id)

    list_issues = lacking(i.ISSUES, NO_ISSUES)
    get_issue = lacking(i.ISSUES, NO_ISSUES)
    close_issue = lacking(i.ISSUES, NO_ISSUES)
    reopen_issue = lacking(i.ISSUES, NO_ISSUES)
    set_assignees = lacking(i.ASSIGNEES, NO_ISSUES)
    set_labels = lacking(i.LABELS, NO_LABELS)
    merge_branch = lacking(i.LOCAL_MERGE, "open a pull request and merge that")
