"""What every step needs: the phase, the workspace, the agent's stages, the events."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, ChildWorkflowError, is_cancelled_exception

from activities.interface import (
    RECORD_EVENT,
    RELEASE_WORKSPACE,
    RUN_COMMAND,
    AcceptedIssue,
    CommandRun,
    ProjectReport,
    RecordEvent,
    RunCommand,
    WorkspaceOnly,
)
from tamma.model.ids import BlobId, SessionId
from tamma.model.session import (
    Finished,
    Opening,
    SessionEnd,
    SessionRequest,
    SessionResult,
    SessionState,
    Stage,
    WorkspaceOrder,
)
from tamma.model.task import (
    SESSION_WORKFLOW,
    DevRequest,
    Gate,
    Phase,
    Waiting,
)
from workflows.calls import call
from workflows.messages import PAUSED, RunMessages
from workflows.options import (
    CLEAN_UP,
    STORE_CALL,
    TOOLS,
)
from workflows.patience import Rejected
from workflows.recovery import diagnose
from workflows.visibility import PHASE, mark
from workflows.words import commit_message
from workflows.workspace_link import WorkspaceLink


class RunSteps(RunMessages):
    """What every step needs: the phase, the workspace, the agent's stages, the events."""

    def __init__(self, request: DevRequest) -> None:
        super().__init__(request)
        self._link: WorkspaceLink | None = None
        self._sessions = 0
        self._publications = 0
        self._events = 0

    async def _session_stage(self, stage: Stage, opening: Opening) -> Finished:
        """One stage of the agent's work, as a child workflow on the same transcript."""
        while True:
            await self._hold()
            self._sessions += 1
            try:
                result = await self._run_session(stage, opening)
            except ChildWorkflowError as error:
                if is_cancelled_exception(error):
                    raise
                # Ended by force from outside: what it did is in the workspace, its transcript is cut.
                self._state.session_id = SessionId(f"{self._request.task_id}/agent-{self._sessions}")
                self._state.next_seq = 0
                await self._patience.wait(
                    Waiting(
                        Gate.STUCK,
                        "the agent's session was ended from outside",
                        "start the stage again with `tamma resume TASK`, or cancel it",
                    )
                )
                continue
            self._state.next_seq = result.next_seq
            self._state.spend += result.spend
            self._state.note_stand_in(result.instead_of)
            self._workspace.adopt(result.workspace)
            if result.end is SessionEnd.REJECTED:
                raise Rejected(result.finished.summary)
            return result.finished

    async def _run_session(self, stage: Stage, opening: Opening) -> SessionResult:
        state, request = self._state, self._request
        if state.session_id is None:
            state.session_id = SessionId(f"{request.task_id}/agent")
        words, state.words = tuple(state.words), []
        given = SessionRequest(
            task_id=request.task_id,
            session_id=state.session_id,
            stage=stage,
            opening=opening,
            agent=request.agent,
            workspace=self._workspace.ref,
            limits=request.limits,
            budget_left=request.limits.budget_usd - state.spend.cost_usd,
            turns_left=request.limits.max_turns - state.spend.turns,
            state=SessionState(next_seq=state.next_seq, pending=words),
            rebuild=self._order(self._issue),
            label=f"{request.repo.full_name}#{request.issue}",
        )
        state.session_workflow = f"{workflow.info().workflow_id}/session-{self._sessions}"
        self._session = await workflow.start_child_workflow(
            SESSION_WORKFLOW,
            given,
            id=state.session_workflow,
            result_type=SessionResult,
            static_summary=f"{stage}: {given.label}",
        )
        try:
            return await self._session
        finally:
            self._session = None
            state.session_waiting = None
            state.session_workflow = ""

    async def _enter(self, phase: Phase) -> None:
        """The run is in this phase now: held while paused, shown, recorded."""
        await self._hold()
        self._state.phase = phase
        mark(PHASE, phase.value)
        self._show()
        await self._record(f"phase.{phase.value}")

    async def _hold(self) -> None:
        while self._paused:
            await self._patience.wait(PAUSED)

    async def _afford(self) -> None:
        await self._hold()
        while (waiting := self._out_of_money()) is not None:
            await self._patience.wait(waiting)

    async def _record(self, kind: str, **data: str) -> None:
        self._events += 1
        request = self._request
        tags = (f"task:{request.task_id}", f"repo:{request.repo.full_name}", f"issue:{request.issue}")
        event = RecordEvent(request.task_id, f"{self._events}", kind, tags, data)
        await call(RECORD_EVENT, event, STORE_CALL, summary=kind)

    async def _run(self, command: str) -> CommandRun:
        timeout = self._request.limits.command_timeout
        return await self._workspace.call(
            RUN_COMMAND,
            RunCommand(self._workspace.ref.id, command, timeout),
            TOOLS.lasting(timeout + 60),
            summary=command[:100],
        )

    @property
    def _issue(self) -> AcceptedIssue:
        assert self._state.issue is not None
        return self._state.issue

    @property
    def _project(self) -> ProjectReport:
        assert self._state.project is not None
        return self._state.project

    @property
    def _workspace(self) -> WorkspaceLink:
        assert self._link is not None
        return self._link

    def _texts(self) -> dict[str, BlobId]:
        """What a first prompt shows: the issue, the plan, the repository."""
        assert self._state.plan is not None
        return {
            "issue": self._issue.snapshot,
            "plan": self._state.plan,
            "context": self._project.context,
        }

    def _order(self, issue: AcceptedIssue) -> WorkspaceOrder:
        return WorkspaceOrder(
            self._request.task_id,
            self._request.repo,
            issue.clone_url,
            issue.base_branch,
            issue.base_sha,
            issue.branch,
        )

    def _commit_message(self) -> str:
        return commit_message(self._issue.title, self._issue.number, self._state.summary)

    def _from_person(self) -> Opening:
        words, self._state.words = self._state.words, []
        return Opening("person", words={"text": "\n\n".join(words) or "Look again at what the issue asks."})

    async def _release(self) -> None:
        if self._link is None or not self._link.prepared:
            return
        ref = self._link.ref
        try:
            await call(RELEASE_WORKSPACE, WorkspaceOnly(ref.id), CLEAN_UP, queue=ref.queue)
        except ActivityError as error:
            # Its host may be gone: a worker that starts there later sweeps what no run needs.
            self._state.note(f"the workspace was not removed: {diagnose(error).reason}")


async def end(task: asyncio.Task[object] | workflow.ActivityHandle[object]) -> None:
    """Cancel and wait for it to be over, whatever it ends with."""
    task.cancel()
    try:
        await task
    except BaseException as error:
        if not (isinstance(error, asyncio.CancelledError | Rejected) or is_cancelled_exception(error)):
            workflow.logger.warning("stopped: it ended with %s", error)
