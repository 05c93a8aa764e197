"""Whether and how a merge request is merged on GitLab."""

from __future__ import annotations

import re

from tamma.errors import PlatformError, Transient
from tamma.model.repository import (
    MergeCategory,
    MergeMethod,
    MergeOutcome,
    MergeResult,
    MergeState,
    RepoRef,
)
from tamma.platforms.common.merging import look_again, settled
from tamma.platforms.gitlab.client import item, project, without_commands
from tamma.platforms.gitlab.models import MergeRequestAnswer, ProjectAnswer
from tamma.platforms.gitlab.pulls import GitLabPulls
from tamma.platforms.gitlab.readiness import COMPUTING, merge_state, misfit


def auto_merge_field(version: str) -> str:
    """The name that the server knows (docs.gitlab.com/api/merge_requests: renamed in 17.11)."""
    return "auto_merge" if at_least(version, 17, 11) else "merge_when_pipeline_succeeds"


def at_least(version: str, major: int, minor: int) -> bool:
    """Whether `17.11.2-ee` is that or newer; a version that is none is new."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is None or (int(found[1]), int(found[2])) >= (major, minor)


class GitLabMerging(GitLabPulls):
    """The merging part of the adapter."""

    async def merge_readiness(self, repo: RepoRef, number: str) -> MergeState:
        return merge_state(await self._request(repo, number))

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
        request = await self._request(repo, number)
        if (done := self._settled(request, expected_head)) is not None:
            return done
        unfit = misfit(await self._api.get(ProjectAnswer, project(repo), cached=True), method)
        if unfit is not None:
            return MergeResult(MergeOutcome.REFUSED, None, unfit)
        waits = when_ready and merge_state(request).category is not MergeCategory.READY
        if waits and request.merge_when_pipeline_succeeds:
            return MergeResult(MergeOutcome.SCHEDULED)  # a push takes it back: it is of this head
        body: dict[str, object] = {"sha": expected_head, "squash": method == "squash"}
        if message:
            field = "squash_commit_message" if method == "squash" else "merge_commit_message"
            body[field] = without_commands(message)
        if waits:
            body[auto_merge_field(await self.server_version())] = True
        try:
            where = item(repo, "pull_request", number, "/merge")
            answer = await self._api.send(MergeRequestAnswer, "PUT", where, body)
        except PlatformError as error:
            return await self._after_failed_merge(repo, number, expected_head, error)
        return self._outcome(answer, expected_head)

    def _outcome(self, answer: MergeRequestAnswer, expected_head: str) -> MergeResult:
        done = self._settled(answer, expected_head)
        if done is not None:
            return done
        if answer.merge_when_pipeline_succeeds:
            return MergeResult(MergeOutcome.SCHEDULED)
        return MergeResult(MergeOutcome.PENDING, None, answer.merge_error or "GitLab took the merge on")

    async def _after_failed_merge(
        self, repo: RepoRef, number: str, expected_head: str, error: PlatformError
    ) -> MergeResult:
        """405: not mergeable. 406 and 422: conflicts, or a hook that refuses. 409: the head is another."""

        async def look() -> MergeResult | None:
            request = await self._request(repo, number)
            done = self._settled(request, expected_head)
            if done is None and isinstance(error, Transient):
                return MergeResult(MergeOutcome.SCHEDULED) if request.merge_when_pipeline_succeeds else None
            return done or self._refused(request, error)

        done = await look_again(look, error, statuses=(400, 405, 406, 422))
        return done or MergeResult(MergeOutcome.REFUSED, None, error.message)

    def _refused(self, request: MergeRequestAnswer, error: PlatformError) -> MergeResult | None:
        """Why, where the merge request knows better. Raises Transient where the merge may be tried again."""
        state = merge_state(request)
        if state.native in COMPUTING or error.status == 409:
            raise Transient(
                f"{error.message} ({state.reason})", platform=self._settings.id, status=error.status
            ) from error
        if state.category is MergeCategory.READY:
            return None
        return MergeResult(MergeOutcome.REFUSED, None, state.reason)

    def _settled(self, request: MergeRequestAnswer, expected_head: str) -> MergeResult | None:
        """The result where nothing is left to do; None where it can be merged at `expected_head`."""
        done = settled(request.pull_request(), expected_head, self._settings.id, "!")
        if done is not None:
            return done
        if request.state == "locked":
            return MergeResult(MergeOutcome.PENDING, None, "it is being merged")
        return None
