"""Ends before the end: branch, diff and summary are left behind."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.interface import (
    CHECKPOINT,
    COLLECT_DIFF,
    PUBLISH_BRANCH,
    CollectDiff,
    PublishBranch,
    WorkspaceOnly,
)
from tamma.agents.findings import open_ones
from tamma.model.task import (
    DevResult,
    Phase,
    TaskStatus,
)
from workflows.calls import call
from workflows.options import (
    CLEAN_UP,
)
from workflows.recovery import diagnose
from workflows.run_state import branch_of
from workflows.steps.base import RunSteps
from workflows.visibility import OUTCOME, PHASE, mark

MEASURED = "run-metrics"
"""The change that runs measure themselves at their end: histories from before it lack that."""

LEFT_BEHIND = "leave-later-work-behind"
"""The change that work after the last delivery is left behind, too: histories from before it lack that."""


LONGEST_WHY = 300
"""Characters of the reason that lists of runs show."""


class Ending(RunSteps):
    """Ends before the end: branch, diff and summary are left behind."""

    async def _stopped(self, status: TaskStatus, why: str, error_type: str) -> DevResult:
        """An end before the end: branch, diff and summary are left behind, nothing is lost."""
        self._session, self._state.session_waiting, self._state.waiting = None, None, None
        self._clock()
        if self._link is not None and self._link.prepared and self._has_unpublished_work():
            await self._leave_work_behind()
        await self._release()
        return await self._finished(status, f"{why}. {self._state.summary}".strip(), error_type)

    def _has_unpublished_work(self) -> bool:
        """Whether the workspace may hold what nobody has seen yet. Of a merged run it holds nothing new, and
        conflicts that are not solved are put over no branch that others look at.

        The same of what another run has published, from which this one goes on.
        """
        if self._state.published is None:
            return True
        later = self._unpublished and not self._unsettled and not self._state.merge_sha
        return later and workflow.patched(LEFT_BEHIND)

    async def _leave_work_behind(self) -> None:
        """Onto the branch, but not over what somebody else has pushed there meanwhile."""
        ref, before = self._workspace.ref, self._state.published
        try:
            diff = await call(
                COLLECT_DIFF,
                CollectDiff(ref.id, new_dependencies=self._request.new_dependencies),
                CLEAN_UP,
                queue=ref.queue,
                summary="what was done",
            )
            self._state.diff = diff
            stored = await call(CHECKPOINT, WorkspaceOnly(ref.id), CLEAN_UP, queue=ref.queue)
            self._state.left = stored.blob
            if runs := open_ones(diff.runs, self._state.agreed):
                self._state.note(
                    f"the unfinished work is not pushed, as CI would run what it makes of {'; '.join(runs)}: "
                    "`tamma inspect TASK --diff` shows it"
                )
            elif diff.files_total and not diff.refused:
                given = PublishBranch(
                    self._request.task_id,
                    ref.id,
                    self._request.repo,
                    self._issue.branch,
                    self._issue.base_sha,
                    message=f"Unfinished: {self._commit_message()}",
                    key="left-behind",
                    expected_sha=before.sha if before else None,
                )
                published = await call(PUBLISH_BRANCH, given, CLEAN_UP, queue=ref.queue)
                self._state.published = published
                if before is not None and published.sha == before.sha:
                    return  # nothing had been changed since
                self._state.note(f"the unfinished work is on the branch {self._issue.branch}")
        except ActivityError as error:
            self._state.note(f"the unfinished work could not be published: {diagnose(error).reason}")

    async def _finished(self, status: TaskStatus, summary: str, error_type: str = "") -> DevResult:
        """Say it is over, in the very step that ends it: nobody sees a finished run that still runs.

        A run that never found its issue is not measured: no agent has done anything in it.
        """
        state = self._state
        await self._put_back()
        if state.issue is not None and workflow.patched(MEASURED):
            await self._measure(error_type)
        await self._record(f"task.{status.value}", summary=summary[:500])
        state.status, state.summary = status, summary
        if status is TaskStatus.COMPLETED:
            state.phase = Phase.DONE
        workflow.upsert_memo(
            {
                "branch": branch_of(self._request, state),
                "baseBranch": state.issue.base_branch if state.issue else "",
                "mergeSha": state.merge_sha,
                "pullRequestUrl": state.pull_request_url,
                "costUsd": str(state.spend.cost_usd),
                "why": "" if status is TaskStatus.COMPLETED else summary[:LONGEST_WHY],
            }
        )
        mark(OUTCOME, status.value)
        mark(PHASE, state.phase.value)
        self._show()
        return DevResult(
            status=status,
            summary=summary,
            branch=branch_of(self._request, state),
            pull_request_url=state.pull_request_url,
            merge_sha=state.merge_sha,
            spend=state.spend,
            suggested=state.suggested,
        )

    def _cancelled_words(self) -> str:
        given = self._cancelled
        who = f" by {given.by}" if given and given.by else ""
        return f"cancelled{who}" + (f": {given.reason}" if given and given.reason else "")
