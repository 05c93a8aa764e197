"""Several agent sessions side by side, each in a workspace and a transcript of its own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ChildWorkflowError, FailureError

from activities.interface import AcceptedIssue
from tamma.agents.lagging import Lagging, only_waits
from tamma.model.budget import PurseState
from tamma.model.ids import SessionId, TaskId
from tamma.model.metrics import ModelUse
from tamma.model.session import (
    SessionMessage,
    SessionNews,
    SessionOrder,
    SessionRequest,
    SessionResult,
    SessionState,
    Stage,
    WorkspaceOrder,
)
from tamma.model.task import (
    SESSION_WORKFLOW,
    DevRequest,
    Spend,
    Waiting,
)
from tamma.model.tries import try_purse
from workflows.cancelling import handled
from workflows.steps.base import error_type_of
from workflows.steps.coding import Coding
from workflows.steps.race import Attempt, Race

Session = workflow.ChildWorkflowHandle[Any, SessionResult]
OUTAGE_SECONDS = 14 * 24 * 3600.0
"""How long a try waits for services that do not answer, while none has finished. For people it does not wait:
the run asks them."""


class Attempts(Coding):
    """Runs sessions side by side. What people say reaches all of them."""

    def __init__(self, request: DevRequest) -> None:
        super().__init__(request)
        self._race: Race | None = None
        """While sessions work side by side."""
        self._tries: dict[SessionId, Session] = {}
        """The sessions that work now."""
        self._try_waits: dict[SessionId, SessionNews] = {}
        """Why some of them stand still."""
        self._watching: asyncio.Task[None] | None = None
        self._adopted = ""
        """The workspace that the run goes on with, where that is not its first one."""

    # --- what people say, and what sessions say ---------------------------------------------------

    def _agent_works(self) -> bool:
        return self._race is not None or super()._agent_works()

    async def _tell_session(self, message: SessionMessage) -> None:
        """What is added to the budget is shared, like the budget itself."""
        race = self._race
        if race is None:
            await super()._tell_session(message)
            return
        if message.order is SessionOrder.BUDGET:
            parts = len(race.attempts)
            message = replace(message, add_usd=message.add_usd / parts, add_turns=message.add_turns // parts)
        race.said.append(message)
        number = len(race.said) - 1
        for attempt in race.attempts:
            await self._tell_try(race, attempt, number)

    async def _tell_try(self, race: Race, attempt: Attempt, number: int) -> None:
        """Its session, where that works: what one that has ended was not told is told to who goes on."""
        session = self._tries.get(attempt.session_id)
        if session is not None:
            with suppress(FailureError):  # it has ended meanwhile
                await session.signal("message", race.said[number])
                attempt.told.add(number)

    def _waiting_of(self, news: SessionNews) -> Waiting | None:
        """The run stands still only where all of its tries do."""
        if self._race is None or news.session_id is None:
            return super()._waiting_of(news)
        if news.waiting is None:
            self._try_waits.pop(news.session_id, None)
        else:  # also of one whose start this run has not heard of yet
            self._try_waits[news.session_id] = news
        return self._all_wait()

    def _all_wait(self) -> Waiting | None:
        news = [self._try_waits.get(session_id) for session_id in self._tries]
        return news[0].waiting if news and news[0] and all(news) else None

    def _idle(self, race: Race) -> dict[int, Spend]:
        """Which of those that work now only wait, with what they have spent."""
        return {
            attempt.number: news.spend
            for attempt in race.attempts
            if attempt.session_id in self._tries and not attempt.given_up
            if (news := self._try_waits.get(attempt.session_id)) is not None and only_waits(news)
        }

    async def _end_laggards(self, race: Race) -> None:
        """Once a try has finished, those that get nowhere end soon, and are judged as they stand."""
        await workflow.wait_condition(
            lambda: self._race is not race or any(each.finished for each in race.attempts)
        )
        lagging = Lagging()
        while self._race is race:
            idle, now = self._idle(race), workflow.now()
            late = lagging.look(idle, now)
            for attempt in race.attempts:
                if attempt.number in late:
                    await self._give_up(attempt)
            if late:
                continue
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda seen=idle: self._race is not race or self._idle(race) != seen,
                    timeout=lagging.left(idle, now),
                )

    async def _give_up(self, attempt: Attempt) -> None:
        attempt.given_up = True
        news, session = self._try_waits.get(attempt.session_id), self._tries.get(attempt.session_id)
        if session is None or news is None or news.waiting is None:
            return
        reason = f"another try had finished, and this one still waited: {news.waiting.reason}"
        with suppress(FailureError):  # it has ended meanwhile
            await session.signal("message", SessionMessage(SessionOrder.REJECT, text=reason))

    # --- the sessions -----------------------------------------------------------------------------

    async def _run_side_by_side(self, race: Race) -> None:
        """Have every attempt made. Cancelled: each has its result all the same, with what it spent."""
        await self._put_back()
        purse = self._shared_purse()
        numbers = range(self._sessions + 1, self._sessions + 1 + len(race.attempts))
        purses = [try_purse(each.number) for each in race.attempts]
        lent = purse.lend_to_several(purses) if purse else [None] * len(numbers)
        self._sessions += len(numbers)
        fresh = self._session_state(race.words)
        tasks: list[asyncio.Task[None]] = []
        for attempt, number, held in zip(race.attempts, numbers, lent, strict=True):
            hint = (attempt.hint,) if attempt.hint else ()
            state = replace(fresh, pending=(*hint, *fresh.pending), paused=self._paused)
            given = self._try_request(race, attempt, state, held)
            attempt.begun = self._begin()
            tasks.append(asyncio.create_task(self._make(attempt, given, number, race)))
        self._race = race
        self._watching = asyncio.create_task(self._end_laggards(race))
        try:
            await asyncio.gather(*tasks)
        finally:
            self._race = None

    async def _make(self, attempt: Attempt, given: SessionRequest, number: int, race: Race) -> None:
        session_id = given.session_id
        name = f"{workflow.info().workflow_id}/session-{number}"
        session: Session | None = None
        try:
            session = await workflow.start_child_workflow(
                SESSION_WORKFLOW,
                given,
                id=name,
                result_type=SessionResult,
                static_summary=f"try {attempt.number}: {given.label}",
            )
            self._tries[session_id] = session
            self._state.session_waiting = self._all_wait()
            self._clock()
            self._state.session_workflow = self._state.session_workflow or name
            for said in range(len(race.said)):
                await self._tell_try(race, attempt, said)
            attempt.result = await session
        except FailureError as error:
            # Ended from outside: what it did is in its workspace. Or it never began; the others go on.
            if session is None:
                attempt.trouble = f"its session could not begin: {error}"
        except asyncio.CancelledError:
            handled()
            if session is not None:
                attempt.result = await _ended(session)
        self._tries.pop(session_id, None)
        self._try_waits.pop(session_id, None)
        if self._state.session_workflow == name:
            self._state.session_workflow = next((each.id for each in self._tries.values()), "")
        self._state.session_waiting = self._all_wait()
        self._clock()
        attempt.ended = self._begin()
        await self._settle_try(attempt)

    async def _settle_try(self, attempt: Attempt) -> None:
        """Others may need what it holds long before the slowest of the tries has ended."""
        result = attempt.result
        if self._purse is None or result is None or result.purse is None:
            return
        try:
            attempt.result = replace(result, purse=await self._purse.settle_one(result.purse))
        except (asyncio.CancelledError, ActivityError):
            handled()  # it is settled with the others

    def _try_request(
        self, race: Race, attempt: Attempt, state: SessionState, purse: PurseState | None
    ) -> SessionRequest:
        request = self._request
        patience = request.unattended
        return SessionRequest(
            task_id=request.task_id,
            session_id=attempt.session_id,
            stage=Stage.IMPLEMENT,
            opening=race.opening,
            agent=attempt.agent,
            workspace=attempt.link.ref,
            limits=request.limits,
            budget_left=race.shares.usd,
            turns_left=race.shares.turns,
            hours_left=self._hours_left(),
            state=state,
            rebuild=self._try_order(attempt.link.ref.id),
            label=f"{request.repo.full_name}#{request.issue}",
            unattended=OUTAGE_SECONDS if patience is None else patience,
            purse=purse,
        )

    async def _account_for_all(self, race: Race) -> None:
        """What the attempts spent that were begun, once, in the order of their numbers."""
        begun = [each for each in race.attempts if each.begun is not None and not each.accounted]
        for attempt in begun:
            assert attempt.begun is not None
            attempt.accounted = True
            result, step = attempt.result, Stage.IMPLEMENT.step
            if result is None:
                self._did(step, attempt.begun, Spend(), ModelUse(), "terminated", ended=attempt.ended)
                continue
            self._state.spend += result.spend
            self._state.note_stand_in(result.instead_of)
            attempt.link.adopt(result.workspace)
            error_type = error_type_of(result)
            self._did(step, attempt.begun, result.spend, result.use, error_type, ended=attempt.ended)
        if begun and self._purse is not None:
            await self._purse.take_back_all(
                [attempt.result.purse if attempt.result else None for attempt in begun]
            )

    # --- their workspaces -------------------------------------------------------------------------

    def _try_order(self, workspace: str) -> WorkspaceOrder:
        return replace(super()._order(self._issue), task_id=TaskId(workspace))

    def _order(self, issue: AcceptedIssue) -> WorkspaceOrder:
        order = super()._order(issue)
        return replace(order, task_id=TaskId(self._adopted)) if self._adopted else order


async def _ended(session: Session) -> SessionResult | None:
    """Cancel it, and wait for what it has spent; None where it cannot say."""
    session.cancel()
    try:
        return await session
    except (asyncio.CancelledError, ChildWorkflowError):
        return None
