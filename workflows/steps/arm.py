"""The arm of a live A/B test, where one wants this run."""

from __future__ import annotations

from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.interface.experiments import ASSIGN_AGENT, AssignAgent
from workflows.calls import call
from workflows.options import STORE_CALL
from workflows.recovery import diagnose
from workflows.steps.base import RunSteps
from workflows.visibility import EXPERIMENT, mark

ARMS = "live-arms"
"""Runs from before it never ask."""


class LiveArm(RunSteps):
    """The arm of a live A/B test, where one wants this run."""

    async def _take_arm(self) -> None:
        """Work with the version that the draw says. Who named a version or a provider himself keeps it,
        and so does what goes on from another run: its work was begun by somebody."""
        agent, issue = self._request.agent, self._issue
        pin = agent.pin
        if pin is None or agent.fixed or self._request.continues or not workflow.patched(ARMS):
            return
        if self._request.best_with or self._request.assists:
            return  # what several agents made, or a person at every gate, says nothing of one agent
        repo = f"{self._request.repo.platform_id}:{self._request.repo.full_name}"
        given = AssignAgent(self._request.task_id, pin, repo, issue.number, issue.task_type)
        try:
            assigned = await call(ASSIGN_AGENT, given, STORE_CALL, summary="an arm of a live test, if any")
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            # A test must not stand in the way of the work.
            self._state.note(f"no live test was asked for an arm: {diagnose(error).reason}")
            return
        if assigned.cell is None:
            return
        self._state.cell = assigned.cell
        mark(EXPERIMENT, assigned.cell.test)
        if assigned.agent is not None:
            self._request = replace(self._request, agent=assigned.agent)
        self._state.note(f"this run is the {assigned.cell.arm} of the A/B test {assigned.test}")
        self._show()
