"""What people may say to a test. As with runs, every message is an update and a signal of the same name.

Whoever approves by a signal is recorded with what he calls himself and as not authenticated; nobody vouches
for the sender of a signal, and a test, unlike a merge, can be rolled back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from tamma.model.ab_run import ABAccepted, ABAnswer, ABProgress, ABTestStart, ABTestView
from tamma.model.task import Reply, Waiting
from tamma.model.verdict import ABTestState, Approver
from workflows.ab import account
from workflows.patience import Patience

SOMEBODY = ABAnswer()
"""For those who send a message without a payload."""
LONGEST_NAME, LONGEST_TEXT = 200, 2000
"""Characters, beyond which a name and a reason are cut."""
_SOON = timedelta(seconds=10)
"""How long an approval's answer waits for the candidate to become active."""
Answer = Literal["approve", "reject"]


def heard(given: ABAnswer) -> ABAnswer:
    """What was said as it can be stored and shown: on one line, no control characters, not too long."""
    by, text = (
        "".join(each if each.isprintable() else " " for each in words).strip()
        for words in (given.by, given.text)
    )
    return ABAnswer(by[:LONGEST_NAME], text[:LONGEST_TEXT])


class ABMessages:
    """The message side of a test; `ABTest` is the working side."""

    def __init__(self, start: ABTestStart) -> None:
        self._start = start
        self._state = start.progress or ABProgress()
        self._patience = Patience(self._waiting_changed)
        self._refusal: ApplicationError | None = None
        self._running: int = 0
        """Trials under way."""
        self._news: int = 0
        """Goes up with everything that the working side may be waiting for."""
        self._waiting = ""

    # --- queries ---------------------------------------------------------------------------------

    @workflow.query(name="view")
    def view(self) -> ABTestView:
        """Everything `tamma ab status` and `watch` show."""
        if self._state.started_at is None:
            raise ValueError("the test is being prepared")
        return account.view(self._start, self._state, self._running, self._waiting)

    @workflow.update(name="accepted")
    async def accepted(self) -> ABAccepted:
        """Wait until the test is frozen, or say why it cannot be."""
        await workflow.wait_condition(
            lambda: self._state.forecast is not None or self._refusal is not None,
            timeout=timedelta(hours=1),
        )
        if self._refusal is not None:
            raise self._refusal
        state = self._state
        assert state.forecast is not None
        return ABAccepted(
            self._start.test_id,
            self._start.plan.seed,
            state.units_planned,
            state.looks_planned,
            state.forecast,
        )

    # --- approve, reject -------------------------------------------------------------------------

    @workflow.update(name="approve")
    async def approve(self, given: ABAnswer = SOMEBODY) -> Reply:
        """Apply the winner."""
        return await self._answer("approve", given, authenticated=True)

    @approve.validator
    def _check_approval(self, given: ABAnswer = SOMEBODY) -> None:
        self._check_answer()

    @workflow.signal(name="approve")
    async def approve_by_signal(self, given: ABAnswer = SOMEBODY) -> None:
        """The same from the Web UI or the `temporal` command; recorded as not authenticated."""
        await self._answer_by_signal("approve", given)

    @workflow.update(name="reject")
    async def reject(self, given: ABAnswer = SOMEBODY) -> Reply:
        """Leave the control as it is."""
        return await self._answer("reject", given, authenticated=True)

    @reject.validator
    def _check_rejection(self, given: ABAnswer = SOMEBODY) -> None:
        self._check_answer()

    @workflow.signal(name="reject")
    async def reject_by_signal(self, given: ABAnswer = SOMEBODY) -> None:
        """The same from the Web UI or the `temporal` command."""
        await self._answer_by_signal("reject", given)

    def _check_answer(self) -> None:
        """Raises ValueError in words where there is nothing to answer, or somebody was quicker."""
        state = self._state
        if (who := state.approver) is not None:
            done = "approved" if who.decision == "approve" else "rejected"
            raise ValueError(f"{who.name} has {done} it already, on {who.at:%Y-%m-%d at %H:%M} UTC")
        if state.told_to_stop is not None or state.state is ABTestState.STOPPED:
            who_stopped = state.told_to_stop.by if state.told_to_stop else ""
            raise ValueError(f"{who_stopped or 'somebody'} has stopped the test: nothing is applied")
        if state.state in (ABTestState.PLANNED, ABTestState.RUNNING):
            raise ValueError(
                f"there is no verdict yet: {state.complete} of {state.units_planned} tasks are complete"
            )
        if state.state is not ABTestState.AWAITING_APPROVAL:
            raise ValueError(f"the test waits for nobody's answer: it is {state.state.value}")

    async def _answer_by_signal(self, decision: Answer, given: ABAnswer) -> None:
        try:
            await self._answer(decision, given, authenticated=False)
        except ApplicationError as error:
            self._state.add_note(f"a signal `{decision}` was ignored: {error.message}")
            self._show()

    async def _answer(self, decision: Answer, given: ABAnswer, *, authenticated: bool) -> Reply:
        try:
            # Again: of two that passed the validator in one breath, one has been handled since.
            self._check_answer()
        except ValueError as error:
            raise ApplicationError(str(error), type="Refused", non_retryable=True) from None
        given = heard(given)
        name = given.by or "somebody"
        mine = Approver(name, decision, workflow.now(), authenticated, given.text)
        self._state.approver = mine
        self._news += 1
        try:
            await workflow.wait_condition(
                lambda: (
                    self._state.approver is not mine or self._state.state is not ABTestState.AWAITING_APPROVAL
                ),
                timeout=_SOON,
            )
        except TimeoutError:
            done = "approved" if decision == "approve" else "rejected"
            return Reply(f"{done} by {name}; it is being carried out")
        if self._state.approver is not mine:
            raise ApplicationError(self._waiting, type="Refused", non_retryable=True)
        if decision == "reject":
            return Reply("rejected: the control stays as it is")
        agent = self._start.plan.control.name
        return Reply(f"approved: {agent}@{self._state.applied_version} is active")

    # --- stop, pause, resume ---------------------------------------------------------------------

    @workflow.update(name="stop")
    def stop(self, given: ABAnswer = SOMEBODY) -> Reply:
        """Begin nothing more and apply nothing; what is under way ends and counts in the report."""
        return self._stop(given)

    @stop.validator
    def _check_stop(self, given: ABAnswer = SOMEBODY) -> None:
        state = self._state
        if state.state is ABTestState.AWAITING_APPROVAL and (who := state.approver) is not None:
            # To say that nothing is applied would be a guess: it is being applied in this moment.
            done = "approved" if who.decision == "approve" else "rejected"
            raise ValueError(f"{who.name} has {done} it already: it is being carried out")
        if (told := self._state.told_to_stop) is not None:
            raise ValueError(f"{told.by or 'somebody'} has stopped it already")
        if self._state.state.final:
            raise ValueError(f"the test is over: it is {self._state.state.value}")

    @workflow.signal(name="stop")
    def stop_by_signal(self, given: ABAnswer = SOMEBODY) -> None:
        """The same from the Web UI."""
        try:
            self._check_stop(given)
        except ValueError as error:
            self._state.add_note(f"a signal `stop` was ignored: {error}")
            self._show()
        else:
            self._stop(given)

    def _stop(self, given: ABAnswer) -> Reply:
        self._state.told_to_stop = heard(given)
        self._news += 1
        self._patience.resume()
        if self._state.state is ABTestState.CANARY:
            return Reply(
                f"the canary ends; version {self._state.applied_version} stays active: "
                "`tamma agent rollback` takes it back"
            )
        if self._running:
            return Reply(f"no trial begins any more; it ends after the {self._running} under way")
        return Reply("it ends now; nothing is applied")

    @workflow.update(name="pause")
    async def pause(self, given: ABAnswer = SOMEBODY) -> Reply:
        """Begin no trial, give no run to an arm, until `resume`. The test's last day stays."""
        return self._pause()

    @pause.validator
    def _check_pause(self, given: ABAnswer = SOMEBODY) -> None:
        if self._state.state is not ABTestState.RUNNING:
            raise ValueError(f"there is nothing to pause: the test is {self._state.state.value}")

    @workflow.signal(name="pause")
    def pause_by_signal(self, given: ABAnswer = SOMEBODY) -> None:
        """The same from the Web UI."""
        if self._state.state is ABTestState.RUNNING:
            self._pause()

    def _pause(self) -> Reply:
        self._state.paused = True
        self._news += 1
        return Reply("no trial begins any more; go on with `tamma ab resume`")

    @workflow.update(name="resume")
    async def resume(self, given: ABAnswer = SOMEBODY) -> Reply:
        """Go on, or try again at once."""
        return self._resume()

    @workflow.signal(name="resume")
    def resume_by_signal(self, given: ABAnswer = SOMEBODY) -> None:
        """The same from the Web UI."""
        self._resume()

    def _resume(self) -> Reply:
        waited = self._state.paused or self._patience.waiting is not None
        self._state.paused = False
        self._news += 1
        self._patience.resume()
        return Reply("it goes on" if waited else "it was not waiting")

    @workflow.signal(name="run_ended")
    def run_ended(self) -> None:
        """A production run ended that this test may be waiting for: look at once."""
        self._news += 1

    # --- shown -----------------------------------------------------------------------------------

    def _waiting_changed(self, waiting: Waiting | None) -> None:
        self._wait_for(account.in_words(waiting) if waiting else "")

    def _wait_for(self, words: str) -> None:
        self._waiting = words
        self._show()

    def _show(self) -> None:
        workflow.set_current_details(account.details(self._start, self._state, self._running, self._waiting))
