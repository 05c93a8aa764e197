"""`AgentSession`: one stage of the work, a conversation between a model and its tools.

The decisions are `tamma.agents.machine`'s; this workflow carries them out and waits where they say so. A step
is two activities, one model call and one batch of tools. Transcripts stay in the store.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.interface import CALL_MODEL, RUN_TOOLS, CallModel, RunTools
from tamma.agents import machine
from tamma.agents.machine import AskModel, End, Stop, UseTools
from tamma.model.budget import repo_of
from tamma.model.metrics import ContextUse, ModelUse
from tamma.model.session import (
    HELP_STEP,
    Finished,
    SessionEnd,
    SessionMessage,
    SessionNews,
    SessionOrder,
    SessionProgress,
    SessionRequest,
    SessionResult,
    SessionState,
)
from tamma.model.task import AI_QUEUE, SESSION_WORKFLOW, Gate, Waiting
from workflows.calls import call
from workflows.measuring import Stopwatch, hours_worked
from workflows.messages import LONGEST_WORD, MOST_HOURS, MOST_TURNS, MOST_USD
from workflows.options import MODEL_CALL, TOOLS
from workflows.patience import Patience, Rejected
from workflows.purse import Holder, Purse
from workflows.workspace_link import WorkspaceLink

SHOWN = 6
"""Actions that the progress query remembers."""


def acceptable(given: SessionMessage) -> bool:
    """Whether a message is one that the run lets through; others may send some, too."""
    money = 0 <= given.add_usd <= MOST_USD and 0 <= given.add_turns <= MOST_TURNS
    return money and 0 <= given.add_hours <= MOST_HOURS and len(given.text) <= LONGEST_WORD


@workflow.defn(name=SESSION_WORKFLOW)
class AgentSession:
    @workflow.init
    def __init__(self, request: SessionRequest) -> None:
        self._request = request
        self._state: SessionState = request.state
        self._budget = request.budget_left
        self._turns = request.turns_left
        self._hours = request.hours_left or 0.0
        self._begun, self._watch = workflow.now(), Stopwatch()
        self._inbox: list[SessionMessage] = []
        self._doing = ""
        self._last: list[str] = []
        self._patience = Patience(self._tell, request.unattended)
        self._told: Waiting | None = None
        self._link = WorkspaceLink(
            request.rebuild,
            self._patience,
            lost_after=request.limits.worker_lost_after,
            ref=request.workspace,
        )
        self._purse = self._purse_of(request)

    @workflow.run
    async def run(self, request: SessionRequest) -> SessionResult:
        workflow.set_current_details(f"**{request.stage}** for {request.label}")
        gate: Gate | None = None
        try:
            finished = await self._converse()
            end = SessionEnd.FINISHED
        except Rejected as answer:
            finished, end, gate = Finished(answer.reason), SessionEnd.REJECTED, answer.gate
        except (asyncio.CancelledError, ActivityError) as error:
            if not is_cancelled_exception(error):
                raise
            # With a result, for what was spent until now is the run's to account for.
            finished, end = Finished("cancelled"), SessionEnd.CANCELLED
        await workflow.wait_condition(workflow.all_handlers_finished)
        state = self._state
        return SessionResult(
            end,
            finished,
            state.next_seq,
            state.spend,
            self._link.ref,
            state.instead_of,
            state.use + self._overflowed(),
            gate,
            self._purse.state if self._purse else None,
            (*machine.unread(state), *self._steers()),
        )

    # --- the loop --------------------------------------------------------------------------------

    async def _converse(self) -> Finished:
        while True:
            await self._read_inbox()
            step = machine.next_step(
                self._state,
                budget_left=self._budget,
                turns_left=self._turns,
                hours_left=self._hours_left(),
            )
            match step:
                case AskModel():
                    if await self._afford():
                        await self._ask(step)
                    elif self._is_to_end():
                        return machine.ENDED
                case UseTools(seq):
                    await self._use_tools(seq)
                case Stop(waiting):
                    await self._stand_still(waiting)
                case End(finished):
                    return finished
            if workflow.info().is_continue_as_new_suggested():
                await self._continue_as_new()

    def _purse_of(self, request: SessionRequest) -> Purse | None:
        parent = workflow.info().parent
        if request.purse is None or parent is None:
            return None
        holder = Holder(request.task_id, repo_of(request.rebuild.repo), parent.workflow_id, parent.run_id)
        return Purse(holder, self._patience, request.purse)

    async def _afford(self) -> bool:
        """Have money for the next call from the limits that runs share. False where it had to be waited for:
        much may have been said meanwhile."""
        return self._purse is None or await self._purse.afford(self._budget - self._state.spend.cost_usd)

    def _is_to_end(self) -> bool:
        """Whether a person has said so, who waits for no money."""
        said = any(word.order is SessionOrder.FINISH for word in self._inbox)
        return said or self._state.finish_now

    async def _ask(self, step: AskModel) -> None:
        self._doing = "model"
        state = self._state
        words = step.messages
        if not state.opened:
            words = (*words, machine.what_remains(state, budget_left=self._budget, turns_left=self._turns))
        turn = await self._patience.patiently(
            lambda: call(
                CALL_MODEL,
                CallModel(
                    session_id=self._request.session_id,
                    seq=state.next_seq,
                    agent=self._request.agent,
                    opening=None if state.opened else self._request.opening,
                    messages=words,
                    repo_label=self._request.label,
                    step=HELP_STEP if state.helped or step.takes_over else self._request.stage.step,
                ),
                MODEL_CALL,
                queue=AI_QUEUE,
                summary=f"turn {state.spend.turns + 1}",
                fairness_key=self._request.rebuild.repo.full_name,
            )
        )
        news = [line for line in turn.instead_of if line not in state.instead_of]
        self._state = machine.after_ask(self._state, step, turn)
        if self._purse is not None:
            self._purse.charge(turn.spend)
        self._doing = ", ".join(use.name for use in turn.tools)
        shown = [f"{use.name} {use.brief}".strip() for use in turn.tools] or [turn.text[:120]]
        self._last = [*self._last, *news, *shown][-SHOWN:]

    async def _use_tools(self, seq: int) -> None:
        batch = await self._link.call(
            RUN_TOOLS,
            RunTools(self._link.ref.id, self._request.session_id, seq, self._request.agent),
            TOOLS,
            summary=self._doing,
        )
        self._link.checkpointed(batch.checkpoint)
        self._state = machine.after_tools(self._state, batch)
        self._doing = ""

    def _hours_left(self) -> float | None:
        """Hours that it may still work, where they are counted."""
        if self._request.hours_left is None:
            return None
        return self._hours - hours_worked(self._begun, self._watch, workflow.now())

    def _overflowed(self) -> ModelUse:
        """Calls that failed because the conversation did not fit."""
        return ModelUse(context=ContextUse(overflows=self._patience.troubles.get("ContextOverflow", 0)))

    async def _stand_still(self, waiting: Waiting) -> None:
        await self._patience.wait(waiting)
        if waiting.gate is Gate.STUCK:
            self._state = machine.resumed(self._state)

    async def _continue_as_new(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        await self._read_inbox()
        workflow.continue_as_new(
            replace(
                self._request,
                state=replace(self._state, use=self._state.use + self._overflowed()),
                workspace=self._link.ref,
                budget_left=self._budget,
                turns_left=self._turns,
                hours_left=self._hours_left(),
                purse=self._purse.state if self._purse else None,
            )
        )

    # --- what others say -------------------------------------------------------------------------

    @workflow.signal
    def message(self, given: SessionMessage) -> None:
        """The run's word to its session. Words wait for the next turn; the rest takes effect at once."""
        if not acceptable(given):
            workflow.logger.warning("a message was ignored: its run would not have sent it")
            return
        match given.order:
            case SessionOrder.RESUME:
                self._inbox = [word for word in self._inbox if word.order is not SessionOrder.PAUSE]
                self._state = replace(self._state, paused=False)
                self._patience.resume()
            case SessionOrder.REJECT:
                self._patience.reject(given.text or "a person ended it")
            case SessionOrder.BUDGET:
                self._budget += given.add_usd
                self._turns += given.add_turns
                self._hours += given.add_hours
                self._patience.resume()
            case _:
                self._inbox.append(given)
                if given.order in (SessionOrder.STEER, SessionOrder.FINISH):
                    self._patience.resume()

    @workflow.query
    def progress(self) -> SessionProgress:
        """The live figures of this session."""
        return SessionProgress(
            self._request.session_id,
            self._request.stage,
            self._state.spend,
            self._state.next_seq,
            self._doing,
            tuple(self._last),
        )

    async def _read_inbox(self) -> None:
        while self._inbox:
            given = self._inbox.pop(0)
            match given.order:
                case SessionOrder.STEER:
                    self._state = machine.told(self._state, given.text)
                case SessionOrder.PAUSE:
                    self._state = replace(self._state, paused=True)
                case SessionOrder.FINISH:
                    self._state = replace(self._state, finish_now=True)
                case _:
                    pass  # took effect when it came
        if self._state.paused:
            await self._patience.wait(
                Waiting(Gate.PAUSED, "somebody paused it", "let it go on with `tamma resume TASK`")
            )
            self._state = replace(self._state, paused=False)

    def _steers(self) -> list[str]:
        """Words that came too late to be read even here."""
        return [each.text for each in self._inbox if each.order is SessionOrder.STEER]

    def _tell(self, waiting: Waiting | None) -> None:
        """Tell the run why this session stands still, so that people need to look in one place only."""
        self._watch.turn(waiting is not None, workflow.now())
        parent = workflow.info().parent
        if parent is None or waiting == self._told:
            return
        self._told = waiting
        handle = workflow.get_external_workflow_handle(parent.workflow_id, run_id=parent.run_id)
        news = SessionNews(waiting, self._state.spend, self._request.session_id)
        self._telling = asyncio.create_task(handle.signal("session_news", news))
