"""Limits of spending that runs share: reserve, settle, wait for room."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from temporalio import activity
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import failing_well, not_yet
from activities.heartbeat import heard
from activities.interface import Done
from activities.interface.budgets import AWAIT_ROOM, RESERVE, SETTLE, AwaitRoom, Reserve, Reserved, Settle
from tamma.model.budget import Reservation, Settlement, binding
from tamma.store.interface import Store

if TYPE_CHECKING:
    from temporalio.client import Client

MOST_LOOKED_AT = 200
"""Holders that are asked after at once, the longest first."""


class BudgetActivities:
    """Holds the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @activity.defn(name=RESERVE.name)
    @failing_well
    @heard
    async def reserve_spending(self, given: Reserve) -> Reserved:
        """Reserve, or say which limit leaves too little. What dead runs hold is no reason."""
        at = _now(given.at)
        granted = await self._reserve(given, at)
        if granted is None and await self._release_dead(at):
            granted = await self._reserve(given, at)
        if granted is not None:
            return Reserved(granted)
        standing = binding(await self._store.limits_standing(at, given.wish.repo), given.least)
        return Reserved(None, standing, standing.limit.period.turns(at) if standing else None)

    @activity.defn(name=AWAIT_ROOM.name)
    @failing_well
    @heard
    async def await_room(self, given: AwaitRoom) -> Done:
        """One look at the limits; `not_yet` while one leaves too little."""
        at = _now(given.at)
        if binding(await self._store.limits_standing(at, given.repo), given.least) is not None:
            await self._release_dead(at)
            if binding(await self._store.limits_standing(at, given.repo), given.least) is not None:
                raise not_yet("a limit of spending leaves too little", given.poll)
        return Done()

    @activity.defn(name=SETTLE.name)
    @failing_well
    @heard
    async def settle_spending(self, given: Settle) -> Done:
        """Count what was spent, give back the rest. Twice is once."""
        await self._store.settle(given.task_id, given.what, _now(given.at))
        return Done()

    async def _reserve(self, given: Reserve, at: datetime) -> Decimal | None:
        return await self._store.reserve(given.wish, given.want, given.least, at, given.settles)

    async def _release_dead(self, at: datetime) -> bool:
        """Settle for runs that have ended without doing so: somebody terminated them. Whether there were any.

        A run settles before it ends, so nobody else's money is taken here.
        """
        client, released = activity.client(), False
        for held in await self._store.open_reservations(limit=MOST_LOOKED_AT):
            if await _ended(client, held):
                await self._store.settle(held.task_id, Settlement(held.key), at)
                released = True
        return released


def _now(given: datetime) -> datetime:
    """The later of the workflow's time and this machine's: an order that comes late counts as of now."""
    return max(given, datetime.now(UTC))


async def _ended(client: Client, held: Reservation) -> bool:
    """Whether the holder's workflow is known to have ended. What cannot be told counts as no."""
    from temporalio.client import WorkflowExecutionStatus

    handle = client.get_workflow_handle(held.workflow_id, run_id=held.run_id)
    try:
        status = (await handle.describe()).status
    except RPCError as error:
        return error.status is RPCStatusCode.NOT_FOUND
    return status is not None and status is not WorkflowExecutionStatus.RUNNING
