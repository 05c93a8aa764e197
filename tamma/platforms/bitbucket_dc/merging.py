"""Merging pull requests.

A merge is pinned twice: to the version of the pull request, which changes with its head, and to the branch,
which is looked at right before, for the server takes a push in a moment later.
"""

from __future__ import annotations

from tamma.errors import Forbidden, NotFound, PlatformError, Transient
from tamma.model.repository import (
    CheckState,
    MergeCategory,
    MergeMethod,
    MergeOutcome,
    MergeResult,
    MergeState,
    Obstacle,
    RepoRef,
)
from tamma.platforms.bitbucket_dc.client import repo_path
from tamma.platforms.bitbucket_dc.errors import OUT_OF_DATE, names
from tamma.platforms.bitbucket_dc.models import AutoMerge, Mergeability, PullAnswer, PullSettings
from tamma.platforms.bitbucket_dc.pulls import BitbucketPulls
from tamma.platforms.common.merging import look_again, settled
from tamma.platforms.common.names import number_of
from tamma.platforms.http.messages import Request
from tamma.platforms.interface import AUTO_MERGE

_STRATEGIES: dict[MergeMethod, tuple[str, ...]] = {
    "merge": ("no-ff",),
    "squash": ("squash", "squash-ff-only"),
    "rebase": ("rebase-ff-only", "rebase-no-ff"),
}
"""The best first; an administrator decides which of them there are."""
_SCHEDULED = MergeResult(MergeOutcome.SCHEDULED, None, "Bitbucket merges it when its merge checks pass")


class BitbucketMerging(BitbucketPulls):
    """The part of the adapter that merges."""

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState:
        pull = await self._pull(repo, number)
        return closed_state(pull) or await self._open_state(repo, pull)

    async def _open_state(self, repo: RepoRef, pull: PullAnswer) -> MergeState:
        can = await self._api.get(Mergeability, repo_path(repo, f"/pull-requests/{pull.id}/merge"))
        builds = CheckState.NONE
        if any(waits_for_builds(veto.summary, veto.detail) for veto in can.vetoes):
            builds = (await self.get_checks(repo, pull.from_ref.latest_commit)).state
        return merge_state(pull, can, builds)

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
        done = await self._settled(repo, pull, expected_head)
        if done is not None:
            return done
        state = await self._open_state(repo, pull) if when_ready else None
        later = state is not None and state.category is not MergeCategory.READY
        if later:
            await self._needs(AUTO_MERGE)
            if await self._is_scheduled(repo, number, expected_head):
                return _SCHEDULED
        strategy = await self._strategy(repo, method)
        if strategy is None:
            named = " or ".join(_STRATEGIES[method])
            return MergeResult(
                MergeOutcome.REFUSED, None, f"the repository has the strategy {named} disabled"
            )
        body: dict[str, object] = {"strategyId": strategy, "version": pull.version}
        if message:
            body |= {"message": message, "autoSubject": False}
        if later:
            body["autoMerge"] = True
        try:
            path = repo_path(repo, f"/pull-requests/{number_of(number)}/merge")
            done = await self._api.send(PullAnswer, "POST", path, body, {"version": str(pull.version)})
        except PlatformError as error:
            return await self._after_failed_merge(repo, number, expected_head, error, later=later)
        if done.state != "MERGED" and later:
            return _SCHEDULED
        done = await self._settled(repo, done, expected_head)
        return done or MergeResult(MergeOutcome.PENDING, None, "Bitbucket has begun")

    async def _strategy(self, repo: RepoRef, method: MergeMethod) -> str | None:
        """The one that is enabled; the best where the server does not say which are."""
        found = await self._api.get(PullSettings, repo_path(repo, "/settings/pull-requests"))
        strategies = found.merge_config.strategies
        enabled = {strategy.id for strategy in strategies if strategy.enabled}
        wanted = _STRATEGIES[method]
        return next((name for name in wanted if name in enabled), None) if strategies else wanted[0]

    async def _is_scheduled(self, repo: RepoRef, number: str, expected_head: str) -> bool:
        """Whether it was asked for at this head already. A push takes such a request back."""
        request = Request("GET", repo_path(repo, f"/pull-requests/{number}/auto-merge"))
        try:
            response = await self._api.call(request)
        except NotFound:
            return False
        if not response.body.strip():
            return False
        there = self._api.parse(AutoMerge, self._api.json(request, response), request.path)
        return there.from_hash in ("", expected_head)

    async def _after_failed_merge(
        self, repo: RepoRef, number: str, expected_head: str, error: PlatformError, *, later: bool
    ) -> MergeResult:
        if later and isinstance(error, Forbidden) and error.status == 403:
            return MergeResult(
                MergeOutcome.REFUSED,
                None,
                "automatic merges are not enabled: Repository settings, Auto-merge, or merge later",
            )

        async def look() -> MergeResult | None:
            pull = await self._pull(repo, number)
            done = await self._settled(repo, pull, expected_head)
            if done is not None or isinstance(error, Transient):
                return done
            if names(error, *OUT_OF_DATE):
                raise self._overtaken(f"#{number}") from error
            state = await self._open_state(repo, pull)
            if state.category is MergeCategory.READY:
                return None
            return MergeResult(MergeOutcome.REFUSED, None, state.reason)

        done = await look_again(look, error, kinds=(NotFound,))
        return done or MergeResult(MergeOutcome.REFUSED, None, error.message)

    async def _settled(self, repo: RepoRef, pull: PullAnswer, expected_head: str) -> MergeResult | None:
        """The result where nothing is left to do; None where it can be merged at `expected_head`."""
        shown = pull.pull_request()
        if shown.state != "open":
            return settled(shown, expected_head, self._settings.id)
        await self._check_head(repo, pull, expected_head)
        return None

    async def _check_head(self, repo: RepoRef, pull: PullAnswer, expected_head: str) -> None:
        """Raises StaleHead where the pull request or its branch is elsewhere, and Transient where only the
        pull request is."""
        shown = pull.from_ref.latest_commit
        now = shown
        if pull.from_ref.same_repository(pull.to_ref):  # a fork's branches are not here
            now = await self._branch_sha(repo, pull.from_ref.branch) or shown
        if now != expected_head:
            raise self._stale(f"the head of #{pull.id}", now, expected_head)
        if shown != expected_head:
            raise self._behind(pull.id)


# --- pure ---------------------------------------------------------------------------------------------


def closed_state(pull: PullAnswer) -> MergeState | None:
    """Of one that is not open; None for one that is."""
    if pull.state == "OPEN":
        return None
    reason = "it is merged already" if pull.state == "MERGED" else "it was declined"
    return MergeState(MergeCategory.TERMINAL, reason, pull.state)


def waits_for_builds(*words: str) -> bool:
    """Whether a veto is about builds. Its words are its plug-in's; there is no code."""
    return any("build" in text.lower() for text in words)


def merge_state(pull: PullAnswer, can: Mergeability, builds: CheckState) -> MergeState:
    """What stands between an open one and its merge. `builds`: of its head, where a veto is about these."""
    if pull.draft:
        return MergeState(MergeCategory.RECOVERABLE, "it is a draft", "DRAFT")
    if can.conflicted:
        reason = "it conflicts with its base branch"
        return MergeState(MergeCategory.RECOVERABLE, reason, "CONFLICTED", Obstacle.CONFLICT)
    if can.vetoes:
        reason = "; ".join(dict.fromkeys(veto.detail or veto.summary for veto in can.vetoes))
        running = all(waits_for_builds(veto.summary, veto.detail) for veto in can.vetoes)
        waits = running and builds in (CheckState.PENDING, CheckState.NONE)
        category = MergeCategory.IN_PROGRESS if waits else MergeCategory.RECOVERABLE
        return MergeState(category, reason or "a merge check vetoes it", "VETOED")
    if can.can_merge is False and can.outcome == "UNKNOWN":
        return MergeState(MergeCategory.IN_PROGRESS, "Bitbucket is still looking for conflicts", "UNKNOWN")
    if can.can_merge is False:
        return MergeState(MergeCategory.RECOVERABLE, "Bitbucket does not say why not", can.outcome)
    return MergeState(MergeCategory.READY, "nothing stands in its way", can.outcome or "CLEAN")
