"""The failing test, the change, the gates, the review."""

from __future__ import annotations

from temporalio import workflow

from activities.interface import (
    COLLECT_DIFF,
    KEEP_PROOF,
    REVIEW_CHANGE,
    CollectDiff,
    CommandRun,
    KeepProof,
    ReviewChange,
    ReviewMade,
)
from tamma.agents.findings import open_ones
from tamma.agents.judgement import Colour, failing, judge_red
from tamma.model.ids import SessionId
from tamma.model.session import Finished, Opening, Stage
from tamma.model.task import (
    AI_QUEUE,
    DiffRef,
    Gate,
    Phase,
    TestRun,
    Waiting,
)
from workflows.calls import call
from workflows.options import (
    MODEL_CALL,
    WORKSPACE_CALL,
)
from workflows.steps.gates import ProjectGates, Red
from workflows.words import what_it_does

PROOF = "keep-proof"
ANOTHER_TEST = "another-test"
"""The change that the failing test is kept as it is: histories from before it lack that."""
LONGEST_REASON = 2000


class Coding(ProjectGates):
    """The failing test, the change, the gates, the review."""

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
        await self._until_red(opening, self._state.test_command)

    async def _until_red(self, opening: Opening, command: str) -> None:
        """Have a test written that fails, or know why there is none. `command` is run where the agent names
        none."""
        while not await self._is_red(opening, command):
            await self._patience.wait(
                Waiting(
                    Gate.RED_TEST,
                    "no failing test shows the problem: the issue may be solved already, or be misunderstood",
                    '`tamma approve TASK` to go on without one, `tamma steer TASK "..."` for another, or '
                    "`tamma cancel TASK`",
                )
            )
            # Whoever says what is wrong with the test wants another one; an earlier run went on without.
            if not self._state.words or not workflow.patched(ANOTHER_TEST):
                self._state.untested_because = "No failing test could be written; a person let the run go on."
                return
            opening = self._from_person()

    async def _is_red(self, opening: Opening, command: str) -> bool:
        """Whether a failing test was written within the rounds that are allowed, or its absence explained."""
        green_before = False
        for _ in range(self._request.limits.rounds):
            finished = await self._session_stage(Stage.RED_TEST, opening)
            if finished.no_test_reason and not finished.test_command:
                self._state.untested_because = f"No failing test was written: {finished.no_test_reason}"
                self._state.note(self._state.untested_because)
                return True
            run = await self._run(finished.test_command or command)
            verdict = judge_red(run.test)
            if verdict.colour is Colour.RED:
                self._state.red_test, self._state.red_output = run.test, run.output
                await self._keep_proof(finished)
                return True
            if self._hurries or (verdict.colour is Colour.GREEN and green_before):
                break
            green_before = verdict.colour is Colour.GREEN
            opening = Opening("not_red", {"output": run.output}, {"problem": verdict.reason})
        return False

    async def _keep_proof(self, finished: Finished) -> None:
        """From here on these tests stay as they are: what is changed of them later is noticed."""
        if workflow.patched(PROOF):
            given = KeepProof(self._workspace.ref.id, finished.test_files)
            stored = await self._workspace.call(
                KEEP_PROOF, given, WORKSPACE_CALL, summary="keep the failing test as it is"
            )
            self._state.proof, self._state.proof_base = stored.blob, self._issue.base_sha

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
        await self._implement(opening)
        await self._get_publishable()

    async def _implement(self, opening: Opening) -> None:
        """Have the change made, until the commands that block are green."""
        finished = await self._session_stage(Stage.IMPLEMENT, opening)
        self._state.summary = finished.summary
        await self._get_green()

    async def _get_green(self) -> None:
        """Run the tests, then the other gates; send the agent back with what fails, up to the limit for each
        cause, then ask a person. Whoever had the agent end is asked at once."""
        rounds = self._request.limits.rounds
        tries: dict[str, int] = {}
        while (red := await self._red_tests() or await self._red_gate()) is not None:
            number = tries.get(red.cause, 0) + 1
            over = number > rounds or self._hurries
            if over and red.gate and await self._may_stay_red(red):
                self._state.let_pass.append(red.gate.name)
                continue
            self._state.fixes += 1
            if over:
                if red.gate is None:
                    await self._ask_about_red(red.run.test)
                number = 1
            tries[red.cause] = number
            opening = self._mend_gate(red, number) if red.gate else self._mend_tests(red.run, number)
            await self._session_stage(Stage.FIX, opening)

    def _mend_tests(self, blocking: CommandRun, number: int) -> Opening:
        words = {
            "command": blocking.test.command,
            "exit_code": str(blocking.test.exit_code),
            "timed_out": " (it ran out of time)" if blocking.test.timed_out else "",
            "round": str(number),
            "rounds": str(self._request.limits.rounds),
        }
        return Opening("fix_tests", {"output": blocking.output}, words)

    async def _red_tests(self) -> Red | None:
        """The first of the tests' commands that blocks: the run's own test, then the repository's."""
        state, baseline = self._state, self._project.baseline
        commands = [state.red_test.command] if state.red_test else []
        if state.test_command and state.test_command not in commands:
            commands.append(state.test_command)
        for command in commands:
            run = await self._run(command)
            if command == state.test_command or not state.test_command:
                state.tests = run.test
            state.green = failing((run.test,), baseline) is None
            if not state.green:
                return Red(run)
        return None

    async def _ask_about_red(self, blocking: TestRun) -> None:
        await self._patience.wait(
            Waiting(
                Gate.TESTS,
                f"`{blocking.command}` still ends with exit code {blocking.exit_code} {self._tried()}: "
                f"{blocking.tail.strip()[-300:]}",
                'help with `tamma steer TASK "..."`, try again with `tamma resume TASK`, or cancel it',
            )
        )

    async def _get_publishable(self) -> None:
        """Look at the change as a whole: it must exist, the diff policy must allow it, and it must leave the
        tests what they said."""
        refusals, agreed = 0, self._state.agreed
        while True:
            diff = await self._collect_diff()
            weakened = open_ones(diff.weakened, agreed)
            questions = open_ones((*diff.runs, *diff.wanted, *diff.questions), agreed)
            bad = (*diff.refused, *weakened)
            if diff.files_total and not bad:
                if not questions or await self._may_go(questions):
                    agreed += questions
                    return
                await self._session_stage(Stage.FIX, self._from_person())
            elif bad and (refusals := refusals + 1) <= self._request.limits.rounds:
                reasons = "\n".join(f"- {reason}" for reason in bad)
                await self._session_stage(Stage.FIX, Opening("fix_policy", words={"reasons": reasons}))
            elif weakened and not diff.refused and await self._is_allowed(weakened):
                agreed += weakened
                continue
            else:
                if not weakened or diff.refused:
                    await self._ask_about_change(diff)
                await self._session_stage(Stage.FIX, self._from_person())
            await self._get_green()

    async def _may_go(self, questions: tuple[str, ...]) -> bool:
        """Whether CI may run what the change makes of it, tests may be gone that were there before, and
        packages come in that were not."""
        return await self._is_allowed(questions)

    async def _is_allowed(self, findings: tuple[str, ...]) -> bool:
        """Ask a person whether the change may do this. False where the agent is to work on."""
        assert self._state.diff is not None
        arrivals, runs = self._state.diff.wanted, self._state.diff.runs
        reason = what_it_does(findings, arrivals, runs, pushes=not self._request.assists)
        if not set(arrivals).isdisjoint(findings):
            await self._put_back()
        hint = '`tamma approve TASK` lets it pass, `tamma steer TASK "..."` has it changed, or cancel it'
        self._allowed = False
        await self._patience.wait(Waiting(Gate.CHANGE, reason[:LONGEST_REASON], hint))
        return self._allowed and not self._state.words

    async def _ask_about_change(self, diff: DiffRef) -> None:
        reason = (
            f"the diff policy refuses the change: {'; '.join(diff.refused)}"
            if diff.refused
            else "the agent changed nothing: " + (self._state.summary[:300] or "it gave no reason")
        )
        hint = 'tell the agent more with `tamma steer TASK "..."`, or cancel it'
        await self._patience.wait(Waiting(Gate.CHANGE, reason, hint))

    async def _review_it(self) -> None:
        await self._enter(Phase.REVIEW)
        if not self._request.review:
            return
        review = await self._ask_reviewer()
        self._state.review, self._state.approved = review.summary, review.approved
        if review.approved:
            return
        comments = "\n".join(f"- {comment}" for comment in review.comments)
        finished = await self._session_stage(Stage.FIX, Opening("fix_review", words={"comments": comments}))
        self._state.review += f" The agent's answer: {finished.summary}"
        await self._get_green()
        await self._get_publishable()

    async def _heed(self) -> None:
        """What people said after the agent had ended is one more stage of its work."""
        while self._state.words:
            await self._enter(Phase.IMPLEMENT)
            await self._session_stage(Stage.FIX, self._from_person())
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
            tests=f"`{tests.command}` ends with exit code {tests.exit_code}" if tests else "none were run",
        )
        begun = self._begin()
        review = await self._patience.patiently(
            lambda: call(REVIEW_CHANGE, given, MODEL_CALL, queue=AI_QUEUE, summary="review the change")
        )
        self._charge(review.spend)
        self._did("review", begun, review.spend, review.use)
        self._state.note_stand_in(review.instead_of)
        return review

    async def _collect_diff(self) -> DiffRef:
        diff = await self._workspace.call(
            COLLECT_DIFF,
            CollectDiff(
                self._workspace.ref.id,
                self._state.proof,
                self._state.proof_base,
                self._request.new_dependencies,
                self._issue.snapshot,
            ),
            WORKSPACE_CALL,
            summary="collect the change",
        )
        self._state.diff = diff
        return diff
