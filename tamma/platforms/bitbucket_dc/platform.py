"""Bitbucket Data Center, and Server before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from tamma.errors import Unsupported
from tamma.model.repository import Ignored, RateLimit, RepoRef, Target, WebhookEvent
from tamma.platforms.bitbucket_dc import webhooks
from tamma.platforms.bitbucket_dc.pulls import NO_LABELS
from tamma.platforms.bitbucket_dc.reviews import BitbucketReviews
from tamma.platforms.bitbucket_dc.talk import NO_ISSUES
from tamma.platforms.common.lacking import lacking
from tamma.platforms.interface import (
    API_COMMITS,
    ASSIGNEES,
    CI_CANCEL,
    CI_LOGS,
    CI_RERUN,
    CI_RUNS,
    CI_TRIGGER,
    ISSUES,
    LABELS,
    LOCAL_MERGE,
)

_ELSEWHERE = "builds run in another service (Jenkins, Bamboo): "


class BitbucketDataCenter(BitbucketReviews):
    """The platform `bitbucket-dc`, from 7.21 on. `base_url` is the server's address, with the path that it is
    below: `https://bitbucket.example.com` or `https://example.com/bitbucket`."""

    async def capabilities(self) -> frozenset[str]:
        return (await self._server()).capabilities

    async def server_version(self) -> str:
        return (await self._server()).said

    async def rate_limit(self) -> RateLimit:
        """Said with every answer, where the administrator has set one."""
        return self._api.budget

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> None:
        webhooks.verify(headers, body, self._settings.webhook_secrets, self._settings.id)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent | Ignored:
        return webhooks.parse(headers, body, self._settings.id)

    async def set_labels(
        self, repo: RepoRef, target: Target, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> NoReturn:
        hint = NO_ISSUES if target.kind == "issue" else NO_LABELS
        raise Unsupported(LABELS, platform=self._settings.type, hint=hint)

    list_issues = lacking(ISSUES, NO_ISSUES)
    get_issue = lacking(ISSUES, NO_ISSUES)
    close_issue = lacking(ISSUES, NO_ISSUES)
    reopen_issue = lacking(ISSUES, NO_ISSUES)
    set_assignees = lacking(ASSIGNEES, NO_ISSUES)
    # The REST API writes one file in one commit, and deletes none.
    commit_files = lacking(API_COMMITS, 'deliver by git push: "delivery": "push"')
    merge_branch = lacking(LOCAL_MERGE, "open a pull request and merge that")
    trigger_ci = lacking(CI_TRIGGER, _ELSEWHERE + "push a commit, that starts them")
    list_runs = lacking(CI_RUNS, _ELSEWHERE + "read the checks of the commit")
    get_run = lacking(CI_RUNS, _ELSEWHERE + "read the checks of the commit")
    list_jobs = lacking(CI_RUNS, _ELSEWHERE + "read the checks of the commit")
    get_job_log = lacking(CI_LOGS, _ELSEWHERE + "open the check's address")
    rerun = lacking(CI_RERUN, _ELSEWHERE + "push a commit, or run it again there")
    cancel_run = lacking(CI_CANCEL, _ELSEWHERE + "stop it there")
