"""`manual-assist`: the same steps, each ending with a person who looks at its patch. Nothing is pushed."""

from __future__ import annotations

from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.interface import CHECKPOINT, COLLECT_DIFF, CollectDiff, WorkspaceOnly
from activities.interface.suggesting import (
    FIND_PULL_REQUEST,
    MAKE_PATCH,
    SUGGEST,
    FindPullRequest,
    FoundPullRequest,
    MakePatch,
    Suggest,
)
from tamma.model.suggestion import SUGGESTED, PatchRef, PatchStage
from tamma.model.task import ApprovePolicy, DevRequest, Gate, Phase, Waiting
from workflows.calls import call
from workflows.options import CLEAN_UP, PLATFORM_CALL, WORKSPACE_CALL
from workflows.recovery import diagnose
from workflows.steps.continuing import Continuing
from workflows.steps.ending import Ending
from workflows.words import patch_waits

REFUSED = "PolicyRefused"
PHASES = {
    PatchStage.FAILING_TEST: Phase.RED_TEST,
    PatchStage.CHANGE: Phase.IMPLEMENT,
    PatchStage.SUGGESTION: Phase.SUGGEST,
}


class Assisting(Continuing, Ending):
    """Where a run only assists, a person is asked after each stage, and a patch takes the branch's place.

    What a person has agreed to is what is handed over: the very bytes in the store, not the workspace as it
    may be later.
    """

    _reviewed = FoundPullRequest()
    """The pull request whose branch the run began from."""

    def __init__(self, request: DevRequest) -> None:
        super().__init__(request)
        if request.assists:
            self._request = replace(request, approve=ApprovePolicy.ALL, merge="never")

    @property
    def _assists(self) -> bool:
        return self._request.assists

    # --- the stages ------------------------------------------------------------------------------

    async def _accept_issue(self) -> None:
        await super()._accept_issue()
        if self._assists:
            workflow.upsert_memo({"workflowType": self._request.workflow_type})

    async def _show_the_problem(self) -> None:
        await super()._show_the_problem()
        if self._assists and self._state.test_command:
            while not await self._agree_on(PatchStage.FAILING_TEST):
                await self._write_another_test()

    async def _write_another_test(self) -> None:
        """As a person says. It has to be red again, and is kept as it is from then on."""
        state = self._state
        before, state.red_test, state.red_output = state.red_test, None, None
        state.proof, state.untested_because = None, ""
        await self._until_red(self._from_person(), before.command if before else state.test_command)

    async def _solve_it(self) -> None:
        await super()._solve_it()
        if self._assists and self._request.review:  # without a review this is the last look, see `_deliver`
            while not await self._agree_on(PatchStage.CHANGE):
                await self._heed()

    async def _deliver(self) -> None:
        """Have the suggestion agreed to, and hand it over; once more where somebody wants it changed."""
        if not self._assists:
            await super()._deliver()
            return
        while True:
            await self._heed()
            if await self._agree_on(PatchStage.SUGGESTION):
                await self._suggest()
                if not self._state.words:
                    return

    async def _close(self) -> None:
        if self._assists:
            await self._release()
        else:
            await super()._close()

    # --- the gate --------------------------------------------------------------------------------

    async def _agree_on(self, stage: PatchStage) -> bool:
        """Show a person what the stage has made. False where he wants it changed, and has said so, and where
        the diff policy has had it changed.

        A stage that was agreed to is not asked about again by a run that goes on from there; what is to be
        handed over always is.
        """
        state = self._state
        if stage in state.patches_agreed:
            return True
        if state.words:
            return False
        if state.phase is not PHASES[stage]:
            await self._enter(PHASES[stage])
        given = MakePatch(self._workspace.ref.id, stage)
        patch = await self._workspace.call_or_refuse(
            MAKE_PATCH, given, WORKSPACE_CALL, REFUSED, summary=f"the patch of the {stage}"
        )
        if patch is None:  # the work tree is not as it was when the policy last looked at it
            await self._get_publishable()
            return False
        state.patch = patch
        state.suggested = False  # where it was before, that was another one
        if stage is PatchStage.SUGGESTION:
            await self._find_place()
        await self._put_back()
        await self._patience.wait(Waiting(Gate.PATCH, self._reason(state.patch), _hint(stage)))
        if state.words:
            return False
        if stage is not PatchStage.SUGGESTION:
            state.patches_agreed.append(stage)
        return True

    def _reason(self, patch: PatchRef) -> str:
        state = self._state
        return patch_waits(
            patch,
            red=state.red_test.command if state.red_test else "",
            untested=state.untested_because,
            green=bool(state.green),
            review=state.review,
            protected=state.diff.ask if state.diff else (),
            where=self._where(),
        )

    def _where(self) -> str:
        """Where a yes has the suggestion written; empty where nowhere."""
        if self._reviewed.number:
            return f"as a review of the pull request {self._reviewed.number}"
        return f"on #{self._request.issue}" if self._can_comment() else ""

    async def _find_place(self) -> None:
        """Before a person is asked: he agrees to where it is written, too."""
        if {"pull_requests", "reviews"} <= set(self._issue.capabilities):
            given = FindPullRequest(self._request.repo, self._issue.base_branch, self._issue.base_sha)
            self._reviewed = await self._patience.patiently(
                lambda: call(FIND_PULL_REQUEST, given, PLATFORM_CALL, summary="a pull request to review")
            )

    # --- handing it over -------------------------------------------------------------------------

    async def _suggest(self) -> None:
        state = self._state
        assert state.patch is not None
        assert state.diff is not None
        if self._where():
            given = Suggest(
                self._request.task_id,
                self._request.repo,
                self._request.issue,
                state.patch,
                state.diff,
                summary=state.summary,
                review=state.review,
                red_test=state.red_test,
                tests=state.tests,
                gates=tuple(state.gates.values()),
                sandbox_tier=state.sandbox_tier,
                notes=tuple(state.notes),
                pull_request=self._reviewed.number,
            )
            done = await self._patience.patiently(
                lambda: call(SUGGEST, given, PLATFORM_CALL, summary=f"suggest it {self._where()}")
            )
            for note in done.notes:
                state.note(note)
        state.suggested, self._unpublished = True, False
        await self._record(SUGGESTED, patch=state.patch.blob)
        self._show()

    def _can_comment(self) -> bool:
        """Whether there is an issue to write on: one from a file has no address."""
        return bool(self._issue.url) and {"issues", "comments"} <= set(self._issue.capabilities)

    async def _leave_work_behind(self) -> None:
        """As a patch, whatever the diff policy says: it stays with whoever runs this."""
        if not self._assists:
            await super()._leave_work_behind()
            return
        state, ref = self._state, self._workspace.ref
        if state.suggested and not self._unpublished:
            return
        try:
            given = CollectDiff(ref.id, new_dependencies=self._request.new_dependencies)
            state.diff = await call(COLLECT_DIFF, given, CLEAN_UP, queue=ref.queue, summary="what was done")
            state.left = (await call(CHECKPOINT, WorkspaceOnly(ref.id), CLEAN_UP, queue=ref.queue)).blob
            if state.diff.files_total:
                unfinished = MakePatch(ref.id, PatchStage.UNFINISHED)
                state.patch = await call(MAKE_PATCH, unfinished, CLEAN_UP, queue=ref.queue)
                state.suggested = False
                state.note("the unfinished work is kept as a patch: `tamma patch TASK` writes it")
        except ActivityError as error:
            state.note(f"the unfinished work could not be kept: {diagnose(error).reason}")


def _hint(stage: PatchStage) -> str:
    return (
        f"`tamma patch TASK` shows it; `tamma approve TASK --stage {stage.slug}`, the same with --reject, or "
        '`tamma steer TASK "..."` for changes'
    )
