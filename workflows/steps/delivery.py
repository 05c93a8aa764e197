"""Publish, pass the checks, merge, close; and begin again where a person wants changes."""

from __future__ import annotations

from temporalio import workflow

from activities.interface import (
    CLOSE_ISSUE,
    MERGE,
    OPEN_PULL_REQUEST,
    PUBLISH_BRANCH,
    CloseIssue,
    Merge,
    Merged,
    OpenPullRequest,
    PublishBranch,
    PublishedBranch,
)
from tamma.model.repository import MergeCategory, MergeOutcome
from tamma.model.task import (
    Gate,
    Phase,
    Waiting,
)
from workflows.calls import call, watch
from workflows.options import (
    PLATFORM_CALL,
    PLATFORM_WATCH,
    WORKSPACE_CALL,
)
from workflows.steps.resolving import Resolving
from workflows.visibility import PULL_REQUEST, mark


class Delivery(Resolving):
    """Publish, pass the checks, merge, close."""

    async def _deliver(self) -> None:
        """Publish, pass the checks, merge; begin again where a person wants something changed."""
        while True:
            settled = await self._settle()
            await self._heed()
            if settled:
                await self._put_back()
                await self._publish()
                await self._answer_reviews()
            while await self._pass_checks() and not self._state.words and not await self._hear_reviews():
                if await self._merge():
                    return
                if self._replayed is not None:
                    break  # the change stands on another base now: it is looked at and published again

    async def _publish(self) -> None:
        await self._enter(Phase.PUBLISH)
        self._state.published = await self._publish_branch()
        if "pull_requests" not in self._issue.capabilities:
            return
        request, state = self._request, self._state
        given = OpenPullRequest(
            request.task_id,
            request.repo,
            head=self._issue.branch,
            base=self._issue.base_branch,
            issue=request.issue,
            issue_title=self._issue.title,
            plan=state.plan,
            summary=state.summary,
            red_test=state.red_test,
            tests=state.tests,
            sandbox_tier=state.sandbox_tier,
            spend=state.spend,
            agent=state.worker or request.agent,
            review=state.review,
            notes=tuple(state.notes),
            issue_url=self._issue.url,
            gates=tuple(state.gates.values()),
            dependencies=state.diff.dependencies if state.diff else (),
        )
        opened = await self._patience.patiently(
            lambda: call(OPEN_PULL_REQUEST, given, PLATFORM_CALL, summary="open the pull request")
        )
        state.pull_request, state.pull_request_url = opened.number, opened.url
        state.pull_request_new |= opened.created
        mark(PULL_REQUEST, opened.number)
        self._show()

    async def _publish_branch(self) -> PublishedBranch:
        before = self._state.published
        given = PublishBranch(
            self._request.task_id,
            self._workspace.ref.id,
            self._request.repo,
            self._issue.branch,
            self._issue.base_sha,
            message=self._commit_message(),
            key=f"publish-{self._publications}",
            expected_sha=before.sha if before else None,
        )
        published = await self._workspace.call(
            PUBLISH_BRANCH, given, WORKSPACE_CALL, summary=f"deliver {self._issue.branch}"
        )
        self._publications += 1
        self._published_on = self._issue.base_sha
        self._unpublished = False
        return published

    async def _merge(self) -> bool:
        """Merge as the policy says. False where a person asked for changes instead."""
        state = self._state
        if self._request.merge == "never":
            state.note("not merged, as asked")
            return True
        reason = self._merge_needs()
        if reason:
            await self._enter(Phase.APPROVE_MERGE)
            hint = '`tamma approve TASK`, the same with --reject, or `tamma steer TASK "..."` for changes'
            if not await self._wait_at_merge(Waiting(Gate.MERGE, reason, hint), MergeCategory.TERMINAL):
                return False
        while not state.words:
            await self._enter(Phase.MERGE)
            merged = await self._merge_once()
            if merged.outcome is not MergeOutcome.REFUSED:
                state.merge_sha, state.merged_at = merged.sha, workflow.now()
                return True
            if merged.obstacle is not None and await self._catch_up():
                return False
            reason = f"{merged.reason}; {self._hindrance}" if merged.obstacle else merged.reason
            if not state.pull_request:
                state.note(f"not merged: {reason}")
                return True
            await self._enter(Phase.APPROVE_MERGE)
            hint = 'mend that, then `tamma approve TASK` tries again; or `tamma steer TASK "..."`'
            waiting = Waiting(Gate.MERGE, f"the platform refuses the merge: {reason}", hint)
            # Where the platform thought that it could be merged, only a person can say when to try again.
            ends = () if merged.ready else (MergeCategory.READY, MergeCategory.TERMINAL)
            if not await self._wait_at_merge(waiting, *ends):
                return False
        return False

    def _merge_needs(self) -> str:
        """Why a person must agree to the merge; empty where none must."""
        diff = self._state.diff
        if diff and diff.ask:
            return f"the change touches protected paths: {', '.join(diff.ask)}"
        if self._doubtful:
            return f"the agent decided conflicts that lines cannot show: {'; '.join(self._doubtful)}"
        return "the merge waits for approval" if self._request.approve.merge else ""

    async def _merge_once(self) -> Merged:
        published = self._state.published
        assert published is not None
        given = Merge(
            self._request.task_id,
            self._request.repo,
            head_sha=published.sha,
            branch=self._issue.branch,
            base_branch=self._issue.base_branch,
            pull_request=self._state.pull_request or None,
            method=self._request.merge_method,
            message=self._commit_message(),
            poll=self._request.limits.poll,
        )
        return await self._patience.patiently(
            lambda: watch(MERGE, given, PLATFORM_WATCH, summary=f"merge into {self._issue.base_branch}")
        )

    async def _close(self) -> None:
        await self._enter(Phase.CLOSE)
        state = self._state
        assert state.published is not None
        # Without a tracker there is still a merged branch to remove; plain Git has neither.
        if state.merge_sha and ("issues" in self._issue.capabilities or state.pull_request):
            where = state.pull_request_url or f"`{self._issue.base_branch}` at {state.merge_sha[:12]}"
            given = CloseIssue(
                self._request.task_id,
                self._request.repo,
                self._request.issue,
                comment=f"Solved by {where}.\n\n{state.summary}".strip(),
                branch=self._issue.branch,
                head_sha=state.published.sha,
                delete_branch=bool(state.pull_request),
                pull_request_url=state.pull_request_url,
            )
            done = await self._patience.patiently(
                lambda: call(CLOSE_ISSUE, given, PLATFORM_CALL, summary=f"close #{self._request.issue}")
            )
            for note in done.notes:
                state.note(note)
        await self._release()
