"""What people may say to a run, at any time and from anywhere.

Every message is an update (the caller hears a refusal) *and* a signal of the same name (anyone with the Web
UI or the `temporal` CLI may send it). A signal's sender is whoever he claims to be, so no signal approves a
merge: that wants an update.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from tamma.agents import machine
from tamma.agents.answering import option_named, trouble_with_choice
from tamma.model.repository import EventKind
from tamma.model.session import SessionMessage, SessionNews, SessionOrder, SessionResult
from tamma.model.suggestion import PatchStage
from tamma.model.task import (
    Accepted,
    Approval,
    BudgetChange,
    Control,
    DevRequest,
    Gate,
    Phase,
    PlatformEvent,
    Reply,
    Steer,
    TaskStatus,
    TaskView,
    Waiting,
)
from workflows.measuring import hours_worked
from workflows.patience import Patience
from workflows.run_state import RunState, branch_of, details, view

LONGEST_WORD = 20_000
"""Characters of a message to the agent."""
T = TypeVar("T")

LONGEST_PLAN, LONGEST_REASON, LONGEST_NAME = 100_000, 2000, 200
"""Characters of an edited plan; of a refusal and a name, beyond which they are cut."""

MOST_USD, MOST_TURNS, MOST_HOURS = Decimal(1_000_000), 1_000_000, 10_000
"""What can be added at once. Beyond any use, and far below what arithmetic and a screen can bear."""
TIMED = "timed"
"""The change that runs keep to hours of work: those from before it have as many as they like."""
SOMEBODY = Control()
"""For those who send `pause`, `resume` or `cancel` without a payload."""
SOMETHING = PlatformEvent()
TALK = ("", EventKind.ISSUE_COMMENT.value, EventKind.PULL_REQUEST_COMMENT.value)
"""Events after which comments are looked at. Those of checks come by the dozen."""

PAUSED = Waiting(Gate.PAUSED, "somebody paused it", "let it go on with `tamma resume TASK`")

APPROVED_ONLY = (Gate.PLAN, Gate.RED_TEST, Gate.PATCH, Gate.MERGE)
"""Where whoever lets a run go on vouches for something: `tamma approve` says so, `tamma resume` does not."""


class RunMessages:
    """The message side of a run; `AutonomousDev` is the working side."""

    def __init__(self, request: DevRequest) -> None:
        self._request = request
        self._state = RunState()
        self._patience = Patience(self._waiting_changed, request.unattended)
        self._session: workflow.ChildWorkflowHandle[Any, SessionResult] | None = None
        self._paused = False
        self._hurries = False
        """A person had the agent end the stage that it was in last."""
        self._cancelled: Control | None = None
        self._refusal: ApplicationError | None = None
        self._edited_plan: str | None = None
        self._woken = False
        self._talk = 0
        """How often somebody may have written a comment."""
        self._asked: Waiting | None = None
        self._asked_at: datetime | None = None
        self._asks = 0
        """What is waited for now, since when, and how often that has changed."""
        self._allowed = False
        """Somebody who is known let pass what the gate CHANGE asks about."""

    # --- queries ---------------------------------------------------------------------------------

    @workflow.query(name="view")
    def view(self) -> TaskView:
        """Everything `status` and `watch` show."""
        return view(self._request, self._state)

    # --- acceptance ------------------------------------------------------------------------------

    @workflow.update(name="accepted")
    async def accepted(self) -> Accepted:
        """Wait until the issue has been found, or say why it was not."""
        await workflow.wait_condition(
            lambda: self._state.issue is not None or self._refusal is not None,
            timeout=timedelta(hours=1),
        )
        if self._refusal is not None:
            raise self._refusal
        issue = self._state.issue
        assert issue is not None
        return Accepted(
            self._request.task_id,
            issue.title,
            issue.url,
            issue.base_branch,
            issue.base_sha,
            branch_of(self._request, self._state),
        )

    # --- approve ---------------------------------------------------------------------------------

    @workflow.update(name="approve")
    async def approve(self, given: Approval) -> Reply:
        """Answer the gate that waits."""
        return await self._answer_of_somebody_known(given)

    @approve.validator
    def _check_approval(self, given: Approval) -> None:
        waiting = self._state.waits_for
        if waiting is None or not waiting.person:
            raise ValueError("the run waits for nobody's answer now")
        if waiting.gate is not given.gate:
            raise ValueError(f"the run waits at the gate {waiting.gate.value!r}, not {given.gate.value!r}")
        if given.gate is Gate.PATCH and given.patch not in (None, self._state.patch):
            raise ValueError(self._another_patch())
        if len(given.text) > LONGEST_PLAN:
            raise ValueError(f"the text is longer than {LONGEST_PLAN} characters")
        if given.decision == "edit" and (given.gate is not Gate.PLAN or not given.text.strip()):
            raise ValueError("only a plan can be edited, and the new plan must not be empty")
        if trouble := trouble_with_choice(given, self._state.asks.options):
            raise ValueError(trouble)

    @workflow.signal(name="approve")
    async def approve_by_signal(self, given: Approval) -> None:
        """The same from the Web UI, but for what others see then: nobody vouches for a signal's sender."""
        if not self._heeds("approve", self._check_approval, given):
            return
        if given.decision != "reject" and (what := self._leaves_here(given.gate)):
            self._state.note(f"a signal cannot approve a {what}: use `tamma approve`")
            return
        await self._answer(given)

    def _leaves_here(self, gate: Gate) -> str:
        """What a yes at the gate carries out of the run; empty where nothing."""
        if gate is Gate.MERGE:
            return "merge"
        patch = self._state.patch
        last = gate is Gate.PATCH and patch is not None and patch.stage is PatchStage.SUGGESTION
        return "suggestion" if last else ""

    def _another_patch(self) -> str:
        patch = self._state.patch
        stage = f" (the {patch.stage})" if patch is not None else ""
        return f"another patch waits now{stage} than the one that was seen: `tamma patch TASK` shows it"

    async def _answer_of_somebody_known(self, given: Approval) -> Reply:
        self._allowed = given.gate is Gate.CHANGE and given.decision == "approve"
        return await self._answer(given)

    async def _answer(self, given: Approval) -> Reply:
        who = given.by[:LONGEST_NAME] or "somebody"
        if given.decision == "reject":
            reason = f"{who} rejected it" + (f": {given.text[:LONGEST_REASON]}" if given.text else "")
            if self._state.waiting is not None:
                self._patience.reject(reason)
            else:
                await self._tell_session(SessionMessage(SessionOrder.REJECT, text=reason))
            return Reply(reason)
        if given.decision == "edit":
            self._edited_plan = given.text
        chosen = option_named(self._state.asks.options, given.option)
        self._state.chosen, self._state.chosen_by = chosen, who
        if self._state.waiting is not None:
            self._patience.resume()
        else:
            await self._tell_session(SessionMessage(SessionOrder.RESUME))
        option = f", with the option {chosen.name!r}" if chosen is not None else ""
        self._state.note(f"{given.gate.value}: {given.decision}d by {who}{option}".replace("editd", "edited"))
        return Reply(f"{given.gate.value} {given.decision}d".replace("editd", "edited"))

    # --- steer -----------------------------------------------------------------------------------

    @workflow.update(name="steer")
    async def steer(self, given: Steer) -> Reply:
        """Give the agent a message; it reads it before its next turn."""
        return await self._take_word(given)

    @steer.validator
    def _check_word(self, given: Steer) -> None:
        if not given.text.strip():
            raise ValueError("the message is empty")
        if len(given.text) > LONGEST_WORD:
            raise ValueError(f"the message is longer than {LONGEST_WORD} characters")
        if self._state.phase in (Phase.MERGE, Phase.CLOSE, Phase.DONE):
            raise ValueError(f"the work is done, the run is in phase {self._state.phase.value!r}")

    @workflow.signal(name="steer")
    async def steer_by_signal(self, given: Steer) -> None:
        """The same from the Web UI."""
        if not self._heeds("steer", self._check_word, given):
            return
        await self._take_word(given)

    async def _take_word(self, given: Steer) -> Reply:
        if self._agent_works():
            await self._tell_session(SessionMessage(SessionOrder.STEER, text=given.text))
            return Reply("the agent reads it before its next turn")
        self._state.words.append(given.text)
        if self._state.waiting is not None and self._state.waiting.person:
            self._patience.resume()
        return Reply("the agent reads it next")

    # --- money, pause, resume, cancel ------------------------------------------------------------

    @workflow.update(name="add_budget")
    async def add_budget(self, given: BudgetChange) -> Reply:
        """More money or turns."""
        return await self._raise_budget(given)

    @add_budget.validator
    def _check_budget(self, given: BudgetChange) -> None:
        added = (given.add_usd, given.add_turns, given.add_hours)
        if not all(amount >= 0 for amount in added) or not any(added):
            raise ValueError("say how much to add: a positive amount of USD, turns or hours")
        if given.add_usd > MOST_USD or given.add_turns > MOST_TURNS or given.add_hours > MOST_HOURS:
            raise ValueError(
                f"at most {MOST_USD} USD, {MOST_TURNS} turns and {MOST_HOURS} hours can be added at once"
            )

    @workflow.signal(name="add_budget")
    async def add_budget_by_signal(self, given: BudgetChange) -> None:
        """The same from the Web UI."""
        if not self._heeds("add_budget", self._check_budget, given):
            return
        await self._raise_budget(given)

    async def _raise_budget(self, given: BudgetChange) -> Reply:
        limits = self._request.limits
        limits = replace(
            limits,
            budget_usd=limits.budget_usd + given.add_usd,
            max_turns=limits.max_turns + given.add_turns,
            max_hours=limits.max_hours + given.add_hours if limits.max_hours else 0.0,
        )
        self._request = replace(self._request, limits=limits)
        await self._tell_session(
            SessionMessage(
                SessionOrder.BUDGET,
                add_usd=given.add_usd,
                add_turns=given.add_turns,
                add_hours=given.add_hours,
            )
        )
        waiting = self._state.waiting
        if waiting is not None and waiting.gate in (Gate.BUDGET, Gate.TURNS, Gate.TIME):
            self._patience.resume()
        hours = f", {limits.max_hours:g} hours of work" if given.add_hours and limits.max_hours else ""
        return Reply(f"the limits are now {limits.budget_usd:.2f} USD and {limits.max_turns} turns{hours}")

    @workflow.update(name="pause")
    async def pause(self, given: Control = SOMEBODY) -> Reply:
        """Stand still after the current step."""
        return await self._pause(given)

    @workflow.signal(name="pause")
    async def pause_by_signal(self, given: Control = SOMEBODY) -> None:
        """The same from the Web UI."""
        await self._pause(given)

    async def _pause(self, given: Control) -> Reply:
        self._paused = True
        await self._tell_session(SessionMessage(SessionOrder.PAUSE))
        waiting = self._state.waits_for
        if waiting is not None and waiting.gate is Gate.ORDER:
            return Reply("it waits for its turn as before, and then stands still")
        return Reply("it stands still after the current step")

    @workflow.update(name="resume")
    async def resume(self, given: Control = SOMEBODY) -> Reply:
        """Go on, or try again at once."""
        return await self._resume(given)

    @workflow.signal(name="resume")
    async def resume_by_signal(self, given: Control = SOMEBODY) -> None:
        """The same from the Web UI."""
        await self._resume(given)

    async def _resume(self, given: Control) -> Reply:
        waiting, paused = self._state.waits_for, self._paused
        self._paused = False
        if waiting is not None and waiting.gate in APPROVED_ONLY:
            return Reply(f"it waits for an approval ({waiting.gate.value}): use `tamma approve`")
        if waiting is not None and waiting.gate is Gate.QUESTIONS:
            return Reply("it waits for answers: use `tamma answer`, or `tamma approve` to take the defaults")
        if self._state.waiting is not None:
            self._patience.resume()
        await self._tell_session(SessionMessage(SessionOrder.RESUME))
        if paused and waiting is not None and waiting.gate is Gate.ORDER:
            return Reply("it waits for its turn again; another `tamma resume` lets it go on at once")
        return Reply("it goes on" if waiting else "it was not waiting")

    @workflow.update(name="finish")
    async def finish(self, given: Control = SOMEBODY) -> Reply:
        """Have the agent end its stage with what there is."""
        return await self._finish(given)

    @finish.validator
    def _check_finish(self, given: Control = SOMEBODY) -> None:
        if not self._agent_works():
            raise ValueError(f"no agent is at work: the run is in phase {self._state.phase.value!r}")

    @workflow.signal(name="finish")
    async def finish_by_signal(self, given: Control = SOMEBODY) -> None:
        """The same from the Web UI."""
        if not self._heeds("finish", self._check_finish, given):
            return
        await self._finish(given)

    async def _finish(self, given: Control) -> Reply:
        self._hurries = True
        why = f": {given.reason.strip()[:LONGEST_REASON]}" if given.reason.strip() else ""
        self._state.note(f"{given.by[:LONGEST_NAME] or 'somebody'} had the agent end this stage{why}")
        await self._tell_session(SessionMessage(SessionOrder.FINISH))
        return Reply("the agent ends this stage with what there is; tests, gates and the review judge that")

    @workflow.update(name="cancel")
    async def cancel(self, given: Control = SOMEBODY) -> Reply:
        """End it, leaving branch, diff and summary behind."""
        return self._cancel(given)

    def _cancel(self, given: Control) -> Reply:
        self._cancelled = given
        stays = "as a patch, for `tamma patch`" if self._request.assists else "on its branch"
        return Reply(f"it ends; what was done stays {stays}")

    @workflow.signal(name="cancel")
    def cancel_by_signal(self, given: Control = SOMEBODY) -> None:
        """The same from the Web UI."""
        self._cancelled = given

    @workflow.signal(name="platform_event")
    def platform_event(self, given: PlatformEvent = SOMETHING) -> None:
        """Something happened on the platform: look at once instead of at the next poll."""
        self._woken = True
        if given.kind in TALK:
            self._talk += 1

    def _heeds(self, name: str, check: Callable[[T], None], given: T) -> bool:
        """Whether a signal passes the check of its update. Nobody waits for an answer: a note says
        why not."""
        try:
            check(given)
        except ValueError as error:
            self._state.note(f"a signal `{name}` was ignored: {error}")
            return False
        return True

    # --- the session's side ----------------------------------------------------------------------

    @workflow.signal(name="session_news")
    def session_news(self, news: SessionNews) -> None:
        """The session stands still, or goes on."""
        self._state.session_waiting = self._waiting_of(news)
        self._clock()
        self._show()

    def _waiting_of(self, news: SessionNews) -> Waiting | None:
        """What stands still after such news."""
        return news.waiting

    def _agent_works(self) -> bool:
        """Whether there is a session that can be told something."""
        return self._session is not None

    async def _tell_session(self, message: SessionMessage) -> None:
        if self._session is not None:
            await self._session.signal("message", message)

    def _waiting_changed(self, waiting: Waiting | None) -> None:
        self._state.waiting = waiting
        self._clock()
        self._show()

    def _clock(self) -> None:
        """What is waited for has changed: the time until now is waiting or work."""
        waiting = self._state.waits_for
        self._state.watch.turn(waiting is not None, workflow.now())
        if waiting != self._asked:
            self._asked, self._asked_at = waiting, workflow.now()
            self._asks += 1

    def _show(self) -> None:
        workflow.set_current_details(details(self._request, self._state))

    def _out_of_money(self) -> Waiting | None:
        """Why the next model call outside a session may not be made, if so."""
        spent, budget = self._state.spend.cost_usd, self._request.limits.budget_usd
        if self._state.status is TaskStatus.RUNNING and spent >= budget:
            return machine.out_of_money(spent, budget)
        left = self._hours_left()
        if left is not None and left <= 0 and workflow.patched(TIMED):
            return machine.OUT_OF_TIME
        return None

    def _hours_left(self) -> float | None:
        """Hours that it may still work, where they are counted."""
        most = self._request.limits.max_hours
        if not most:
            return None
        return most - hours_worked(workflow.info().start_time, self._state.watch, workflow.now())
