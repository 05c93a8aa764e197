"""A trial's way to its work: the steps of a run for each context, within the task's limits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from temporalio import workflow

from activities.interface import SET_UP_PROJECT, AcceptedIssue, ProjectReport, SetUpProject
from activities.interface.trials import TrialBrief
from tamma.model.agent import WorkContext
from tamma.model.session import SessionMessage, WorkspaceOrder
from tamma.model.task import (
    BudgetChange,
    Control,
    DiffRef,
    Phase,
    Reply,
    Steer,
)
from tamma.model.trial import TrialRequest
from workflows.cancelling import heed
from workflows.options import SET_UP
from workflows.patience import Rejected
from workflows.steps.base import end
from workflows.steps.beginning import Beginning
from workflows.steps.coding import Coding
from workflows.steps.gates import Red

TIMEOUT, CANCELLED, ENVIRONMENT = "timeout", "cancelled", "environment"
UNFIT = frozenset({ENVIRONMENT, "broken-task", "outage", "provider", "platform"})
"""Ends that say nothing of the work: there is no quality to speak of."""
_ALONE = Reply("a trial is left alone: nothing was changed")


class Unfit(Exception):
    """The trial cannot be worked on here, whoever works on it."""

    def __init__(self, error_type: str, reason: str) -> None:
        super().__init__(reason)
        self.error_type = error_type


class Working(Beginning, Coding):
    """The agent's part of a trial."""

    _trial: TrialRequest
    _brief: TrialBrief
    _approved: bool | None = None
    """In review tasks: the verdict."""

    def _take_up(self, brief: TrialBrief) -> None:
        """From here on the trial knows what it works on."""
        self._brief = brief
        limits = replace(
            self._request.limits, budget_usd=brief.limits.budget_usd, max_turns=brief.limits.max_turns
        )
        self._request = replace(
            self._request,
            repo=brief.repo,
            agent=brief.agent,
            limits=limits,
            test_command=brief.test_command or None,
        )

    async def _within_limits(self) -> str:
        """Walk the context's way. Why it ended before its end, as an error type; empty where it did not."""
        heed()
        ways: dict[WorkContext, Callable[[], Awaitable[None]]] = {
            WorkContext.DEVELOPMENT: self._develop,
            WorkContext.TESTING: self._write_test,
            WorkContext.REVIEW: self._judge_change,
        }
        work = asyncio.ensure_future(ways[self._brief.context]())
        try:
            error_type = await self._await(work)
            if error_type:
                await end(work)
                return error_type
            await work
        except asyncio.CancelledError:
            await end(work)
            raise
        except Rejected as answer:
            self._state.note(answer.reason)
            return answer.gate.value if answer.gate else "rejected"
        except Unfit as error:
            self._state.note(str(error))
            return error.error_type
        return ""

    async def _await(self, work: asyncio.Future[None]) -> str:
        """Wait for the work's end; `timeout` or `cancelled` where that comes first."""
        began, waited = workflow.now(), self._state.watch.waited(workflow.now())
        allowed = timedelta(minutes=self._brief.limits.minutes)
        while not work.done():
            now = workflow.now()
            # Outages have a bound of their own: they are not the agent's time.
            used = (now - began) - (self._state.watch.waited(now) - waited)
            if used >= allowed:
                self._state.note(f"out of time after {self._brief.limits.minutes:g} minutes")
                return TIMEOUT
            try:
                await workflow.wait_condition(
                    lambda: work.done() or self._cancelled is not None, timeout=allowed - used
                )
            except TimeoutError:
                continue
            if self._cancelled is not None and not work.done():
                return CANCELLED
        return ""

    # --- the ways --------------------------------------------------------------------------------

    async def _develop(self) -> None:
        await self._begin_work()
        await self._show_the_problem()
        await self._solve_it()
        await self._review_it()

    async def _write_test(self) -> None:
        await self._begin_work()
        await self._show_the_problem()

    async def _judge_change(self) -> None:
        self._state.issue = self._brief.issue
        self._state.plan = self._brief.plan
        self._state.diff = DiffRef(self._brief.review_diff, files_total=1)
        await self._enter(Phase.REVIEW)
        review = await self._ask_reviewer()
        self._state.review, self._approved = review.summary, review.approved

    async def _begin_work(self) -> None:
        await self._accept_issue()
        await self._read_project()
        await self._agree_on_plan()

    # --- what differs from a run -----------------------------------------------------------------

    async def _find_issue(self) -> AcceptedIssue:
        return self._brief.issue

    async def _read_project(self) -> None:
        if self._brief.setup_command:
            await self._workspace.prepare()
            given = SetUpProject(self._workspace.ref.id, None, baseline=False, timeout=SET_UP.start_to_close)
            await self._workspace.call(SET_UP_PROJECT, given, SET_UP, summary="build the environment")
            run = await self._run(self._brief.setup_command)
            if run.test.exit_code != 0:
                raise Unfit(ENVIRONMENT, f"`{self._brief.setup_command}` failed: {run.test.tail[-300:]}")
        await super()._read_project()
        project = self._project
        if not project.install_ok and project.baseline is None:
            raise Unfit(ENVIRONMENT, f"the environment could not be built: {project.install_tail[-300:]}")

    def _tighten(self, project: ProjectReport) -> None:
        """The trial's own limits hold: whatever repository it is about, all arms are to have the same."""

    async def _may_go(self, questions: tuple[str, ...]) -> bool:
        """What only a person could judge is left to the graders."""
        for question in questions:
            self._state.note(question)
        return True

    async def _may_stay_red(self, red: Red) -> bool:
        """A trial is about the task: what its linter says is told, and does not end it."""
        self._state.note(f"the {red.cause} stayed red: exit code {red.run.test.exit_code}")
        return True

    def _doubts(self) -> tuple[str, ...]:
        """Nobody is there to dispel any."""
        return ()

    def _order(self, issue: AcceptedIssue) -> WorkspaceOrder:
        return replace(super()._order(issue), base_only=True, instructions=self._trial.instructions)

    def _shared_purse(self) -> None:
        """Benchmarks and A/B tests have budgets of their own; a trial that waited would tell nothing."""

    async def _tell_session(self, message: SessionMessage) -> None:
        """Whoever pauses a trial pauses it between its steps."""

    async def _take_word(self, given: Steer) -> Reply:
        return _ALONE

    async def _raise_budget(self, given: BudgetChange) -> Reply:
        return _ALONE

    async def _pause(self, given: Control) -> Reply:
        return _ALONE
