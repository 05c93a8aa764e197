"""A call that may change something is made once, whatever becomes of the worker."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from activities.served import ANSWERED, BEGUN, Place, ServedCalls
from tamma.errors import Superseded
from tamma.model.conversation import ToolCall, ToolResult
from tamma.model.ids import SessionId
from tamma.store.interface import EventQuery
from tamma.store.memory import MemoryStore
from tamma.toolservers.interface import Offer, ServedOutcome

SESSION = SessionId("t1/agent")
CALL = ToolCall("c1", "tracker__close", "{}")
PLACE = Place(SESSION, 3, 0)


class Lost(Exception):
    """The worker is gone."""


@dataclass
class Servers:
    """Counts what was called; may lose the worker in the middle of a call."""

    harmless: bool = False
    lost: bool = False
    called: list[str] = field(default_factory=list[str])

    async def offer(self) -> Offer:
        return Offer()

    def owns(self, name: str) -> bool:
        return "__" in name

    async def read_only(self, name: str) -> bool:
        return self.harmless

    async def call(self, call: ToolCall) -> ServedOutcome:
        self.called.append(call.name)
        if self.lost:
            raise Lost
        return ServedOutcome(ToolResult(call.id, f"closed, {len(self.called)}"))

    async def close(self) -> None: ...


async def test_a_stored_outcome_is_used_again() -> None:
    store, servers = MemoryStore(), Servers()
    first = await ServedCalls(servers, store).execute(CALL, PLACE, await store.acquire_lease(SESSION, 4))
    again = await ServedCalls(servers, store).execute(CALL, PLACE, await store.acquire_lease(SESSION, 4))
    assert servers.called == ["tracker__close"]
    assert again == first
    assert not first.changed


async def test_a_call_without_a_stored_outcome_is_not_made_again() -> None:
    store, servers = MemoryStore(), Servers(lost=True)
    with pytest.raises(Lost):
        await ServedCalls(servers, store).execute(CALL, PLACE, await store.acquire_lease(SESSION, 4))
    servers.lost = False
    again = await ServedCalls(servers, store).execute(CALL, PLACE, await store.acquire_lease(SESSION, 4))
    assert servers.called == ["tracker__close"]
    assert again.result.is_error
    assert "not known" in again.result.content


async def test_a_call_that_changes_nothing_is_made_again() -> None:
    store, servers = MemoryStore(), Servers(harmless=True)
    for _ in range(2):
        await ServedCalls(servers, store).execute(CALL, PLACE, await store.acquire_lease(SESSION, 4))
    assert len(servers.called) == 2
    assert await store.read_events(EventQuery()) == ()


async def test_a_superseded_attempt_does_not_act() -> None:
    store, servers = MemoryStore(), Servers()
    old = await store.acquire_lease(SESSION, 4)
    await store.acquire_lease(SESSION, 4)
    with pytest.raises(Superseded):
        await ServedCalls(servers, store).execute(CALL, PLACE, old)
    assert servers.called == []


async def test_the_same_call_elsewhere_is_another_one() -> None:
    store, servers = MemoryStore(), Servers()
    lease = await store.acquire_lease(SESSION, 4)
    served = ServedCalls(servers, store)
    for place in (PLACE, Place(SESSION, 3, 1), Place(SESSION, 5, 0)):
        await served.execute(CALL, place, lease)
    assert len(servers.called) == 3


async def test_what_was_called_stands_in_the_runs_log() -> None:
    store = MemoryStore()
    await ServedCalls(Servers(), store).execute(CALL, PLACE, await store.acquire_lease(SESSION, 4))
    noted = await store.read_events(EventQuery(tags=("task:t1",)))
    assert [(event.type, event.data["tool"]) for event in noted] == [
        (BEGUN, "tracker__close"),
        (ANSWERED, "tracker__close"),
    ]
