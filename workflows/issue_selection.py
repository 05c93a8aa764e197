"""`IssueSelection`: one pass over a repository's issues, which begins runs of those that may be taken.

A repository has one pass at a time: its workflow id says so. It is short, and remembers nothing: what runs
and what ran is in the server's index, what is to be done on the platform. `SelectionTick` is what a schedule
starts; it begins a pass where none is under way. Runs are children that outlive their pass.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from activities.interface import RECORD_EVENT, RecordEvent
from activities.interface.selection import (
    LOOK_FOR_ISSUES,
    TAKE_ISSUE,
    IssueTaken,
    LookForIssues,
    TakeIssue,
)
from tamma.model.ids import forge_run_id
from tamma.model.selection import (
    MOST_LEFT,
    SELECTION_WORKFLOW,
    TICK_WORKFLOW,
    FoundIssue,
    IssuesSeen,
    LeftIssue,
    SelectionRequest,
    SelectionView,
    TakenIssue,
    run_request,
    selection_id,
)
from tamma.model.task import DEV_WORKFLOW, TASK_QUEUE, DevRequest, Phase, Waiting
from tamma.selection.choosing import choose, had_run
from workflows.calls import call
from workflows.cancelling import heed
from workflows.options import PLATFORM_CALL, STORE_CALL
from workflows.patience import Patience, Rejected
from workflows.visibility import AGENT, ISSUE, OUTCOME, PHASE, REPO, TASK, mark

LOOK = replace(PLATFORM_CALL, start_to_close=300)
"""Many pages of issues, and questions to runs."""


@workflow.defn(name=TICK_WORKFLOW)
class SelectionTick:
    """Begins a pass, unless one is under way."""

    @workflow.run
    async def run(self, request: SelectionRequest) -> str:
        identity = selection_id(request.repo)
        try:
            await workflow.start_child_workflow(
                SELECTION_WORKFLOW,
                request,
                id=identity,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
                static_summary=f"select issues of {request.repo.full_name}",
            )
        except WorkflowAlreadyStartedError:
            return f"{identity} is under way"
        return f"{identity} begun"


@workflow.defn(name=SELECTION_WORKFLOW)
class IssueSelection:
    """One pass."""

    @workflow.init
    def __init__(self, request: SelectionRequest) -> None:
        self._request = request
        self._view = SelectionView(request.repo, workflow.info().start_time, request.dry_run)
        self._patience = Patience(self._waiting_changed)

    @workflow.run
    async def run(self, request: SelectionRequest) -> SelectionView:
        mark(REPO, request.repo.full_name)
        with suppress(Rejected):  # somebody stopped it while it waited for better times
            await self._pass()
        if self._view.taken:
            await asyncio.sleep(request.settle)
        mark(OUTCOME, "stopped" if self._view.stopped else "completed")
        self._show()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._view

    async def _pass(self) -> None:
        request = self._request
        seen = await self._patience.or_refuse(
            lambda: call(
                LOOK_FOR_ISSUES,
                LookForIssues(request.repo, request.rules),
                LOOK,
                summary=f"issues of {request.repo.full_name}",
            )
        )
        choice = choose(request.rules, request.repo, seen.issues, seen.traffic, workflow.now())
        self._see(seen, choice.left)
        if request.dry_run:
            self._view = replace(self._view, would_take=choice.take)
            return
        for issue in choice.take:
            if self._view.stopped:
                self._leave(issue, "the selection was stopped")
                continue
            await self._take(issue, again=had_run(request.repo, issue.number, seen.traffic))
            self._show()

    def _see(self, seen: IssuesSeen, chosen_against: tuple[LeftIssue, ...]) -> None:
        """Those that might have been taken are told first."""
        left = (*chosen_against, *seen.left)
        self._view = replace(
            self._view,
            left=left[:MOST_LEFT],
            uncounted=seen.uncounted + max(len(left) - MOST_LEFT, 0),
            notes=seen.notes,
        )
        self._show()

    async def _take(self, issue: FoundIssue, *, again: bool) -> None:
        """Begin the run of an issue. What goes wrong with one issue does not keep others from theirs."""
        request = self._request
        given = TakeIssue(request.repo, request.rules, issue.number, request.agent_name)
        try:
            taken = await self._patience.or_refuse(
                lambda: call(TAKE_ISSUE, given, PLATFORM_CALL, summary=f"take #{issue.number}")
            )
        except ApplicationError as refusal:
            self._leave(issue, refusal.message)
            return
        if taken.refused:
            self._leave(issue, taken.refused)
            return
        order = run_request(request, issue.number, taken.task_id, taken.agent, again=again)
        if not await self._begin(order):
            self._leave(issue, "somebody submitted it at the same moment")
            return
        workflow_id = forge_run_id(request.repo, issue.number)
        begun = TakenIssue(issue.number, issue.title, taken.task_id, workflow_id)
        self._view = replace(self._view, taken=(*self._view.taken, begun))
        await self._note(issue, taken)

    async def _begin(self, order: DevRequest) -> bool:
        """Start the run as `tamma submit` does, under the same id; False where that issue has one by now.

        A run that completed since the look is none to be repeated: only failed ones are followed by another.
        """
        heed()
        try:
            await workflow.start_child_workflow(
                DEV_WORKFLOW,
                order,
                id=forge_run_id(order.repo, order.issue),
                task_queue=TASK_QUEUE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                memo={"taskId": order.task_id, "agent": order.agent.label},
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(TASK, order.task_id),
                        SearchAttributePair(REPO, order.repo.full_name),
                        SearchAttributePair(ISSUE, order.issue),
                        SearchAttributePair(PHASE, Phase.ACCEPT.value),
                        SearchAttributePair(AGENT, order.agent.label),
                    ]
                ),
                static_summary=f"{order.repo.full_name}#{order.issue}",
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def _note(self, issue: FoundIssue, taken: IssueTaken) -> None:
        if taken.note:
            self._view = replace(self._view, notes=(*self._view.notes, taken.note))
        repo = self._request.repo.full_name
        tags = (f"task:{taken.task_id}", f"repo:{repo}", f"issue:{issue.number}")
        event = RecordEvent(taken.task_id, "selected", "issue.selected", tags, {"title": issue.title})
        await call(RECORD_EVENT, event, STORE_CALL, summary="issue.selected")

    def _leave(self, issue: FoundIssue, reason: str) -> None:
        left = LeftIssue(issue.number, issue.title, reason)
        self._view = replace(self._view, left=(left, *self._view.left)[:MOST_LEFT])

    # --- what others say and ask -----------------------------------------------------------------

    @workflow.query
    def view(self) -> SelectionView:
        """How it stands."""
        return self._view

    @workflow.signal
    def stop(self) -> None:
        """Take nothing more. Runs that were begun go on."""
        self._view = replace(self._view, stopped=True)
        self._patience.reject("stopped")  # what waits now, or would wait next

    def _waiting_changed(self, waiting: Waiting | None) -> None:
        self._view = replace(self._view, waiting=waiting.reason if waiting is not None else "")
        self._show()

    def _show(self) -> None:
        view = self._view
        lines = [f"### {view.summary}", ""]
        if view.waiting:
            lines += [f"**Waiting:** {view.waiting}", ""]
        lines += [f"- took #{each.number}: {each.title}" for each in view.taken]
        lines += [f"- left #{each.number}: {each.reason}" for each in view.left]
        workflow.set_current_details("\n".join([*lines, *(f"- {note}" for note in view.notes)]))
