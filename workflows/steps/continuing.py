"""What goes on from another run: done already is done, begun is gone on with."""

from __future__ import annotations

from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.interface import SET_UP_PROJECT, AcceptedIssue, SetUpProject
from activities.interface.continuing import TAKE_UP, Standing, TakenUp, TakeUp
from tamma.model.ids import BlobId, SessionId
from tamma.model.session import SessionState, Stage, WorkspaceOrder
from tamma.model.task import Phase
from workflows.calls import call
from workflows.options import SET_UP, TAKING_UP
from workflows.steps.beginning import Beginning
from workflows.steps.delivery import Delivery
from workflows.words import INTERRUPTED


class Continuing(Beginning, Delivery):
    """The same steps, of which some may be done: by the run that this one goes on from."""

    _taken: TakenUp | None = None
    _before: TakenUp | None = None
    """The same, until the first session has gone on from it."""

    # --- what is known of this run, for others ---------------------------------------------------

    def _standing_json(self) -> str:
        state, request = self._state, self._request
        if state.issue is None:
            return ""
        stage, opening, since = state.stage, state.opening, state.since
        if (before := self._before) is not None:
            # What was cut short there has not been gone on with yet.
            stage, opening = before.stage, before.standing.opening
            since = 0 if before.opened else before.next_seq
        standing = Standing(
            request=replace(request, issue_text=None),
            issue=state.issue,
            phase=state.phase,
            project=state.project,
            plan=state.plan,
            plan_agreed=state.plan_agreed,
            open=state.open,
            decided=tuple(state.decided),
            red_test=state.red_test,
            red_output=state.red_output,
            proof=state.proof,
            untested_because=state.untested_because,
            session_id=state.session_id,
            next_seq=state.next_seq,
            stage=stage,
            opening=opening,
            since=since,
            solved=state.solved,
            checkpoint=self._checkpoint(),
            left=state.left,
            agreed=tuple(state.agreed),
            patches_agreed=tuple(state.patches_agreed),
            words=tuple(state.words),
            heard=self._heard,
            summary=state.summary,
            review=state.review,
            approved=state.approved,
            published=state.published,
            pull_request=state.pull_request,
            pull_request_url=state.pull_request_url,
            published_on=self._published_on,
            replayed=self._replayed,
            doubtful=self._doubtful,
            proof_base=state.proof_base,
            spend=state.spend,
            spent_before=state.spent_before,
            worker=state.worker,
            tries=state.tries,
        )
        return workflow.payload_converter().to_payload(standing).data.decode()

    def _checkpoint(self) -> BlobId | None:
        if self._link is not None and self._link.prepared:
            return self._link.ref.checkpoint
        return self._taken.standing.checkpoint if self._taken else None

    # --- the beginning ---------------------------------------------------------------------------

    async def _find_issue(self) -> AcceptedIssue:
        """The issue must be open still; but what the work is about is what it was."""
        found = await super()._find_issue()
        origin = self._request.continues
        if origin is None:
            return found
        given = TakeUp(self._request.task_id, found.branch if origin.fork else "", origin)
        try:
            taken = await self._patience.or_refuse(
                lambda: call(TAKE_UP, given, TAKING_UP, summary=f"take up {origin.task_id}")
            )
        except ApplicationError as refusal:
            self._refusal = refusal
            raise
        self._taken = self._before = taken
        self._remember(taken)
        old = taken.standing.issue
        return replace(
            found,
            title=old.title,
            snapshot=old.snapshot,
            base_branch=old.base_branch,
            base_sha=old.base_sha,
            branch=old.branch,
        )

    def _remember(self, taken: TakenUp) -> None:
        state, old = self._state, taken.standing
        state.plan, state.plan_markdown, state.plan_agreed = old.plan, taken.plan_markdown, old.plan_agreed
        state.open, state.decided, self._plans = old.open, list(old.decided), taken.plans
        state.red_test, state.red_output, state.proof = old.red_test, old.red_output, old.proof
        state.untested_because, state.solved = old.untested_because, old.solved
        state.agreed, state.words = list(old.agreed), [*state.words, *taken.words]
        state.patches_agreed = list(old.patches_agreed)
        state.summary, state.review, state.approved = old.summary, old.review, old.approved
        state.published = old.published
        state.pull_request, state.pull_request_url = old.pull_request, old.pull_request_url
        state.spent_before, state.proof_base = old.spent_before, old.proof_base
        self._published_on, self._doubtful = old.published_on, old.doubtful
        self._replayed, self._unsettled = old.replayed, old.replayed is not None
        if old.request.agent == self._request.agent:
            state.worker = old.worker
        state.tries = old.tries
        state.next_seq = taken.next_seq
        if taken.next_seq:
            state.session_id = SessionId(f"{self._request.task_id}/agent")
        self._heard = old.heard
        for note in taken.notes:
            state.note(note)

    def _order(self, issue: AcceptedIssue) -> WorkspaceOrder:
        order = super()._order(issue)
        return replace(order, checkpoint=self._taken.standing.checkpoint) if self._taken else order

    async def _read_project(self) -> None:
        """Its environment is built again; what its tests said of the base is known."""
        known = self._taken.standing.project if self._taken else None
        if known is None:
            await super()._read_project()
            return
        await self._enter(Phase.CONTEXT)
        workspace = await self._workspace.prepare()
        self._state.sandbox_tier = workspace.sandbox_tier
        given = SetUpProject(
            workspace.id,
            self._request.test_command,
            baseline=False,
            timeout=self._request.limits.command_timeout,
        )
        found = await self._workspace.call(
            SET_UP_PROJECT, given, SET_UP, summary="install, as the run did that it goes on from"
        )
        self._state.project = replace(
            found,
            context=known.context,
            baseline=known.baseline,
            test_command=known.test_command,
            gates=known.gates,
        )
        self._state.test_command = known.test_command
        self._tighten(found)

    # --- the plan --------------------------------------------------------------------------------

    async def _agree_on_plan(self) -> None:
        if not self._state.plan_agreed:
            await super()._agree_on_plan()
            self._state.plan_agreed = True

    async def _make_plan(self, feedback: str = "") -> None:
        state = self._state
        if self._taken is not None and state.plan is not None and not feedback:
            # Nothing is paid for again, unless somebody has said what is to be different.
            feedback, state.words = "\n\n".join(state.words), []
            if not feedback:
                return
        await super()._make_plan(feedback)

    # --- the work --------------------------------------------------------------------------------

    def _session_state(self, words: tuple[str, ...]) -> SessionState:
        fresh, before = super()._session_state(words), self._before
        self._before = None
        if before is None:
            return fresh
        if before.finished is not None:
            # Nobody is asked in a stage that is over: the next one hears them.
            self._state.words = list(words)
            words = ()
        goes_on = before.opened and before.finished is None
        return replace(
            fresh,
            opened=before.opened,
            awaiting_tools=before.awaiting_tools,
            finished=before.finished,
            pending=(INTERRUPTED, *words) if goes_on else words,
        )

    def _stage_begun_before(self) -> bool:
        return self._before is not None and (self._before.opened or self._before.finished is not None)

    async def _show_the_problem(self) -> None:
        state = self._state
        if state.red_test is None and not state.untested_because and not state.solved:
            await super()._show_the_problem()

    async def _solve_it(self) -> None:
        if not self._state.solved:
            await super()._solve_it()
            return
        await self._enter(Phase.IMPLEMENT)
        before = self._before
        if before is not None and before.stage is Stage.FIX:
            await self._session_stage(Stage.FIX, before.standing.opening or self._from_person())
        await self._get_green()
        await self._get_publishable()

    async def _review_it(self) -> None:
        if self._taken is None or self._taken.standing.approved is None:
            await super()._review_it()
