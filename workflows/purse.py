"""Money from the limits that runs share: reserved before it is spent, given back when it is not needed.

The decisions are `tamma.model.budget`'s. A run holds one reservation at a time, and lends it to its session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.interface import Done
from activities.interface.budgets import AWAIT_ROOM, RESERVE, SETTLE, AwaitRoom, Reserve, Reserved, Settle
from tamma.model import budget
from tamma.model.budget import EVERYTHING, PurseState, Reservation, Wanted
from tamma.model.ids import TaskId
from tamma.model.task import Gate, Spend, Waiting
from workflows.calls import call, start
from workflows.options import ROOM_WATCH, STORE_CALL
from workflows.patience import Patience, Rejected
from workflows.recovery import diagnose

POLL = 30.0
"""Seconds between looks whether a limit was raised, or others have given back."""
LONGEST = 30 * 24 * 3600.0
"""Seconds of one wait for a limit whose period never turns: within the time that the looking lasts."""
AFTER_TURN = 1.0
"""Seconds after a period's turn: the database's clock may be a little behind."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds: the run, also where its session asks."""

    task_id: TaskId
    repo: str
    workflow_id: str
    run_id: str


class Purse:
    """What a run, or its session, holds of the shared limits."""

    def __init__(self, holder: Holder, patience: Patience, state: PurseState | None = None) -> None:
        self.state = state or PurseState()
        self._holder = holder
        self._patience = patience
        self._looking: workflow.ActivityHandle[Done] | None = None

    async def afford(self, run_left: Decimal) -> bool:
        """Have enough for the next model call. `run_left`: what the run's own budget has left.

        False after waiting for it: the caller looks at everything again. Raises Rejected.
        """
        want = budget.wanted(self.state, run_left)
        if want is None:
            return True
        key = f"{self.state.prefix}-{self.state.number}"
        answer = await self._patience.patiently(lambda: self._reserve(key, want))
        if answer.granted is not None:
            self.state = budget.taken(self.state, key, answer.granted)
            return True
        self.state = budget.settled(self.state)
        await self._stand_still(answer, want)
        return False

    def charge(self, spend: Spend) -> None:
        """A model call has cost this."""
        self.state = budget.charged(self.state, spend.cost_usd)

    async def put_back(self) -> None:
        """Settle, where there is something to settle."""
        if not self.state.key and not self.state.lost:
            return
        if await self._settle(self.state):
            self.state = budget.settled(self.state)

    def lend(self, session: int) -> PurseState:
        """Give it to a session, whose reservations have names of their own.

        Until it is back its state is unknown here. Of a session that ended by force it never comes back: what
        that one spent stands in the transcripts alone.
        """
        given = replace(self.state, prefix=f"session-{session}", number=0)
        self.state = replace(self.state, lost=True)
        return given

    def take_back(self, state: PurseState) -> None:
        """What a session leaves. The names of reservations stay one's own."""
        self.state = replace(state, prefix=self.state.prefix, number=self.state.number)

    def lend_to_several(self, names: Sequence[str]) -> list[PurseState]:
        """Each of several sessions at once reserves for itself, and knows what calls cost until now.

        Only after `put_back`. What they reserve and spend is unknown here until `take_back_all`.
        """
        self.state = replace(self.state, lost=True)
        return [PurseState(name, dearest=self.state.dearest) for name in names]

    async def settle_one(self, state: PurseState) -> PurseState:
        """Settle what one of several sessions leaves while others work on: what is free then is also for
        them. The same again where that failed: `take_back_all` settles it."""
        settled = bool(state.key) and await self._settle(state)
        return budget.settled(state) if settled else state

    async def take_back_all(self, states: Sequence[PurseState | None]) -> None:
        """What several sessions leave, settled at once; None of one that ended by force.

        With one of those, what is still held is settled together, by what the transcripts say.
        """
        known = [state for state in states if state is not None]
        dearest = max((state.dearest for state in known), default=self.state.dearest)
        self.state = replace(self.state, dearest=max(self.state.dearest, dearest))
        if len(known) < len(states) or self.state.key:
            return
        for state in known:
            if state.key and not await self._settle(state):
                return
        self.state = budget.settled(self.state)

    async def _settle(self, state: PurseState) -> bool:
        given = Settle(self._holder.task_id, budget.settlement(state), workflow.now())
        try:
            await call(SETTLE, given, STORE_CALL, summary="settle what was reserved")
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            # Whoever needs the money finds it held by a run that has ended, and settles for it.
            workflow.logger.warning("a reservation was not settled: %s", diagnose(error).reason)
            return False
        return True

    async def _reserve(self, key: str, want: Wanted) -> Reserved:
        holder = self._holder
        wish = Reservation(holder.task_id, key, holder.repo, holder.workflow_id, holder.run_id)
        given = Reserve(wish, want.usd, want.least, budget.settlement(self.state), workflow.now())
        return await call(RESERVE, given, STORE_CALL, summary="reserve money")

    async def _stand_still(self, answer: Reserved, want: Wanted) -> None:
        """Until the period turns, the limit is raised, others give back, or somebody says so."""
        seconds = LONGEST
        if answer.turns_at is not None:
            seconds = max((answer.turns_at - workflow.now()).total_seconds(), 0.0) + AFTER_TURN
        looking = self._looking = self._look_for_room(want.least)
        try:
            await self._patience.wait(waiting_for(answer, want), seconds=seconds)
        except (asyncio.CancelledError, Rejected):
            self._looking = None
            looking.cancel()
            raise
        self._looking = None
        looking.cancel()

    def _look_for_room(self, least: Decimal) -> workflow.ActivityHandle[Done]:
        """An activity that polls by its retries, so that no history grows."""
        given = AwaitRoom(self._holder.repo, least, workflow.now(), POLL)
        looking = start(AWAIT_ROOM, given, ROOM_WATCH, summary="wait for room in the limits")
        looking.add_done_callback(self._seen)
        return looking

    def _seen(self, looking: asyncio.Task[Done]) -> None:
        failed = looking.cancelled() or looking.exception() is not None
        # Only for the wait that it belongs to: a late answer must not open another gate.
        if self._looking is looking and not failed:
            self._patience.resume()


def waiting_for(answer: Reserved, want: Wanted) -> Waiting:
    """What people are shown: which limit, what is gone of it, when it turns, what can be done."""
    standing = answer.limit
    if standing is None:  # it was raised between the two looks
        return Waiting(Gate.BUDGET, "the limits are being looked at again", "", person=False)
    limit = standing.limit
    where = "everything" if limit.scope == EVERYTHING else repr(limit.scope)
    reason = (
        f"the {limit.period.value} limit of {limit.usd:.2f} USD for {where} leaves too little: "
        f"{standing.spent:.2f} USD are spent and {standing.reserved:.2f} USD reserved by runs, "
        f"the next call may need {want.least:.2f} USD"
    )
    scope = "" if limit.scope == EVERYTHING else f" --repo '{limit.scope}'"
    raising = f"raise it with `tamma budget set{scope} --per {limit.period.value} USD`"
    if answer.turns_at is None:
        return Waiting(Gate.BUDGET, reason, f"{raising}, or `tamma cancel TASK`")
    return Waiting(
        Gate.BUDGET,
        reason,
        f"it goes on by itself at {answer.turns_at:%Y-%m-%d %H:%M} UTC; or {raising}",
        person=False,
    )
