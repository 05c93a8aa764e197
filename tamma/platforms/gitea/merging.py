"""Merging pull requests."""

from __future__ import annotations

import time
from dataclasses import replace

from tamma.errors import PlatformError, Transient
from tamma.model.repository import (
    MergeCategory,
    MergeMethod,
    MergeOutcome,
    MergeResult,
    MergeState,
    RepoRef,
)
from tamma.platforms.common.merging import look_again, parted, settled
from tamma.platforms.common.names import number_of, segments
from tamma.platforms.gitea.client import repo_path
from tamma.platforms.gitea.models import ChangedPath, Compared, PullAnswer, ReviewAnswer
from tamma.platforms.gitea.pulls import GiteaPulls
from tamma.platforms.gitea.readiness import Standing, closed_state, merge_state
from tamma.platforms.interface import PlatformSettings

PATIENCE = 600.0
"""Seconds for which a pull request that cannot conflict and is not mergeable is taken for one that the server
still looks at."""
_AGAIN = "try again later"
"""The server is still looking for conflicts, or has found one: it says the same for both."""
_RACES = ("push out of date", "head out of date")
"""Somebody else merged into the base in that moment; or the server has not taken the last push in yet: when
we look again the head is as it should be."""
_SCHEDULED = "already scheduled"


class GiteaMerging(GiteaPulls):
    """The part of the adapter that merges."""

    def __init__(self, settings: PlatformSettings) -> None:
        super().__init__(settings)
        self._waiting: dict[tuple[str, str], tuple[str, float]] = {}
        """Pull requests that are not mergeable: at which commits, and since when."""

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState:
        pull = await self._pull(repo, number)
        closed = closed_state(pull)
        return closed if closed is not None else merge_state(pull, await self._standing(repo, pull))

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
        done = await self._settled(repo, await self._pull(repo, number), expected_head)
        if done is not None:
            return done
        later = when_ready and (await self.merge_readiness(repo, number)).category is not MergeCategory.READY
        # Both services take these names; newer Gitea calls them do, merge_title_field, merge_message_field.
        body: dict[str, object] = {
            "Do": method,
            "head_commit_id": expected_head,
            "delete_branch_after_merge": False,
        }
        if later:
            body["merge_when_checks_succeed"] = True
        if message and method != "rebase":
            title, rest = parted(message)
            body |= {"MergeTitleField": title, "MergeMessageField": rest}
        try:
            response = await self._api.do("POST", repo_path(repo, f"/pulls/{number_of(number)}/merge"), body)
        except PlatformError as error:
            return await self._after_failed_merge(repo, number, expected_head, error)
        if response.status == 201:
            return self._scheduled
        pull = await self._pull(repo, number)  # the answer does not name the commit
        done = await self._settled(repo, pull, expected_head)
        return done or MergeResult(MergeOutcome.PENDING, None, f"{self._name} has begun")

    @property
    def _scheduled(self) -> MergeResult:
        return MergeResult(MergeOutcome.SCHEDULED, None, f"{self._name} merges it when its checks pass")

    async def _after_failed_merge(
        self, repo: RepoRef, number: str, expected_head: str, error: PlatformError
    ) -> MergeResult:
        said = error.message.lower()

        async def look() -> MergeResult | None:
            done = await self._settled(repo, await self._pull(repo, number), expected_head)
            if done is None and _SCHEDULED in said:
                return self._scheduled
            if done is None and _AGAIN in said:
                state = await self.merge_readiness(repo, number)
                if state.category in (MergeCategory.RECOVERABLE, MergeCategory.TERMINAL):
                    return MergeResult(MergeOutcome.REFUSED, None, state.reason)
            return done

        done = await look_again(look, error, statuses=(404, 405))
        if done is not None:
            return done
        if any(words in said for words in (_AGAIN, *_RACES)):
            raise Transient(
                error.message,
                hint=error.hint,
                platform=self._settings.id,
                status=error.status,
                retry_after=error.retry_after,
            ) from error
        if error.status == 409 and error.message.endswith("no reason given"):
            return MergeResult(MergeOutcome.REFUSED, None, "it conflicts with the base branch")
        return MergeResult(MergeOutcome.REFUSED, None, error.message)

    async def _settled(self, repo: RepoRef, pull: PullAnswer, expected_head: str) -> MergeResult | None:
        """The result where nothing is left to do; None where it can be merged at `expected_head`."""
        shown = pull.pull_request()
        if pull.merged:
            # `pull.head` is where the branch is now; this stays at what was merged.
            merged_at = await self._ref_sha(repo, f"pull/{pull.number}/head")
            shown = replace(shown, head_sha=merged_at or pull.head.sha)
        return settled(shown, expected_head, self._settings.id)

    # --- what stands in the way ----------------------------------------------------------------------

    async def _standing(self, repo: RepoRef, pull: PullAnswer) -> Standing:
        if not pull.mergeable:
            may_conflict = await self._may_conflict(repo, pull)
            return Standing(may_conflict, patient=self._waited(repo, pull) < PATIENCE)
        self._waiting.pop((repo.full_name, str(pull.number)), None)
        base = await self._branch(repo, pull.base.branch)
        asks = base is not None and base.enable_status_check
        checks = (await self.get_checks(repo, pull.head.sha)).checks if asks else ()
        judged = base is not None and base.required_approvals > 0
        reviews = await self._reviews(repo, str(pull.number)) if judged else []
        return Standing(base=base, checks=checks, reviews=reviews)

    def _waited(self, repo: RepoRef, pull: PullAnswer) -> float:
        """Seconds since we first saw it not mergeable at these commits."""
        key, at = (repo.full_name, str(pull.number)), f"{pull.base.sha}...{pull.head.sha}"
        there = self._waiting.get(key)
        if there is None or there[0] != at:
            there = self._waiting[key] = (at, time.monotonic())
        return time.monotonic() - there[1]

    async def _may_conflict(self, repo: RepoRef, pull: PullAnswer) -> bool:
        """Whether both sides changed a file since they parted. True where nobody knows when that was."""
        if not pull.merge_base or not pull.base.sha:
            return True
        if pull.merge_base == pull.base.sha:
            return False
        path = repo_path(repo, f"/compare/{segments(f'{pull.merge_base}...{pull.base.sha}')}")
        there = await self._api.get(Compared, path)
        theirs = {file.filename for commit in there.commits or () for file in commit.files or ()}
        theirs |= {file.filename for file in there.files or ()}
        files = await self._all(ChangedPath, repo_path(repo, f"/pulls/{pull.number}/files"))
        ours = {name for file in files for name in (file.filename, file.previous_filename) if name}
        return bool(ours & theirs)

    async def _reviews(self, repo: RepoRef, number: str) -> list[ReviewAnswer]:
        """Oldest first. Drafts of others are left out of a page but not of the count: pages may overlap."""
        found = await self._all(ReviewAnswer, repo_path(repo, f"/pulls/{number_of(number)}/reviews"))
        return sorted({review.id: review for review in found}.values(), key=lambda review: review.id)
