"""The issue, the repository, the plan."""

from __future__ import annotations

from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.interface import (
    ACCEPT_ISSUE,
    MAKE_PLAN,
    PUT_TEXT,
    SET_UP_PROJECT,
    AcceptedIssue,
    AcceptIssue,
    MakePlan,
    ProjectReport,
    PutText,
    SetUpProject,
)
from tamma.agents.answering import chosen, feedback
from tamma.agents.asking import assumption_notes
from tamma.agents.judgement import is_red
from tamma.model.agent import ContextStrategy
from tamma.model.ids import SessionId
from tamma.model.planning import Decided, OpenPoints
from tamma.model.project import tightened
from tamma.model.task import (
    AI_QUEUE,
    Gate,
    Phase,
    Waiting,
)
from workflows.calls import call
from workflows.options import (
    MODEL_CALL,
    PLATFORM_CALL,
    SET_UP,
    STORE_CALL,
)
from workflows.steps.asking import Asking
from workflows.workspace_link import WorkspaceLink

_SET_UP_BESIDE = 2400.0
"""Seconds of the set-up for the environment and the map."""
_COMMANDS_AS_THEY_ARE = 4
"""The tests and the gates."""


class Beginning(Asking):
    """The issue, the repository, the plan."""

    _plans = 0

    async def _accept_issue(self) -> None:
        await self._enter(Phase.ACCEPT)
        issue = await self._find_issue()
        self._state.issue = issue
        workflow.upsert_memo({"title": issue.title, "issueUrl": issue.url})
        self._request = replace(self._request, issue_text=None)
        self._link = self._new_link()

    def _new_link(self) -> WorkspaceLink:
        """The hold on a workspace that is still to be made, on the base as the run knows it."""
        return WorkspaceLink(
            self._order(self._issue), self._patience, lost_after=self._request.limits.worker_lost_after
        )

    async def _find_issue(self) -> AcceptedIssue:
        """The issue as it is now. What begins elsewhere than on a platform says here what its task is."""
        request = self._request
        given = AcceptIssue(
            request.task_id, request.repo, request.issue, request.issue_text, request.base, request.suffix
        )
        try:
            return await self._patience.or_refuse(
                lambda: call(ACCEPT_ISSUE, given, PLATFORM_CALL, summary=f"read #{request.issue}")
            )
        except ApplicationError as refusal:
            # A wrong reference or missing credentials: say so at once to whoever submitted it.
            self._refusal = refusal
            raise

    async def _read_project(self) -> None:
        await self._enter(Phase.CONTEXT)
        limits = self._request.limits
        workspace = await self._workspace.prepare()
        self._state.sandbox_tier = workspace.sandbox_tier
        strategy = self._request.agent.context or ContextStrategy()
        given = SetUpProject(
            workspace.id,
            self._request.test_command,
            baseline=True,
            timeout=limits.command_timeout,
            map_files=strategy.map_files,
            map_tokens=strategy.map_tokens,
            issue=self._issue.snapshot,
        )
        project = await self._workspace.call(
            SET_UP_PROJECT,
            given,
            SET_UP.lasting(_SET_UP_BESIDE + _COMMANDS_AS_THEY_ARE * limits.command_timeout),
            summary="install, detect commands, run them as they are",
        )
        self._state.project = project
        self._state.test_command = project.test_command
        self._tighten(project)
        if not project.install_ok and project.baseline is not None:
            self._state.note(
                "the project's environment could not be built, but its tests run without it: "
                + _cause(project)
            )
        if project.baseline is not None and is_red(project.baseline):
            self._state.note(
                f"the repository's own tests were red before any change (`{project.baseline.command}`, "
                f"exit code {project.baseline.exit_code}): they do not block"
            )

    def _tighten(self, project: ProjectReport) -> None:
        """What the repository asks for from here on: never less care than the run was handed in with."""
        for trouble in project.troubles:
            self._state.note(trouble)
        heard = tightened(self._request, project.policy)
        self._request = heard.request
        for note in heard.notes:
            self._state.note(note)

    async def _agree_on_plan(self) -> None:
        await self._enter(Phase.PLAN)
        await self._make_plan()
        unclear = await self._settle_questions(self._plan_with)
        if not (self._request.approve.plan or self._doubts() or unclear):
            for note in assumption_notes(self._state.open):
                self._state.note(note)
            return
        await self._enter(Phase.APPROVE_PLAN)
        await self._have_plan_approved(unclear)

    async def _have_plan_approved(self, unclear: str) -> None:
        """Show the plan to a person until he agrees with it, chooses an option of it, or writes his own."""
        state, doubts = self._state, self._doubts()
        while True:
            reasons = (*doubts, unclear) if unclear else doubts
            await self._put_back()
            await self._patience.wait(
                Waiting(Gate.PLAN, "; ".join(reasons) or "the plan waits for approval", _hint(state.open))
            )
            if self._edited_plan is not None:
                await self._replace_plan(self._edited_plan)
                return
            if state.answers:
                await self._plan_with(self._answered())
            elif state.words:
                words, state.words = "\n\n".join(state.words), []
                await self._make_plan(words)
            else:
                if state.chosen is not None and not state.chosen.recommended:
                    # Its steps are for the recommended one. Whoever chooses has agreed to what he chose.
                    await self._plan_with((chosen(state.chosen, state.chosen_by),))
                return
            unclear = self._still_unclear()

    async def _plan_with(self, taken: tuple[Decided, ...]) -> None:
        self._state.decided += taken
        await self._make_plan(feedback(taken))

    async def _make_plan(self, feedback: str = "") -> None:
        await self._afford()
        request, project = self._request, self._project
        given = MakePlan(
            SessionId(f"{request.task_id}/plan"),
            request.agent,
            issue=self._issue.snapshot,
            context=project.context,
            feedback=feedback,
            round=self._plans,
            decided=tuple(self._state.decided),
        )
        self._plans += 1
        begun = self._begin()
        plan = await self._patience.patiently(
            lambda: call(MAKE_PLAN, given, MODEL_CALL, queue=AI_QUEUE, summary="plan")
        )
        self._state.plan, self._state.plan_markdown, self._state.open = plan.plan, plan.markdown, plan.open
        self._charge(plan.spend)
        self._did("plan", begun, plan.spend, plan.use)
        self._state.note_stand_in(plan.instead_of)
        self._show()

    async def _replace_plan(self, markdown: str) -> None:
        self._edited_plan = None
        self._state.plan = (await call(PUT_TEXT, PutText(markdown), STORE_CALL)).blob
        self._state.plan_markdown, self._state.open = markdown, OpenPoints()
        self._show()

    def _doubts(self) -> tuple[str, ...]:
        """Why a person must see the plan whatever the policy says."""
        project, doubts = self._project, list[str]()
        if not project.install_ok and project.baseline is None:
            doubts.append(
                f"the project's environment could not be built, so its tests may not run: {_cause(project)}"
            )
        if not project.test_command:
            doubts.append(
                "no test command was found: submit again with --test-command, or set commands.test in "
                ".tamma.json; approve to go on without tests"
            )
        return tuple(doubts)


def _hint(points: OpenPoints) -> str:
    choose = ", `tamma approve TASK --option NAME`" if points.options else ""
    return f"`tamma approve TASK`{choose}, the same with --reject, or `tamma steer TASK` for another plan"


def _cause(project: ProjectReport) -> str:
    """Why the environment could not be built, on one line."""
    return "; ".join(project.install_tail.strip().splitlines())[-400:]
