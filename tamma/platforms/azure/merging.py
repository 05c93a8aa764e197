"""Merging pull requests: to Azure DevOps, completing them."""

from __future__ import annotations

from tamma.errors import Conflict, Forbidden, PlatformError, StaleHead, Transient
from tamma.model.repository import (
    MergeCategory,
    MergeMethod,
    MergeOutcome,
    MergeResult,
    MergeState,
    RepoRef,
)
from tamma.platforms.azure.policies import merge_state
from tamma.platforms.azure.pullrequests import PullAnswer
from tamma.platforms.azure.pulls import AzurePulls
from tamma.platforms.common.merging import look_again, settled

_STRATEGIES = {"merge": "noFastForward", "squash": "squash", "rebase": "rebase"}
_MESSAGE_LIMIT = 4_000


class AzureMerging(AzurePulls):
    """The merges' part of the adapter."""

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState:
        return await self._standing(repo, await self._pull(repo, number))

    async def merge_pr(
        self,
        repo: RepoRef,
        number: str,
        method: MergeMethod,
        expected_head: str,
        message: str = "",
        *,
        when_ready: bool = False,
    ) -> MergeResult:
        """Complete it. The service refuses where the head is not the expected one any more.

        With `when_ready` it completes by itself (auto-complete), which no commit is pinned to: the head is
        read right before.
        """
        pull = await self._pull(repo, number)
        done = self._settled(repo, pull, expected_head)
        if done is not None:
            return done
        standing = await self._standing(repo, pull)
        if standing.category is not MergeCategory.READY and when_ready:
            return await self._merge_later(repo, pull, method, expected_head, message)
        if standing.category is not MergeCategory.READY and not pull.computing:
            return MergeResult(MergeOutcome.REFUSED, None, standing.reason)
        if pull.computing and (pull.completion_queue_time is not None or pull.status == "completed"):
            return MergeResult(MergeOutcome.PENDING, None, "Azure DevOps merges it")
        body = {
            "status": "completed",
            "lastMergeSourceCommit": {"commitId": expected_head},
            "completionOptions": _options(method, message),
        }
        try:
            await self._patched(repo, pull, body)
        except PlatformError as error:
            return await self._after_failed_merge(repo, number, expected_head, error)
        # The answer only says that it was taken on.
        return self._outcome(repo, await self._pull(repo, number), expected_head)

    async def _standing(self, repo: RepoRef, pull: PullAnswer) -> MergeState:
        asks = pull.state == "open" and not pull.computing and not pull.is_draft
        return merge_state(pull, await self._policies(repo, pull) if asks else [])

    async def _merge_later(
        self, repo: RepoRef, pull: PullAnswer, method: MergeMethod, expected_head: str, message: str
    ) -> MergeResult:
        scheduled = MergeResult(MergeOutcome.SCHEDULED, None, "Azure DevOps merges it when its policies hold")
        if pull.auto_complete_set_by is not None and pull.auto_complete_set_by.id:
            return scheduled
        me = (await self._me(repo)).authenticated_user.id
        body = {"autoCompleteSetBy": {"id": me}, "completionOptions": _options(method, message)}
        number = str(pull.pull_request_id)
        try:
            pull = await self._patched(repo, pull, body)
        except (Conflict, Forbidden) as error:
            return MergeResult(MergeOutcome.REFUSED, None, error.message)
        if pull.auto_complete_set_by is not None and pull.auto_complete_set_by.id:
            return scheduled
        return self._outcome(repo, await self._pull(repo, number), expected_head)

    async def _after_failed_merge(
        self, repo: RepoRef, number: str, expected_head: str, error: PlatformError
    ) -> MergeResult:
        async def look() -> MergeResult | None:
            return self._settled(repo, await self._pull(repo, number), expected_head)

        done = await look_again(look, error, kinds=(StaleHead, Forbidden), statuses=(400,))
        if done is not None:
            return done
        if isinstance(error, StaleHead):
            raise Transient(error.message, platform=self._settings.id, status=error.status) from error
        return MergeResult(MergeOutcome.REFUSED, None, error.message)

    def _outcome(self, repo: RepoRef, pull: PullAnswer, expected_head: str) -> MergeResult:
        """After the service took it on: done, failed, or under way."""
        done = self._settled(repo, pull, expected_head)
        if done is not None:
            return done
        if pull.merge_status in ("conflicts", "failure", "rejectedByPolicy"):
            reason = pull.merge_failure_message or merge_state(pull, []).reason
            return MergeResult(MergeOutcome.REFUSED, None, reason)
        return MergeResult(MergeOutcome.PENDING, None, "Azure DevOps merges it")

    def _settled(self, repo: RepoRef, pull: PullAnswer, expected_head: str) -> MergeResult | None:
        """The result where nothing is left to do; None where it can be merged at `expected_head`."""
        return settled(self._told(repo, pull), expected_head, self._settings.id)


def _options(method: MergeMethod, message: str) -> dict[str, object]:
    """Branches and work items are left alone: who runs the merge decides about them."""
    found: dict[str, object] = {
        "mergeStrategy": _STRATEGIES[method],
        "deleteSourceBranch": False,
        "transitionWorkItems": False,
    }
    return {**found, "mergeCommitMessage": message[:_MESSAGE_LIMIT]} if message else found
