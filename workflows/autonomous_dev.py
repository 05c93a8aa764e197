"""`AutonomousDev`: from an issue to a merged, tested change.

`_work` is the whole way, a line a step. Each step is idempotent outside and remembered here, so the worker,
the server or the machine may die between any two lines. What people may say stands in `workflows.messages`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError, is_cancelled_exception

from activities.interface import (
    ACCEPT_ISSUE,
    AWAIT_CHECKS,
    CHECKPOINT,
    CLOSE_ISSUE,
    COLLECT_DIFF,
    MAKE_PLAN,
    MERGE,
    OPEN_PULL_REQUEST,
    PUBLISH_BRANCH,
    PUT_TEXT,
    RECORD_EVENT,
    RELEASE_WORKSPACE,
    REVIEW_CHANGE,
    RUN_COMMAND,
    SET_UP_PROJECT,
    AcceptedIssue,
    AcceptIssue,
    AwaitChecks,
    CloseIssue,
    CommandRun,
    MakePlan,
    Merge,
    Merged,
    OpenPullRequest,
    ProjectReport,
    PublishBranch,
    PublishedBranch,
    PutText,
    RecordEvent,
    ReviewChange,
    ReviewMade,
    RunCommand,
    SetUpProject,
    WorkspaceOnly,
)
from tamma.agents.judgement import Colour, failing, is_red, judge_red
from tamma.model.ids import BlobId, SessionId
from tamma.model.repository import CheckState, CheckSummary, MergeOutcome
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
    AI_QUEUE,
    DEV_WORKFLOW,
    SESSION_WORKFLOW,
    DevRequest,
    DevResult,
    Gate,
    Phase,
    TaskStatus,
    TestRun,
    Waiting,
)
from workflows.calls import call, start
from workflows.messages import PAUSED, RunMessages
from workflows.options import (
    CLEAN_UP,
    MODEL_CALL,
    PLATFORM_CALL,
    PLATFORM_WATCH,
    SET_UP,
    STORE_CALL,
    TOOLS,
    WORKSPACE_CALL,
)
from workflows.patience import Rejected
from workflows.recovery import Remedy, diagnose
from workflows.visibility import OUTCOME, PHASE, PULL_REQUEST, mark
from workflows.workspace_link import WorkspaceLink

_STOPPED = "the run was stopped"


@workflow.defn(name=DEV_WORKFLOW)
class AutonomousDev(RunMessages):
    @workflow.init
    def __init__(self, request: DevRequest) -> None:
        super().__init__(request)
        self._link: WorkspaceLink | None = None
        self._sessions = 0
        self._publications = 0
        self._events = 0

    @workflow.run
    async def run(self, request: DevRequest) -> DevResult:
        work = asyncio.create_task(self._work())
        try:
            await workflow.wait_condition(lambda: work.done() or self._cancelled is not None)
            if not work.done():
                await _end(work)
                return await self._stopped(TaskStatus.CANCELLED, self._cancelled_words())
            return await work
        except asyncio.CancelledError:
            await _end(work)
            await self._stopped(TaskStatus.CANCELLED, "cancelled")
            raise
        except Rejected as answer:
            return await self._stopped(TaskStatus.CANCELLED, answer.reason)
        except ApplicationError as error:
            await self._stopped(TaskStatus.FAILED, error.message)
            raise
        finally:
            await workflow.wait_condition(workflow.all_handlers_finished)

    async def _work(self) -> DevResult:
        await self._accept_issue()
        await self._read_project()
        await self._agree_on_plan()
        await self._show_the_problem()
        await self._solve_it()
        await self._review_it()
        await self._publish()
        await self._pass_checks()
        await self._merge()
        await self._close()
        return await self._finished(TaskStatus.COMPLETED, self._state.summary)

    # --- 1, 2: the issue, the repository ---------------------------------------------------------

    async def _accept_issue(self) -> None:
        await self._enter(Phase.ACCEPT)
        request = self._request
        given = AcceptIssue(
            request.task_id, request.repo, request.issue, request.issue_text, request.base, request.suffix
        )
        issue: AcceptedIssue | None = None
        while issue is None:
            try:
                issue = await call(ACCEPT_ISSUE, given, PLATFORM_CALL, summary=f"read #{request.issue}")
            except ActivityError as error:
                trouble = diagnose(error)
                if is_cancelled_exception(error) or trouble.remedy is Remedy.WAIT:
                    if is_cancelled_exception(error):
                        raise
                    await self._patience.wait(trouble.waiting(), seconds=trouble.retry_after or 15)
                    continue
                # A wrong reference or missing credentials: say so at once to whoever submitted it.
                cause = error.cause
                assert isinstance(cause, ApplicationError)
                self._refusal = ApplicationError(
                    cause.message, *cause.details, type=cause.type, non_retryable=True
                )
                raise self._refusal from error
        self._state.issue = issue
        self._request = replace(request, issue_text=None)
        self._link = WorkspaceLink(
            self._order(issue), self._patience, lost_after=request.limits.worker_lost_after
        )

    async def _read_project(self) -> None:
        await self._enter(Phase.CONTEXT)
        limits = self._request.limits
        workspace = await self._workspace.prepare()
        self._state.sandbox_tier = workspace.sandbox_tier
        given = SetUpProject(
            workspace.id, self._request.test_command, baseline=True, timeout=limits.command_timeout
        )
        project = await self._workspace.call(
            SET_UP_PROJECT, given, SET_UP, summary="install, detect commands, run the tests as they are"
        )
        self._state.project = project
        self._state.test_command = project.test_command
        if project.baseline is not None and is_red(project.baseline):
            self._state.note(
                f"the repository's own tests were red before any change (`{project.baseline.command}`, "
                f"exit code {project.baseline.exit_code}): they do not block"
            )

    # --- 3, 4: the plan --------------------------------------------------------------------------

    async def _agree_on_plan(self) -> None:
        await self._enter(Phase.PLAN)
        await self._make_plan(feedback="", number=0)
        doubts = self._doubts()
        if not (self._request.approve.plan or doubts):
            return
        await self._enter(Phase.APPROVE_PLAN)
        number = 0
        while True:
            reason = "; ".join(doubts) or "the plan waits for approval"
            hint = (
                "`tamma approve TASK`, `tamma approve TASK --reject`, or `tamma steer TASK` for another plan"
            )
            await self._patience.wait(Waiting(Gate.PLAN, reason, hint))
            if self._edited_plan is not None:
                await self._replace_plan(self._edited_plan)
                return
            if not self._state.words:
                return
            feedback, self._state.words = "\n\n".join(self._state.words), []
            number += 1
            await self._make_plan(feedback=feedback, number=number)

    async def _make_plan(self, *, feedback: str, number: int) -> None:
        await self._afford()
        request, project = self._request, self._project
        given = MakePlan(
            SessionId(f"{request.task_id}/plan"),
            request.agent,
            issue=self._issue.snapshot,
            context=project.context,
            feedback=feedback,
            round=number,
        )
        plan = await self._patience.patiently(
            lambda: call(MAKE_PLAN, given, MODEL_CALL, queue=AI_QUEUE, summary="plan")
        )
        self._state.plan, self._state.plan_markdown = plan.plan, plan.markdown
        self._state.spend += plan.spend
        self._show()

    async def _replace_plan(self, markdown: str) -> None:
        self._edited_plan = None
        self._state.plan = (await call(PUT_TEXT, PutText(markdown), STORE_CALL)).blob
        self._state.plan_markdown = markdown
        self._show()

    def _doubts(self) -> tuple[str, ...]:
        """Why a person must see the plan whatever the policy says."""
        project, doubts = self._project, list[str]()
        if not project.install_ok:
            doubts.append(
                "the project's environment could not be built, so its tests may not run: "
                + project.install_tail.strip()[-300:]
            )
        if not project.test_command:
            doubts.append(
                "no test command was found: submit again with --test-command, or set run.testCommand in "
                ".tamma.json; approve to go on without tests"
            )
        return tuple(doubts)

    # --- 5, 6: the failing test ------------------------------------------------------------------

    async def _show_the_problem(self) -> None:
        await self._enter(Phase.RED_TEST)
        if not self._state.test_command:
            self._state.untested_because = "The repository has no tests that could be run here."
            return
        opening = Opening(
            "red_test",
            self._texts(),
            {"test_command": self._state.test_command},
        )
        green_before = False
        for _ in range(self._request.limits.rounds):
            finished = await self._session_stage(Stage.RED_TEST, opening)
            if finished.no_test_reason and not finished.test_command:
                self._state.untested_because = f"No failing test was written: {finished.no_test_reason}"
                self._state.note(self._state.untested_because)
                return
            run = await self._run(finished.test_command or self._state.test_command)
            verdict = judge_red(run.test)
            if verdict.colour is Colour.RED:
                self._state.red_test, self._state.red_output = run.test, run.output
                return
            if verdict.colour is Colour.GREEN and green_before:
                break
            green_before = verdict.colour is Colour.GREEN
            opening = Opening("not_red", {"output": run.output}, {"problem": verdict.reason})
        await self._patience.wait(
            Waiting(
                Gate.RED_TEST,
                "no failing test shows the problem: the issue may be solved already, or be misunderstood",
                '`tamma approve TASK` to go on without one, `tamma steer TASK "..."`, or `tamma cancel TASK`',
            )
        )
        self._state.untested_because = "No failing test could be written; a person let the run go on."

    # --- 7, 8: the change ------------------------------------------------------------------------

    async def _solve_it(self) -> None:
        await self._enter(Phase.IMPLEMENT)
        state = self._state
        if state.red_test is not None and state.red_output is not None:
            opening = Opening(
                "implement",
                {"red_output": state.red_output},
                {"red_test": state.red_test.command, "test_command": state.test_command},
            )
        else:
            opening = Opening("implement_untested", self._texts(), {"why_untested": state.untested_because})
        finished = await self._session_stage(Stage.IMPLEMENT, opening)
        state.summary = finished.summary
        await self._get_green()
        await self._get_publishable()

    async def _get_green(self) -> None:
        """Run the gates; send the agent back with what fails, up to the limit, then ask a person."""
        rounds = self._request.limits.rounds
        number = 0
        while (blocking := await self._run_gates()) is not None:
            number += 1
            if number > rounds:
                await self._ask_about_red(blocking.test)
                number = 1
            words = {
                "command": blocking.test.command,
                "exit_code": str(blocking.test.exit_code),
                "timed_out": " (it ran out of time)" if blocking.test.timed_out else "",
                "round": str(number),
                "rounds": str(rounds),
            }
            await self._session_stage(Stage.FIX, Opening("fix_tests", {"output": blocking.output}, words))

    async def _run_gates(self) -> CommandRun | None:
        """The first command that blocks: the run's own test, then the repository's."""
        state, baseline = self._state, self._project.baseline
        commands = [state.red_test.command] if state.red_test else []
        if state.test_command and state.test_command not in commands:
            commands.append(state.test_command)
        for command in commands:
            run = await self._run(command)
            if command == state.test_command or not state.test_command:
                state.tests, state.tests_output = run.test, run.output
            if failing((run.test,), baseline) is not None:
                return run
        return None

    async def _ask_about_red(self, blocking: TestRun) -> None:
        await self._patience.wait(
            Waiting(
                Gate.TESTS,
                f"`{blocking.command}` still ends with exit code {blocking.exit_code} after "
                f"{self._request.limits.rounds} attempts: {blocking.tail.strip()[-300:]}",
                'help with `tamma steer TASK "..."`, try again with `tamma resume TASK`, or cancel it',
            )
        )

    async def _get_publishable(self) -> None:
        """Look at the change as a whole: it must exist, and the diff policy must allow it."""
        for _ in range(self._request.limits.rounds):
            diff = await self._collect_diff()
            if diff.files_total == 0:
                await self._patience.wait(
                    Waiting(
                        Gate.CHANGE,
                        "the agent changed nothing: " + (self._state.summary[:300] or "it gave no reason"),
                        'tell it more with `tamma steer TASK "..."`, or cancel it',
                    )
                )
                await self._session_stage(Stage.FIX, self._from_person())
            elif diff.refused:
                reasons = "\n".join(f"- {reason}" for reason in diff.refused)
                await self._session_stage(Stage.FIX, Opening("fix_policy", words={"reasons": reasons}))
            else:
                return
            await self._get_green()
        diff = await self._collect_diff()
        if diff.refused or diff.files_total == 0:
            raise ApplicationError(
                "the change cannot be published: " + ("; ".join(diff.refused) or "it is empty"),
                {"hint": "the branch and the transcript stay: `tamma inspect TASK`"},
                type="PolicyRefused",
                non_retryable=True,
            )

    async def _review_it(self) -> None:
        await self._enter(Phase.REVIEW)
        if not self._request.review:
            return
        review = await self._ask_reviewer()
        self._state.review = review.summary
        if review.approved:
            return
        comments = "\n".join(f"- {comment}" for comment in review.comments)
        finished = await self._session_stage(Stage.FIX, Opening("fix_review", words={"comments": comments}))
        self._state.review += f" The agent's answer: {finished.summary}"
        await self._get_green()
        await self._get_publishable()

    async def _ask_reviewer(self) -> ReviewMade:
        await self._afford()
        diff, tests = self._state.diff, self._state.tests
        assert diff is not None
        assert diff.blob is not None
        assert self._state.plan is not None
        given = ReviewChange(
            SessionId(f"{self._request.task_id}/review"),
            self._request.agent,
            issue=self._issue.snapshot,
            plan=self._state.plan,
            diff=diff.blob,
            tests=f"`{tests.command}` ends with exit code {tests.exit_code}"
            if tests
            else "none could be run",
        )
        review = await self._patience.patiently(
            lambda: call(REVIEW_CHANGE, given, MODEL_CALL, queue=AI_QUEUE, summary="review the change")
        )
        self._state.spend += review.spend
        return review

    # --- 9, 10: publish, checks ------------------------------------------------------------------

    async def _publish(self) -> None:
        await self._enter(Phase.PUBLISH)
        self._state.published = await self._publish_branch()
        if "pull_requests" not in self._issue.capabilities:
            return
        request, state = self._request, self._state
        given = OpenPullRequest(
            request.task_id,
            request.repo,
            head=self._issue.branch,
            base=self._issue.base_branch,
            issue=request.issue,
            issue_title=self._issue.title,
            plan=state.plan,
            summary=state.summary,
            red_test=state.red_test,
            tests=state.tests,
            sandbox_tier=state.sandbox_tier,
            spend=state.spend,
            agent=request.agent,
            review=state.review,
            notes=tuple(state.notes),
        )
        opened = await self._patience.patiently(
            lambda: call(OPEN_PULL_REQUEST, given, PLATFORM_CALL, summary="open the pull request")
        )
        state.pull_request, state.pull_request_url = opened.number, opened.url
        mark(PULL_REQUEST, opened.number)
        self._show()

    async def _publish_branch(self) -> PublishedBranch:
        before = self._state.published
        given = PublishBranch(
            self._request.task_id,
            self._workspace.ref.id,
            self._request.repo,
            self._issue.branch,
            self._issue.base_sha,
            message=self._commit_message(),
            key=f"publish-{self._publications}",
            expected_sha=before.sha if before else None,
        )
        published = await self._workspace.call(
            PUBLISH_BRANCH, given, WORKSPACE_CALL, summary=f"deliver {self._issue.branch}"
        )
        self._publications += 1
        return published

    async def _pass_checks(self) -> None:
        await self._enter(Phase.CHECKS)
        if "checks" not in self._issue.capabilities or not self._state.pull_request:
            return
        while True:
            summary = await self._patience.patiently(self._await_checks)
            if summary.state is not CheckState.FAILURE:
                return
            red = [check.name for check in summary.checks if check.state is CheckState.FAILURE]
            await self._patience.wait(
                Waiting(
                    Gate.CHECKS,
                    f"checks failed on the pull request: {', '.join(red)}",
                    "look at them, mend the branch or rerun them, then `tamma resume TASK`",
                )
            )

    async def _await_checks(self) -> CheckSummary:
        """Polling, one look an attempt; an event from the platform makes it look at once."""
        published, limits = self._state.published, self._request.limits
        assert published is not None
        given = AwaitChecks(self._request.repo, published.sha, limits.checks_grace, limits.poll)
        while True:
            self._woken = False
            looking = start(AWAIT_CHECKS, given, PLATFORM_WATCH, summary="wait for checks")
            await workflow.wait_condition(lambda h=looking: h.done() or self._woken)
            if looking.done():
                return await looking
            await _end(looking)

    # --- 11: merge, close ------------------------------------------------------------------------

    async def _merge(self) -> None:
        state, diff = self._state, self._state.diff
        protected = diff.ask if diff else ()
        if self._request.merge == "never":
            state.note("not merged, as asked")
            return
        if self._request.approve.merge or protected:
            await self._enter(Phase.APPROVE_MERGE)
            reason = (
                f"the change touches protected paths: {', '.join(protected)}"
                if protected
                else "the merge waits for approval"
            )
            await self._patience.wait(
                Waiting(Gate.MERGE, reason, "`tamma approve TASK`, or `tamma approve TASK --reject`")
            )
        await self._enter(Phase.MERGE)
        while True:
            merged = await self._merge_once()
            if merged.outcome is not MergeOutcome.REFUSED:
                state.merge_sha = merged.sha
                return
            if not state.pull_request:
                state.note(f"not merged: {merged.reason}")
                return
            await self._patience.wait(
                Waiting(
                    Gate.MERGE,
                    f"the platform refuses the merge: {merged.reason}",
                    "mend that, then `tamma approve TASK` to try again",
                )
            )

    async def _merge_once(self) -> Merged:
        published = self._state.published
        assert published is not None
        given = Merge(
            self._request.task_id,
            self._request.repo,
            head_sha=published.sha,
            branch=self._issue.branch,
            base_branch=self._issue.base_branch,
            pull_request=self._state.pull_request or None,
            method=self._request.merge_method,
            message=self._commit_message(),
            poll=self._request.limits.poll,
        )
        return await self._patience.patiently(
            lambda: call(MERGE, given, PLATFORM_WATCH, summary=f"merge into {self._issue.base_branch}")
        )

    async def _close(self) -> None:
        await self._enter(Phase.CLOSE)
        state = self._state
        assert state.published is not None
        if state.merge_sha and "issues" in self._issue.capabilities:
            where = state.pull_request_url or f"`{self._issue.base_branch}` at {state.merge_sha[:12]}"
            given = CloseIssue(
                self._request.task_id,
                self._request.repo,
                self._request.issue,
                comment=f"Solved by {where}.\n\n{state.summary}".strip(),
                branch=self._issue.branch,
                head_sha=state.published.sha,
                delete_branch=bool(state.pull_request),
            )
            done = await self._patience.patiently(
                lambda: call(CLOSE_ISSUE, given, PLATFORM_CALL, summary=f"close #{self._request.issue}")
            )
            for note in done.notes:
                state.note(note)
        await self._release()

    # --- the agent's stages ----------------------------------------------------------------------

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

    def _from_person(self) -> Opening:
        words, self._state.words = self._state.words, []
        return Opening("person", words={"text": "\n\n".join(words) or "Look again at what the issue asks."})

    # --- small things ----------------------------------------------------------------------------

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

    async def _collect_diff(self):
        diff = await self._workspace.call(
            COLLECT_DIFF, WorkspaceOnly(self._workspace.ref.id), WORKSPACE_CALL, summary="collect the change"
        )
        self._state.diff = diff
        return diff

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
        issue, summary = self._issue, self._state.summary.strip()
        subject = f"{issue.title.strip()[:60]} (#{issue.number})"
        return f"{subject}\n\n{summary}".strip()

    def _cancelled_words(self) -> str:
        given = self._cancelled
        who = f" by {given.by}" if given and given.by else ""
        return f"cancelled{who}" + (f": {given.reason}" if given and given.reason else "")

    # --- the end ---------------------------------------------------------------------------------

    async def _stopped(self, status: TaskStatus, why: str) -> DevResult:
        """An end before the end: branch, diff and summary are left behind, nothing is lost."""
        self._session, self._state.session_waiting, self._state.waiting = None, None, None
        if self._link is not None and self._link.prepared and self._state.published is None:
            await self._leave_work_behind()
        await self._release()
        return await self._finished(status, f"{why}. {self._state.summary}".strip())

    async def _leave_work_behind(self) -> None:
        ref = self._workspace.ref
        try:
            diff = await call(
                COLLECT_DIFF, WorkspaceOnly(ref.id), CLEAN_UP, queue=ref.queue, summary="what was done"
            )
            self._state.diff = diff
            stored = await call(CHECKPOINT, WorkspaceOnly(ref.id), CLEAN_UP, queue=ref.queue)
            self._workspace.checkpointed(stored.blob)
            if diff.files_total and not diff.refused:
                given = PublishBranch(
                    self._request.task_id,
                    ref.id,
                    self._request.repo,
                    self._issue.branch,
                    self._issue.base_sha,
                    message=f"Unfinished: {self._commit_message()}",
                    key="left-behind",
                    expected_sha=None,
                )
                self._state.published = await call(PUBLISH_BRANCH, given, CLEAN_UP, queue=ref.queue)
                self._state.note(f"the unfinished work is on the branch {self._issue.branch}")
        except ActivityError as error:
            self._state.note(f"the unfinished work could not be published: {diagnose(error).reason}")

    async def _release(self) -> None:
        if self._link is None or not self._link.prepared:
            return
        ref = self._link.ref
        try:
            await call(RELEASE_WORKSPACE, WorkspaceOnly(ref.id), CLEAN_UP, queue=ref.queue)
        except ActivityError as error:
            # Its host may be gone: a worker that starts there later sweeps what no run needs.
            self._state.note(f"the workspace was not removed: {diagnose(error).reason}")

    async def _finished(self, status: TaskStatus, summary: str) -> DevResult:
        state = self._state
        state.status, state.summary = status, summary
        if status is TaskStatus.COMPLETED:
            state.phase = Phase.DONE
        mark(OUTCOME, status.value)
        mark(PHASE, state.phase.value)
        self._show()
        await self._record(f"task.{status.value}", summary=summary[:500])
        return DevResult(
            status=status,
            summary=summary,
            branch=self._state.issue.branch if self._state.issue else "",
            pull_request_url=state.pull_request_url,
            merge_sha=state.merge_sha,
            spend=state.spend,
        )


async def _end(task: asyncio.Task[object] | workflow.ActivityHandle[object]) -> None:
    """Cancel and wait for it to be over, whatever it ends with."""
    task.cancel()
    try:
        await task
    except BaseException as error:
        if not (isinstance(error, asyncio.CancelledError | Rejected) or is_cancelled_exception(error)):
            workflow.logger.warning("%s: it ended with %s", _STOPPED, error)
