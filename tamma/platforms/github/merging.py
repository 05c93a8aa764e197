"""Merging pull requests on GitHub: now, or when their conditions hold."""

from __future__ import annotations

from tamma.errors import PlatformError, Transient
from tamma.model.repository import (
    CheckState,
    MergeCategory,
    MergeMethod,
    MergeOutcome,
    MergeResult,
    MergeState,
    RepoRef,
)
from tamma.platforms.common.merging import look_again, parted, settled
from tamma.platforms.github.client import Done, repo_path
from tamma.platforms.github.models import MergeAnswer, PullAnswer
from tamma.platforms.github.pulls import GitHubPulls
from tamma.platforms.github.readiness import merge_state

_BASE_MOVED = "base branch was modified"
"""GitHub's words for a merge that lost a race and may simply be tried again."""
_NOTHING_TO_WAIT_FOR = ("is in clean status", "is in unstable status", "is in has_hooks status")
"""GitHub's words for an auto-merge of what can be merged at once."""
_AUTO_MERGE = """mutation($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { clientMutationId }
}"""
_SCHEDULED = MergeResult(MergeOutcome.SCHEDULED, None, "GitHub merges it when its conditions hold")


class GitHubMerging(GitHubPulls):
    """The part of the adapter that merges."""

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState:
        pull = await self._pull(repo, number)
        checks: CheckState | None = None
        if pull.state == "open" and pull.mergeable_state in ("blocked", "unstable"):
            checks = (await self.get_checks(repo, pull.head.sha)).state
        return merge_state(pull, checks)

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
        pull = await self._pull(repo, number)
        done = self._settled(pull, expected_head)
        if done is not None:
            return done
        if when_ready and merge_state(pull).category is not MergeCategory.READY:
            later = await self._merge_later(pull, method, expected_head, message)
            if later is not None:
                return later
        body: dict[str, object] = {"sha": expected_head, "merge_method": method}
        if message and method != "rebase":
            title, rest = parted(message)
            body |= {"commit_title": title, "commit_message": rest}
        try:
            path = repo_path(repo, f"/pulls/{number}/merge")
            answer = await self._api.send(MergeAnswer, "PUT", path, body)
        except PlatformError as error:
            return await self._after_failed_merge(repo, number, expected_head, error)
        return MergeResult(MergeOutcome.MERGED, answer.sha)

    async def _merge_later(
        self, pull: PullAnswer, method: MergeMethod, expected_head: str, message: str
    ) -> MergeResult | None:
        """None where there is nothing to wait for: GitHub refuses to wait then."""
        if pull.auto_merge is not None and pull.auto_merge.merge_method == method:
            return _SCHEDULED
        words: dict[str, str] = {}
        if message and method != "rebase":
            title, rest = parted(message)
            words = {"commitHeadline": title, "commitBody": rest}
        wanted = {
            "pullRequestId": pull.node_id,
            "mergeMethod": method.upper(),
            "expectedHeadOid": expected_head,
        }
        try:
            await self._graphql(Done, _AUTO_MERGE, input={**wanted, **words})
        except PlatformError as error:
            if error.status != 422:
                raise
            if any(words in error.message for words in _NOTHING_TO_WAIT_FOR):
                return None
            return MergeResult(MergeOutcome.REFUSED, None, error.message)
        return _SCHEDULED

    async def _after_failed_merge(
        self, repo: RepoRef, number: str, expected_head: str, error: PlatformError
    ) -> MergeResult:
        async def look() -> MergeResult | None:
            return self._settled(await self._pull(repo, number), expected_head)

        done = await look_again(look, error, statuses=(405, 422))
        if done is not None:
            return done
        if error.status == 409 or _BASE_MOVED in error.message.lower():
            raise Transient(error.message, platform=self._settings.id, status=error.status) from error
        return MergeResult(MergeOutcome.REFUSED, None, error.message)

    def _settled(self, pull: PullAnswer, expected_head: str) -> MergeResult | None:
        return settled(pull.pull_request(), expected_head, self._settings.id)
