"""What every step needs: the phase, the workspace, the agent's stages, the events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

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
from activities.interface.metrics import RECORD_RUN
from tamma.model.budget import repo_of
from tamma.model.ids import BlobId, SessionId
from tamma.model.metrics import Cell, ModelUse, QualityPart, RunKind, RunMetrics
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
    Spend,
    Waiting,
)
from workflows.answering import Answering
from workflows.calls import call
from workflows.cancelling import heed
from workflows.measuring import StepBegun, run_metrics, step_metrics
from workflows.messages import PAUSED
from workflows.options import (
    CLEAN_UP,
    STORE_CALL,
    TOOLS,
)
from workflows.patience import Rejected
from workflows.purse import Holder, Purse
from workflows.recovery import Remedy, diagnose
from workflows.telling import tell_tests
from workflows.visibility import PHASE, mark
from workflows.words import INTERRUPTED, commit_message
from workflows.workspace_link import WorkspaceLink

SHARED_LIMITS = "shared-limits"
"""The change that runs keep to limits that they share: those from before it know of none."""


class RunSteps(Answering):
    """What every step needs: the phase, the workspace, the agent's stages, the events."""

    def __init__(self, request: DevRequest) -> None:
        super().__init__(request)
        self._link: WorkspaceLink | None = None
        self._sessions: int = 0
        self._publications = 0
        self._events = 0
        self._purse: Purse | None = None
        self._unpublished = False
        """Whether the agent has worked since the change was last delivered."""
        self._unsettled = False
        """Whether the work tree stands on another base than what is published, with conflicts perhaps."""

    async def _session_stage(self, stage: Stage, opening: Opening) -> Finished:
        """One stage of the agent's work, as a child workflow on the same transcript."""
        while True:
            await self._hold()
            self._hurries = False
            self._sessions += 1
            self._unpublished = True
            begun = self._begin()
            state = self._state
            state.stage, state.opening, state.since = stage, opening, state.next_seq
            try:
                result = await self._run_session(stage, opening)
            except ChildWorkflowError as error:
                if is_cancelled_exception(error):
                    raise
                result = None
            self._clock()  # its session may have waited to its end
            if result is None:
                self._did(stage.step, begun, Spend(), ModelUse(), "terminated")
            else:
                self._account_for(stage, begun, result)
            if result is None or result.end is SessionEnd.CANCELLED:
                heed()
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
            if result.end is SessionEnd.REJECTED:
                raise Rejected(result.finished.summary, result.gate)
            state.stage = state.opening = None
            state.solved = state.solved or stage is Stage.IMPLEMENT
            return result.finished

    def _account_for(self, stage: Stage, begun: StepBegun, result: SessionResult) -> None:
        """What a session did, whatever it ended with."""
        self._state.next_seq = result.next_seq
        self._state.spend += result.spend
        self._state.note_stand_in(result.instead_of)
        self._workspace.adopt(result.workspace)
        # Said while its last tools ran: whoever works next reads it.
        self._state.words.extend(word for word in result.unread if word != INTERRUPTED)
        if self._purse is not None and result.purse is not None:
            self._purse.take_back(result.purse)
        self._did(stage.step, begun, result.spend, result.use, error_type_of(result))

    def _begin(self) -> StepBegun:
        """A step begins (or ends) here."""
        now = workflow.now()
        return StepBegun(now, self._state.watch.waited(now))

    def _did(
        self,
        step: str,
        begun: StepBegun,
        spend: Spend,
        use: ModelUse,
        error_type: str = "",
        *,
        ended: StepBegun | None = None,
    ) -> None:
        """A step has ended, now if not then."""
        state = self._state
        state.uses.append(use)
        state.steps.append(
            step_metrics(len(state.steps) + 1, step, begun, ended or self._begin(), spend, use, error_type)
        )

    async def _measure(
        self,
        error_type: str = "",
        *,
        kind: RunKind = RunKind.PRODUCTION,
        cell: Cell | None = None,
        parts: Sequence[QualityPart] | None = None,
    ) -> RunMetrics:
        """Put the run's figures together and have them kept, however long the store is away.

        `error_type` says why it did not succeed. What goes wrong for good is noted: it changes no outcome.
        """
        measured = run_metrics(
            self._request,
            self._state,
            run_id=workflow.info().run_id,
            started_at=workflow.info().start_time,
            ended_at=workflow.now(),
            error_type=error_type,
            kind=kind,
            cell=cell or self._state.cell,
            parts=parts,
        )
        self._state.measured = measured
        while True:
            try:
                kept = await call(RECORD_RUN, measured, STORE_CALL, summary="keep what was measured")
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                trouble = diagnose(error)
                if trouble.remedy is Remedy.WAIT:
                    continue  # the store has been away for as long as one call is tried
                self._state.note(f"what was measured could not be kept: {trouble.reason}")
            else:
                await tell_tests(kept.awaited_by)
            return measured

    async def _run_session(self, stage: Stage, opening: Opening) -> SessionResult:
        state, request = self._state, self._request
        if state.session_id is None:
            state.session_id = SessionId(f"{request.task_id}/agent")
        words, state.words = tuple(state.words), []
        purse = self._shared_purse()
        given = SessionRequest(
            task_id=request.task_id,
            session_id=state.session_id,
            stage=stage,
            opening=opening,
            agent=state.worker or request.agent,
            workspace=self._workspace.ref,
            limits=request.limits,
            budget_left=request.limits.budget_usd - state.spend.cost_usd,
            turns_left=request.limits.max_turns - state.spend.turns,
            hours_left=self._hours_left(),
            state=self._session_state(words),
            rebuild=self._order(self._issue),
            label=f"{request.repo.full_name}#{request.issue}",
            unattended=request.unattended,
            purse=purse.lend(self._sessions) if purse else None,
        )
        state.session_workflow = f"{workflow.info().workflow_id}/session-{self._sessions}"
        heed()
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

    def _session_state(self, words: tuple[str, ...]) -> SessionState:
        """What the next session begins with; `words` are those that people said meanwhile."""
        return SessionState(next_seq=self._state.next_seq, pending=words)

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
        """Have money for the next model call, of the run's own budget and of the limits that runs share."""
        while True:
            await self._hold()
            if (waiting := self._out_of_money()) is not None:
                await self._patience.wait(waiting)
                continue
            left = self._request.limits.budget_usd - self._state.spend.cost_usd
            purse = self._shared_purse()
            if purse is None or await purse.afford(left):
                return

    def _shared_purse(self) -> Purse | None:
        """What the run holds of the limits that runs share; None where it keeps to none."""
        if self._purse is None and workflow.patched(SHARED_LIMITS):
            info, request = workflow.info(), self._request
            holder = Holder(request.task_id, repo_of(request.repo), info.workflow_id, info.run_id)
            self._purse = Purse(holder, self._patience)
        return self._purse

    def _charge(self, spend: Spend) -> None:
        """A model call outside of a session has cost this."""
        self._state.spend += spend
        if self._purse is not None:
            self._purse.charge(spend)

    async def _put_back(self) -> None:
        """Hold no money while nothing is spent: others may need it, and people may take days to answer."""
        if self._purse is not None:
            await self._purse.put_back()

    async def _record(self, kind: str, **data: str) -> None:
        self._events += 1
        request = self._request
        tags = (f"task:{request.task_id}", f"repo:{request.repo.full_name}", f"issue:{request.issue}")
        event = RecordEvent(
            request.task_id, f"{self._events}", kind, tags, data, standing=self._standing_json()
        )
        await call(RECORD_EVENT, event, STORE_CALL, summary=kind)

    def _standing_json(self) -> str:
        """How the run stands, for others that may go on from here; empty where none can."""
        return ""

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
        await self._let_go(self._link)

    async def _let_go(self, link: WorkspaceLink | None) -> None:
        """Remove a workspace, if it was made."""
        if link is None or not link.prepared:
            return
        ref = link.ref
        try:
            await call(RELEASE_WORKSPACE, WorkspaceOnly(ref.id), CLEAN_UP, queue=ref.queue)
        except ActivityError as error:
            # Its host may be gone: a worker that starts there later sweeps what no run needs.
            self._state.note(f"the workspace was not removed: {diagnose(error).reason}")


def error_type_of(result: SessionResult) -> str:
    """Why a session did not come to its end; empty where it did."""
    ends: dict[SessionEnd, str] = {
        SessionEnd.FINISHED: "",
        SessionEnd.REJECTED: result.gate.value if result.gate else "rejected",
        SessionEnd.CANCELLED: "cancelled",
    }
    return ends[result.end]


async def end(task: asyncio.Task[object] | workflow.ActivityHandle[object]) -> None:
    """Cancel and wait for it to be over, whatever it ends with."""
    task.cancel()
    try:
        await task
    except GeneratorExit:
        raise  # an evicted workflow's coroutine is thrown away: nothing of the workflow may be touched
    except BaseException as error:
        if not (isinstance(error, asyncio.CancelledError | Rejected) or is_cancelled_exception(error)):
            workflow.logger.warning("stopped: it ended with %s", error)
