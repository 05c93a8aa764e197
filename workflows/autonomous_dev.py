"""`AutonomousDev`: from an issue to a merged, tested change.

`_work` is the whole way, a line a step. Each step is idempotent outside and remembered here, so the worker,
the server or the machine may die between any two lines. What people may say stands in `workflows.messages`.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from tamma.model.task import (
    DEV_WORKFLOW,
    DevRequest,
    DevResult,
    TaskStatus,
)
from workflows.cancelling import handled
from workflows.measuring import CANCELLED, why_cancelled
from workflows.patience import Rejected
from workflows.steps.arm import LiveArm
from workflows.steps.assisting import Assisting
from workflows.steps.base import end
from workflows.steps.coordinating import Coordinating
from workflows.steps.hearing import Hearing


@workflow.defn(name=DEV_WORKFLOW)
class AutonomousDev(Coordinating, Assisting, LiveArm, Hearing):
    """The run of one issue."""

    @workflow.init
    def __init__(self, request: DevRequest) -> None:
        super().__init__(request)

    @workflow.run
    async def run(self, request: DevRequest) -> DevResult:
        try:
            result = await self._walk()
        except ApplicationError:
            await workflow.wait_condition(workflow.all_handlers_finished)
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result

    async def _walk(self) -> DevResult:
        """Walk the way, unless somebody ends it before its end."""
        work = asyncio.create_task(self._work())
        try:
            await workflow.wait_condition(lambda: work.done() or self._cancelled is not None)
            if not work.done():
                waiting = self._state.waits_for
                await end(work)
                return await self._stopped(
                    TaskStatus.CANCELLED, self._cancelled_words(), why_cancelled(waiting)
                )
            return await work
        except asyncio.CancelledError:
            handled()
            await end(work)
            await self._stopped(TaskStatus.CANCELLED, "cancelled", CANCELLED)
            raise
        except Rejected as answer:
            gate = answer.gate.value if answer.gate else CANCELLED
            return await self._stopped(TaskStatus.CANCELLED, answer.reason, gate)
        except ApplicationError as error:
            await self._stopped(TaskStatus.FAILED, error.message, error.type or "error")
            raise

    async def _work(self) -> DevResult:
        await self._accept_issue()
        self._begin_to_hear()
        await self._await_issues()
        await self._take_arm()
        await self._read_project()
        await self._agree_on_plan()
        await self._await_turn()
        await self._show_the_problem()
        await self._solve_it()
        await self._review_it()
        await self._deliver()
        await self._close()
        return await self._finished(TaskStatus.COMPLETED, self._state.summary)
