"""A trial's end: a clean copy of the work is graded, and what was measured is kept with its cell."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.interface import (
    CHECKPOINT,
    COLLECT_DIFF,
    RELEASE_WORKSPACE,
    RUN_COMMAND,
    SET_UP_PROJECT,
    CollectDiff,
    RunCommand,
    SetUpProject,
    WorkspaceOnly,
)
from activities.interface.trials import (
    GRADE_REVIEW,
    GRADE_WORK,
    JUDGE_WORK,
    Graded,
    GradeReview,
    GradeWork,
    JudgeWork,
    TrialBrief,
)
from tamma.model.agent import WorkContext
from tamma.model.metrics import QualityPart
from tamma.model.task import AI_QUEUE, Phase
from tamma.model.trial import TrialResult, graded_copy
from workflows.calls import call
from workflows.cancelling import handled
from workflows.options import CLEAN_UP, MODEL_CALL, SET_UP, STORE_CALL, TOOLS, WORKSPACE_CALL
from workflows.patience import Rejected
from workflows.trials.working import CANCELLED, UNFIT, Working
from workflows.visibility import OUTCOME, PHASE, mark
from workflows.workspace_link import WorkspaceLink

_GRADING = TOOLS
NOTHING = "nothing"
"""The grader's name in the part of a trial that left nothing to grade."""


class Grading(Working):
    """The graders' part of a trial."""

    _grading_usd = Decimal(0)
    _grading_unpriced = 0

    async def _try(self, brief: TrialBrief) -> TrialResult:
        """Work, grade, measure. What a cancelled trial spent is kept, too, but it fills no cell."""
        self._take_up(brief)
        error_type = CANCELLED
        parts: tuple[QualityPart, ...] = ()
        try:
            error_type = await self._within_limits()
            if error_type != CANCELLED:
                parts, error_type = await self._grade(error_type)
        except asyncio.CancelledError:
            handled()
            await self._leave(CANCELLED, ())
            raise
        return await self._leave(error_type, parts)

    async def _leave(self, error_type: str, parts: tuple[QualityPart, ...]) -> TrialResult:
        self._session, self._state.session_waiting, self._state.waiting = None, None, None
        self._clock()
        await self._release()
        self._state.issue = self._state.issue or self._brief.issue
        measured = await self._measure(
            error_type,
            kind=self._trial.kind,
            cell=None if error_type == CANCELLED else self._trial.cell,
            parts=parts,
        )
        self._state.phase = Phase.DONE
        mark(OUTCOME, "solved" if measured.success else error_type)
        mark(PHASE, Phase.DONE.value)
        self._show()
        return TrialResult(
            measured.run_id,
            measured.success,
            measured.cost_usd,
            measured.duration_ms,
            measured.quality,
            measured.error_type,
            self._grading_usd,
            measured.unpriced_calls + self._grading_unpriced,
        )

    async def _grade(self, error_type: str) -> tuple[tuple[QualityPart, ...], str]:
        """The parts of the quality, and why the trial failed.

        What ended at a limit or a gate is a failure whatever its tests say, but it is graded as it stands: a
        quality that is known only of finished work would compare different tasks.
        """
        if error_type in UNFIT:
            return (), error_type
        try:
            graded = await self._ask_graders(error_type)
        except Rejected as answer:
            self._state.note(f"it could not be graded: {answer.reason}")
            return (), answer.gate.value if answer.gate else "rejected"
        self._state.note(f"graded: {graded.reason or 'passed'}")
        if graded.error_type in UNFIT:
            return (), graded.error_type
        return graded.parts, error_type or graded.error_type

    async def _ask_graders(self, error_type: str) -> Graded:
        trial, brief = self._trial, self._brief
        if brief.context is WorkContext.REVIEW:
            if self._approved is None:
                return _nothing(error_type)
            given = GradeReview(trial.suite.hash, trial.cell.unit, self._approved)
            return await call(GRADE_REVIEW, given, STORE_CALL, queue=AI_QUEUE, summary="grade the verdict")
        if self._link is None or not self._link.prepared or self._state.project is None:
            return _nothing(error_type)
        copy = await self._copy_work()
        try:
            graded = await self._grade_copy(copy)
        finally:
            await _remove(copy)
        if brief.judged and self._state.diff is not None and self._state.diff.files_total:
            graded = await self._judged(graded)
        return graded

    async def _copy_work(self) -> WorkspaceLink:
        """A workspace of its own with the work in it, and nothing else that the agent left behind."""
        ref = self._workspace.ref
        await self._collect()
        stored = await self._workspace.call(CHECKPOINT, WorkspaceOnly(ref.id), WORKSPACE_CALL)
        order = replace(
            self._order(self._issue),
            task_id=graded_copy(self._request.task_id),
            checkpoint=stored.blob,
        )
        copy = WorkspaceLink(order, self._patience, lost_after=self._request.limits.worker_lost_after)
        await copy.prepare()
        return copy

    async def _grade_copy(self, copy: WorkspaceLink) -> Graded:
        timeout = self._request.limits.command_timeout
        set_up = SetUpProject(copy.ref.id, None, baseline=False, timeout=timeout)
        await copy.call(SET_UP_PROJECT, set_up, SET_UP, summary="the environment of the copy")
        if command := self._brief.setup_command:
            prepare = RunCommand(copy.ref.id, command, timeout)
            await copy.call(RUN_COMMAND, prepare, TOOLS.lasting(timeout + 60), summary=command[:100])
        given = GradeWork(
            copy.ref.id,
            self._trial.suite.hash,
            self._trial.cell.unit,
            test_command=self._state.test_command,
            timeout=timeout,
            red_test=self._state.red_test.command if self._state.red_test else "",
        )
        return await copy.call(GRADE_WORK, given, _GRADING.lasting(3 * timeout), summary="grade the work")

    async def _judged(self, graded: Graded) -> Graded:
        assert self._state.diff is not None
        assert self._state.diff.blob is not None
        given = JudgeWork(
            self._request.task_id, self._trial.suite.hash, self._trial.cell.unit, self._state.diff.blob
        )
        judged = await self._patience.patiently(
            lambda: call(JUDGE_WORK, given, MODEL_CALL, queue=AI_QUEUE, summary="have it judged")
        )
        self._grading_usd += judged.spend.cost_usd
        self._grading_unpriced += judged.spend.unpriced_calls
        if judged.part is None:
            return graded
        return replace(graded, parts=(*graded.parts, judged.part))

    async def _collect(self) -> None:
        ref = self._workspace.ref
        self._state.diff = await self._workspace.call(
            COLLECT_DIFF, CollectDiff(ref.id), WORKSPACE_CALL, summary="collect the change"
        )


def _nothing(error_type: str) -> Graded:
    """Ended before there was any work: the quality of that is 0, not unknown."""
    return Graded((QualityPart(NOTHING, 0.0, 1.0, f"it ended at {error_type!r}"),), error_type, "nothing")


async def _remove(copy: WorkspaceLink) -> None:
    try:
        await call(RELEASE_WORKSPACE, WorkspaceOnly(copy.ref.id), CLEAN_UP, queue=copy.ref.queue)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.warning("the copy of the work was not removed: %s", error)
