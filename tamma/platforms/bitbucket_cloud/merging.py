"""Merging pull requests.

Bitbucket takes no expected head: it is read immediately before, and again afterwards. Somebody who pushes
between the two is found out, and told: the pull request was then merged at another head than was reviewed.
"""

from __future__ import annotations

from collections.abc import Sequence

from tamma.errors import Forbidden, NotFound, PlatformError, Transient, Unsupported
from tamma.model.repository import (
    CheckState,
    CheckSummary,
    MergeCategory,
    MergeMethod,
    MergeOutcome,
    MergeResult,
    MergeState,
    Obstacle,
    RepoRef,
)
from tamma.platforms.bitbucket_cloud.ci import BitbucketCi
from tamma.platforms.bitbucket_cloud.client import pages, repo_path
from tamma.platforms.bitbucket_cloud.models import Conflict as FileConflict
from tamma.platforms.bitbucket_cloud.models import MergeTask, PullAnswer
from tamma.platforms.common.merging import look_again, settled
from tamma.platforms.common.names import number_of, segment
from tamma.platforms.interface import AUTO_MERGE, PlatformSettings

STRATEGIES: dict[MergeMethod, str] = {
    "merge": "merge_commit",
    "squash": "squash",
    "rebase": "rebase_fast_forward",
}
MESSAGE_LIMIT = 128 * 1024
"""Bytes of a merge commit's message, by the published description."""
NO_AUTO_MERGE = "Bitbucket's API cannot leave a merge to the platform: wait for the checks, then merge"


class BitbucketMerging(BitbucketCi):
    """The part of the adapter that merges."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._tasks: dict[tuple[str, str], str] = {}
        """Merges under way: repository and number to the task's id."""

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState:
        pull = await self._pull(repo, number)
        closed = closed_state(pull)
        if closed is not None:
            return closed
        conflicts = await self._conflicts(repo, number)
        if conflicts or pull.mergeable is not False:
            return merge_state(pull, conflicts, None)
        checks = await self.get_checks(repo, await self._head_of(repo, pull))
        return merge_state(pull, conflicts, checks)

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
        if when_ready:
            raise Unsupported(AUTO_MERGE, platform=self._settings.type, hint=NO_AUTO_MERGE)
        pull = await self._pull(repo, number)
        done = await self._settled(repo, pull, expected_head)
        if done is not None:
            return done
        allowed = pull.destination.branch.merge_strategies
        if allowed and STRATEGIES[method] not in allowed:
            base = pull.destination.branch.name
            reason = f"{base!r} does not allow {STRATEGIES[method]}, only {_list(allowed)}"
            return MergeResult(MergeOutcome.REFUSED, None, reason)
        if pull.from_here:
            await self._check_branch(repo, pull.source.branch.name, expected_head)
        try:
            return await self._merge(repo, number, method, expected_head, message)
        except PlatformError as error:
            return await self._after_failed_merge(repo, number, expected_head, error)

    async def _check_branch(self, repo: RepoRef, name: str, expected_head: str) -> None:
        """The branch is ahead of its pull request for a while after a push, and tells the whole commit."""
        tip = await self._branch_sha(repo, name)
        if tip not in (None, expected_head):
            raise self._stale(f"the branch {name!r}", tip, expected_head)

    async def _merge(
        self, repo: RepoRef, number: str, method: MergeMethod, expected_head: str, message: str
    ) -> MergeResult:
        key = (repo.full_name, number)
        path = repo_path(repo, f"/pullrequests/{number_of(number)}/merge")
        if key not in self._tasks:
            body: dict[str, object] = {
                "type": "pullrequest_merge_parameters",
                "merge_strategy": STRATEGIES[method],
                "close_source_branch": False,
            }
            if message and method != "rebase":
                body["message"] = message.encode()[:MESSAGE_LIMIT].decode("utf-8", "ignore")
            response = await self._api.do("POST", path, body)
            # 202 where it takes long: what becomes of it is asked of the task that is named.
            task = response.headers.get("location", "").rstrip("/").rpartition("/")[2].partition("?")[0]
            if response.status == 202 and task:
                self._tasks[key] = task
        if key in self._tasks and await self._under_way(key, path):
            return MergeResult(MergeOutcome.PENDING, None, "Bitbucket is merging it")
        done = await self._settled(repo, await self._pull(repo, number), expected_head)
        return done or MergeResult(MergeOutcome.PENDING, None, "Bitbucket has begun to merge it")

    async def _under_way(self, key: tuple[str, str], path: str) -> bool:
        """Whether the task is still at work. Raises what the merge failed with."""
        task = segment(self._tasks[key])
        try:
            found = await self._api.get(MergeTask, f"{path}/task-status/{task}")
        except Transient:
            raise
        except PlatformError:
            self._tasks.pop(key, None)
            raise
        if found.task_status == "PENDING":
            return True
        self._tasks.pop(key, None)
        return False

    async def _after_failed_merge(
        self, repo: RepoRef, number: str, expected_head: str, error: PlatformError
    ) -> MergeResult:
        async def look() -> MergeResult | None:
            return await self._settled(repo, await self._pull(repo, number), expected_head)

        done = await look_again(look, error, statuses=(400, 404))
        if done is not None:
            return done
        conflicts = await self._conflicts(repo, number) if error.status == 409 else []
        if error.status == 409 and not conflicts:
            # "One of the refs involved changed": the base did, or an earlier request of ours is merging.
            return MergeResult(MergeOutcome.PENDING, None, error.message)
        return MergeResult(MergeOutcome.REFUSED, None, error.message)

    async def _settled(self, repo: RepoRef, pull: PullAnswer, expected_head: str) -> MergeResult | None:
        """The result where nothing is left to do; None where it can be merged at `expected_head`."""
        return settled(await self._shown(repo, pull), expected_head, self._settings.id)

    async def _conflicts(self, repo: RepoRef, number: str) -> list[str]:
        """The first files that conflict. The address leads to another one, whose pages are not followed."""
        path = repo_path(repo, f"/pullrequests/{number_of(number)}/conflicts")
        try:
            found, _ = await self._api.page(FileConflict, path, {}, pages, "values")
        except (Forbidden, NotFound):
            return []  # a merge that conflicts is refused all the same
        return [conflict.path for conflict in found]


def _list(words: Sequence[str]) -> str:
    return ", ".join(words)


# --- pure -------------------------------------------------------------------------------------------------


def closed_state(pull: PullAnswer) -> MergeState | None:
    """What the pull request says by itself; None where more has to be read."""
    if pull.merged:
        return MergeState(MergeCategory.TERMINAL, "already merged", pull.state)
    if pull.state != "OPEN":
        return MergeState(MergeCategory.TERMINAL, "closed without a merge", pull.state)
    if pull.queued:
        return MergeState(MergeCategory.IN_PROGRESS, "it waits in the merge queue", "queued")
    if pull.draft:
        return MergeState(MergeCategory.RECOVERABLE, "it is a draft", "draft")
    return None


def merge_state(pull: PullAnswer, conflicts: Sequence[str], checks: CheckSummary | None) -> MergeState:
    """Of an open one. Bitbucket says whether its merge checks pass (`mergeable`), and not which do not; where
    it says nothing, the merge itself is what tells. `checks`: needed where they do not pass."""
    if conflicts:
        reason = f"it conflicts with {pull.destination.branch.name!r} in {_list(conflicts[:5])}"
        return MergeState(MergeCategory.RECOVERABLE, reason, "conflicts", Obstacle.CONFLICT)
    if pull.mergeable is not False:
        return MergeState(MergeCategory.READY, "it can be merged", f"mergeable={pull.mergeable}".lower())
    native = "mergeable=false"
    if checks is not None and checks.state is CheckState.FAILURE:
        return MergeState(MergeCategory.RECOVERABLE, "a check failed", native)
    if checks is not None and checks.state is CheckState.PENDING:
        return MergeState(MergeCategory.IN_PROGRESS, "checks are running", native)
    if any(each.state == "changes_requested" for each in pull.participants):
        return MergeState(MergeCategory.RECOVERABLE, "changes were requested", native)
    reason = "a merge check does not pass: an approval, a build or an open task may be missing"
    return MergeState(MergeCategory.RECOVERABLE, reason, native)
